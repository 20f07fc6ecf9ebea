"""Emulators are found by either of their names, installed where that is allowed, and asked for otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tools.matrix.matrix import EMULATORS
from tools.platforms import apt
from tools.platforms import emulators as emulation
from tools.platforms.emulators import emulators, ensure_emulator, find_emulator, how_to_get


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Path]:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(emulation, "WINE_FOLDER", str(tmp_path / "lib"))

    def add(name: str) -> Path:
        path = tmp_path / name
        path.write_text("#!/bin/sh\n", encoding="utf-8")
        path.chmod(0o755)
        return path

    return add


def test_emulator_is_found_by_its_name_or_that_of_debian(programs: Callable[[str], Path]) -> None:
    assert find_emulator("qemu-x86_64") is None
    static = programs("qemu-x86_64-static")
    assert find_emulator("qemu-x86_64") == static
    plain = programs("qemu-x86_64")
    assert find_emulator("qemu-x86_64") == plain
    programs("wine")
    assert emulators() == {"qemu-x86_64", "wine"}


def test_wine_is_found_where_debians_wine64_lies(programs: Callable[[str], Path], tmp_path: Path) -> None:
    there = programs("wine64")
    assert find_emulator("wine") == there
    (tmp_path / "lib").mkdir()
    apart = there.rename(tmp_path / "lib" / "wine64")
    assert find_emulator("wine") == apart


@pytest.mark.parametrize("works", [True, False])
def test_a_missing_emulator_is_asked_of_debian(
    programs: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, works: bool
) -> None:
    asked: list[str] = []

    def try_to_install(packages: tuple[str, ...], *, purpose: str) -> None:
        asked.append(f"{packages} for {purpose}")
        if works:
            programs("qemu-x86_64-static")

    monkeypatch.setattr(apt, "try_to_install", try_to_install)
    assert bool(ensure_emulator("qemu-x86_64")) is works
    assert asked == ["('qemu-user-static',) for emulation by qemu-x86_64"]


def test_emulator_that_is_there_is_not_installed(
    programs: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apt, "try_to_install", None)
    there = programs("wine")
    assert ensure_emulator("wine") == there


def test_every_emulator_of_the_matrix_has_its_package() -> None:
    assert set(emulation.PACKAGES) == set(EMULATORS)
    assert how_to_get("wine") == "wine is not on this machine: apt install wine64"
