"""Counts in schemas: exact at llama.cpp's limit of 2,000, beside it, and far beyond."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from llamapack.sampling.json_schema import compile_schema
from llamapack.sampling.json_schema.counts import MAX_COUNT, repeated
from llamapack.sampling.json_schema.rules import Rules

from tests.support.grammars.gbnf import grammar_regex

BOUNDS = [
    *((0, 0), (0, 1), (1, 1), (0, 2), (2, 2), (3, 5), (0, None), (1, None), (2, None)),
    *((0, 1999), (0, 2000), (0, 2001), (1999, 2000), (2000, 2000), (2000, 2001), (2001, 2001), (2000, None)),
    *((2001, None), (1, 2083), (99, 2100), (100, 2101), (2050, 2051), (2099, 2100), (2100, 2100), (2000, 4050)),
]


def near(low: int, high: int | None) -> set[int]:
    """Counts at both bounds and beside them, and some between."""
    ends = {low, low + 5000 if high is None else high}
    between = {(low + max(ends)) // 2, min(low + 100, max(ends))}
    return {count for end in {*ends, *between, 100, 2000} for count in (end - 1, end, end + 1) if count >= 0}


@pytest.mark.parametrize("bounds", BOUNDS, ids=str)
@pytest.mark.parametrize(
    ("schema_of", "text_of"),
    [
        (lambda low, high: {"type": "string", "minLength": low, "maxLength": high}, lambda n: f'"{"a" * n}"'),
        (
            lambda low, high: {"type": "array", "items": {"type": "null"}, "minItems": low, "maxItems": high},
            lambda n: f"[{', '.join(['null'] * n)}]",
        ),
        (
            lambda low, high: {"pattern": f"^(ab){{{low},{'' if high is None else high}}}$"},
            lambda n: f'"{"ab" * n}"',
        ),
    ],
    ids=["lengths", "items", "a pattern"],
)
def test_counts_are_exact(
    bounds: tuple[int, int | None], schema_of: Callable[..., dict[str, Any]], text_of: Callable[[int], str]
) -> None:
    low, high = bounds
    schema = {key: value for key, value in schema_of(low, high).items() if value is not None}
    compiled = compile_schema(schema)
    assert compiled.unenforced == ()
    regex = grammar_regex(compiled.text)
    for count in near(low, high):
        assert bool(regex.fullmatch(text_of(count))) == (low <= count and (high is None or count <= high)), count


@pytest.mark.parametrize(("low", "high"), [(-1, 2), (3, 2), (0, MAX_COUNT + 1), (MAX_COUNT + 1, None)])
def test_what_cannot_be_counted_is_refused(low: int, high: int | None) -> None:
    with pytest.raises(ValueError, match=f"no repetition from {low} to {high} times"):
        repeated(Rules(), "x", low, high)
