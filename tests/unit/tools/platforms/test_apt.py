"""Packages of the system: what is missing is installed by root, and named to others."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tools.errors import ToolError, UnavailableError
from tools.platforms import apt as debian
from tools.platforms.apt import LaterPackage, later_files, missing, require, try_to_install

if sys.platform == "win32":
    pytest.skip("apt is not on Windows", allow_module_level=True)

DEB = b"a package"
PACKAGE = LaterPackage(name="thing", version="1.2-3", release="later", sha256=hashlib.sha256(DEB).hexdigest())
STAND_INS = {
    "dpkg-query": 'shift 2; for name in "$@"; do case $name in old*) echo "$name config-files";; '
    'here*) echo "$name installed";; esac; done; exit 1',
    "dpkg-deb": 'mkdir -p "$3/usr"; cp "$2" "$3/usr/$(basename "$2" | cut -d_ -f1)"',
    "apt-get": 'echo "$@" >> "$APT_LOG"; case "$*" in *indextargets*) cat "$APT_SITES";; '
    '*download*) for name in $*; do case $name in thing=*) printf "a package" > thing_1.2-3_amd64.deb;; '
    'other/*) printf "another" > other_7_amd64.deb;; esac; done;; *broken*) exit 7;; esac',
}


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for apt's programs; returns the log of what apt-get was called with."""
    for name, script in STAND_INS.items():
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("APT_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("APT_SITES", str(tmp_path / "sites"))
    monkeypatch.setenv("LLAMAPACK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(debian, "KEYRING", tmp_path / "sites")
    (tmp_path / "sites").write_text("https://mirror.example/security\nhttps://mirror.example/debian\n")
    return tmp_path / "log"


def as_user(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: number)


def test_missing_ones_are_those_not_installed(apt: Path) -> None:
    assert missing(["here-1", "old-one", "nowhere", "here-2"]) == ("old-one", "nowhere")


@pytest.mark.usefixtures("silent")
def test_nothing_is_done_where_all_are_there(apt: Path) -> None:
    require(["here-1"], purpose="a test")
    assert not apt.exists()


def test_root_installs_only_what_is_missing(apt: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    as_user(monkeypatch, 0)
    require(["here-1", "new-one"], purpose="a test")
    update, install = apt.read_text().splitlines()
    assert (update, install.split(" install ")[1]) == ("-qq update", "new-one")
    assert said == ["Installing new-one, for a test"]


def test_others_are_told_the_command(apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_user(monkeypatch, 1000)
    with pytest.raises(UnavailableError, match=r"^A test needs old, new\.\nRun as root: apt-get install old new$"):
        require(["old", "new"], purpose="A test")
    assert not apt.exists()


def test_failed_installation_is_an_error_with_the_command(apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_user(monkeypatch, 0)
    with pytest.raises(
        ToolError, match=r"(?s)^broken could not be installed\..*apt-get update && apt-get install broken$"
    ):
        require(["broken"], purpose="a test")


def test_what_is_only_wished_for_is_installed_where_that_can_be(
    apt: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    as_user(monkeypatch, 0)
    try_to_install(["new-one"], purpose="a test")
    assert apt.read_text().splitlines()[-1].endswith(" install new-one")
    assert said == ["Installing new-one, for a test"]


@pytest.mark.parametrize(
    ("user", "package", "told"),
    [(0, "broken", r"broken could not be installed\."), (1000, "old", r"a test needs old\.\nRun as root: apt-get ")],
)
def test_what_is_only_wished_for_stops_nothing(
    apt: Path, monkeypatch: pytest.MonkeyPatch, user: int, package: str, told: str, said: list[str]
) -> None:
    as_user(monkeypatch, user)
    try_to_install([package], purpose="a test")
    assert re.match(told, said[-1])


@pytest.mark.usefixtures("silent")
def test_nothing_is_wished_for_without_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    try_to_install(["new-one"], purpose="a test")


def test_later_files_are_fetched_once_from_this_machines_mirror(apt: Path, said: list[str]) -> None:
    folder = later_files([PACKAGE])
    assert (folder / "usr/thing").read_bytes() == DEB
    assert said == ["Fetching thing 1.2-3 of Debian later, for the files only"]
    calls = apt.read_text().splitlines()
    assert [line.split()[-1] for line in calls] == ["Packages", "update", "thing=1.2-3"]
    said.clear()
    assert later_files([PACKAGE]) == folder
    assert said == []


def test_several_packages_share_a_folder_and_one_without_a_version_is_the_releases(apt: Path, said: list[str]) -> None:
    folder = later_files([PACKAGE, LaterPackage(name="other", release="later")])
    assert {path.name: path.read_bytes() for path in (folder / "usr").iterdir()} == {"thing": DEB, "other": b"another"}
    assert apt.read_text().splitlines()[-1].endswith(" download thing=1.2-3 other/later")
    assert said == ["Fetching thing 1.2-3, other of Debian later, for the files only"]


def test_file_with_another_hash_is_refused_and_nothing_kept(apt: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"^thing_1\.2-3_amd64\.deb has the SHA-256 .*, and 0000 is pinned\."):
        later_files([replace(PACKAGE, sha256="0000")])
    assert list((tmp_path / "cache" / "debian").iterdir()) == []


def test_machine_without_debians_packages_lacks_them(apt: Path, tmp_path: Path) -> None:
    (tmp_path / "sites").write_text("")
    with pytest.raises(UnavailableError, match=r"^apt is not set to Debian's packages on this machine\."):
        later_files([PACKAGE])
