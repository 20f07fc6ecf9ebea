"""The Metal wheel that was built without a Mac: for which Macs it is, and what tells it from a Mac's."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest
import tomllib
from packaging.requirements import Requirement

from tests.support.wheel_contents import MIB
from tools.matrix import load_matrix
from tools.paths import CORE, package_folder
from tools.toolkits.metal.kit import BUILD_TAG

PACKAGE, LIBRARY = "llamapack_metal", "libggml-metal.so"
TAG = load_matrix().wheel_tag("macos-arm64")
FOLDER = package_folder("metal")
VERSION = tomllib.loads((FOLDER / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
INFO = f"{PACKAGE}-{VERSION}.dist-info"
PLACE = {"sys_platform": "darwin", "platform_machine": "arm64"}


def read(wheel: Path, name: str) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        return message_from_string(archive.read(f"{INFO}/{name}").decode())


def pip(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", *map(str, words), "--no-deps", "--no-index", "--disable-pip-version-check"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_its_name_says_that_it_is_not_the_one_to_release(wheel: Path) -> None:
    assert wheel.name == f"{PACKAGE}-{VERSION}-{BUILD_TAG}-py3-none-{TAG}.whl"
    assert read(wheel, "WHEEL")["Build"] == BUILD_TAG


def test_it_holds_one_library_its_description_and_the_licences(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name.removeprefix(f"{PACKAGE}/") for name in archive.namelist() if not name.startswith(INFO)}
        licences = {name for name in archive.namelist() if name.startswith(f"{INFO}/licenses/")}
        stated = json.loads(archive.read(f"{PACKAGE}/lib/backend.json"))
    assert names == {"__init__.py", "lib/backend.json", f"lib/{LIBRARY}"}
    assert {name.removeprefix(f"{INFO}/licenses/") for name in licences} == {"LICENSE", "native/llama.cpp/LICENSE"}
    assert (stated["name"], stated["library"], stated["targets"], stated["preload"]) == ("metal", LIBRARY, [], [])
    assert wheel.stat().st_size < 2 * MIB


def test_metadata_state_platform_core_and_entry_point(wheel: Path) -> None:
    assert read(wheel, "WHEEL").get_all("Tag") == [f"py3-none-{TAG}"]
    stated = read(wheel, "METADATA")
    assert (stated["Name"], stated["Version"]) == ("llamapack-metal", VERSION)
    assert stated.get_all("Requires-Dist") == [f"llamapack=={VERSION}"]
    with zipfile.ZipFile(wheel) as archive:
        entries = archive.read(f"{INFO}/entry_points.txt").decode().split()
    assert "".join(entries) == "[llamapack.backends]metal=llamapack_metal:describe"


def test_pip_takes_it_for_a_mac_of_the_floor_and_for_no_older_or_other_one(wheel: Path, tmp_path: Path) -> None:
    older = TAG.replace("14_0", "13_0")
    assert older != TAG
    for platform, taken in ((TAG, True), ("macosx_15_0_arm64", True), (older, False), ("macosx_14_0_x86_64", False)):
        words = ("--platform", platform, "--only-binary", ":all:", "--dest", tmp_path / platform)
        done = pip("download", wheel, *words)
        assert (done.returncode == 0) is taken, (platform, done.stderr)
        assert (tmp_path / platform / wheel.name).exists() is taken


def test_pip_refuses_it_elsewhere_in_its_own_words(wheel: Path) -> None:
    done = pip("install", wheel)
    assert done.returncode == 1
    assert done.stderr.strip() == f"ERROR: {wheel.name} is not a supported wheel on this platform."


@pytest.mark.parametrize(
    ("place", "wanted"),
    [
        (PLACE, True),
        ({**PLACE, "platform_machine": "x86_64"}, False),
        ({"sys_platform": "linux", "platform_machine": "arm64"}, False),
        ({"sys_platform": "win32", "platform_machine": "ARM64"}, False),
    ],
)
def test_core_brings_it_along_on_apple_silicon_only(place: dict[str, str], wanted: bool) -> None:
    core = tomllib.loads((CORE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (needed,) = [found for word in core["dependencies"] if (found := Requirement(word)).name == "llamapack-metal"]
    assert str(needed.specifier) == f"=={core['version']}"
    assert needed.marker is not None
    assert needed.marker.evaluate(place) is wanted
