"""The largest number that fits."""

from __future__ import annotations

import pytest
from llamapack.fitting.search import largest


@pytest.mark.parametrize("step", [1, 7, 256])
@pytest.mark.parametrize("most", [0, 511, 512, 513, 1000, 7679, 7680, 7999, 8000, 8001])
def test_it_is_the_one_that_looking_at_all_finds(most: int, step: int) -> None:
    tried = [512, 8000, *range(0, 8000, step)]
    expected = max((number for number in tried if 512 <= number <= most), default=None)
    assert largest(lambda number: number <= most, 512, 8000, step) == expected


def test_few_are_tried() -> None:
    seen: list[int] = []

    def fits(number: int) -> bool:
        seen.append(number)
        return number <= 100_000

    assert largest(fits, 512, 131_072, 256) == 99_840
    assert len(seen) <= 11


def test_one_number_is_tried_once() -> None:
    seen: list[int] = []

    def fits(number: int) -> bool:
        seen.append(number)
        return False

    assert largest(fits, 512, 512) is None
    assert seen == [512]
