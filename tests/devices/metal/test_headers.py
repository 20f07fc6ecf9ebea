"""The stand-in for Apple's headers says of Metal what Apple's own headers for C++ say, method by method."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.support.libraries.metal_headers import apples_values, metal_cpp, objective_c, values
from tools.toolkits.metal.kit import STAND_IN

HEADER = (STAND_IN / "include" / "Metal" / "Metal.h").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(from_apple: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Apple's metal-cpp."""
    found = tmp_path_factory.mktemp("metal-cpp")
    (wheel,) = from_apple.glob("mlx_metal-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if "/metal_cpp/Metal/" in name or "/metal_cpp/Foundation/" in name]
        archive.extractall(found, names)
    return found / "mlx" / "include" / "metal_cpp"


def test_methods_take_and_return_what_apples_do(folder: Path) -> None:
    ours, apples = objective_c(HEADER), metal_cpp(folder)
    assert len(ours) >= 70
    assert {name: signature for name, signature in ours.items() if signature not in apples.get(name, set())} == {}


def test_values_are_apples(folder: Path) -> None:
    ours, apples = values(HEADER), apples_values(folder)
    assert len(ours) >= 16
    assert {name: (value, apples.get(name)) for name, value in ours.items() if apples.get(name) != value} == {}
