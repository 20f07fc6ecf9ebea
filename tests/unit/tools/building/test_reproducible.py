"""Two wheels that differ are told apart, file by file."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.building import reproducible
from tools.building.reproducible import differences, require_reproducible
from tools.errors import ToolError


def made(path: Path, **files: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return path


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Path]:
    wheels = {"first": made(tmp_path / "1.whl", a="1", b="2"), "second": made(tmp_path / "2.whl", a="1", b="2")}

    @contextmanager
    def second_build(*, recompile: bool) -> Iterator[Path]:
        yield wheels["second"]

    monkeypatch.setattr(reproducible, "core_wheel", lambda: wheels["first"])
    monkeypatch.setattr(reproducible, "second_build", second_build)
    return wheels


def test_equal_wheels_give_their_digest(two: dict[str, Path]) -> None:
    assert len(require_reproducible()) == 64


def test_different_wheels_are_refused_with_the_files_that_differ(two: dict[str, Path]) -> None:
    made(two["second"], a="1", b="3", c="4")
    with pytest.raises(ToolError) as caught:
        require_reproducible()
    assert caught.value.why == "c: in one wheel only\nb: different"


def test_a_different_order_is_a_difference_too(two: dict[str, Path]) -> None:
    made(two["second"], b="2", a="1")
    with pytest.raises(ToolError, match="order or dates are not"):
        require_reproducible()


def test_differences_are_named(tmp_path: Path) -> None:
    assert differences(made(tmp_path / "1", a="1", b="2"), made(tmp_path / "2", b="3", c="4")) == [
        "a: in one wheel only",
        "c: in one wheel only",
        "b: different",
    ]
