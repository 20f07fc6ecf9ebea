"""Emulators are found by either of their names, installed where that is allowed, and asked for otherwise."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import emulation
from tools.emulation import emulators, ensure_emulator, find_emulator, how_to_get
from tools.errors import ToolError
from tools.matrix_file import EMULATORS


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


@pytest.mark.skipif(os.name == "nt", reason="there are no users with a number")
@pytest.mark.parametrize(
    ("user", "apt", "works", "asked"),
    [(0, True, True, 1), (0, True, False, 1), (0, False, True, 0), (1000, True, True, 0)],
)
def test_emulator_is_installed_by_root_where_there_is_apt(
    programs: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, user: int, apt: bool, works: bool, asked: int
) -> None:
    commands: list[list[str]] = []

    def install(words: list[str], **options: object) -> None:
        commands.append(words)
        if "install" in words and not works:
            raise ToolError("qemu-user-static could not be installed.")
        if "install" in words:
            programs("qemu-x86_64-static")

    monkeypatch.setattr(emulation, "run_logged", install)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "geteuid", lambda: user)
    if apt:
        programs("apt-get")
    said: list[str] = []
    assert bool(ensure_emulator("qemu-x86_64", said.append)) is (works and asked == 1)
    install_it = ["apt-get", "install", "--yes", "--no-install-recommends", "qemu-user-static"]
    assert commands == [["apt-get", "update"], install_it] * asked
    assert said == ["Installing qemu-user-static, which has qemu-x86_64"] * asked + (
        [] if works else ["qemu-user-static could not be installed."]
    )


def test_emulator_that_is_there_is_not_installed(
    programs: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulation, "run_logged", None)
    there = programs("wine")
    assert ensure_emulator("wine") == there


def test_every_emulator_of_the_matrix_has_its_package() -> None:
    assert set(emulation.PACKAGES) == set(EMULATORS)
    assert how_to_get("wine") == "wine is not on this machine: apt install wine64"
