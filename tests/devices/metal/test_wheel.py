"""The Metal wheel's metadata, as made for a Mac; pip takes the wheel for one, and refuses it elsewhere."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from email import message_from_string
from pathlib import Path

import pytest
import tomllib
from packaging.requirements import Requirement

from tools.matrix import load_matrix
from tools.paths import CORE, package_folder

TAG = load_matrix().wheel_tag("macos-arm64")
FOLDER = package_folder("metal")
VERSION = tomllib.loads((FOLDER / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
NAME = f"llamapack_metal-{VERSION}-py3-none-{TAG}.whl"
HOOK = "import sys, scikit_build_core.build as build; build.prepare_metadata_for_build_wheel(sys.argv[1])"
PLACE = {"sys_platform": "darwin", "platform_machine": "arm64"}


@pytest.fixture(scope="module")
def metadata(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of metadata, made for the platform of the matrix."""
    folder = tmp_path_factory.mktemp("metadata")
    variables = {"PATH": str(Path(sys.executable).parent), "_PYTHON_HOST_PLATFORM": TAG}
    subprocess.run([sys.executable, "-c", HOOK, folder], cwd=FOLDER, env=variables, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def wheels(metadata: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheel that has all of the package but the library, which only a Mac compiles."""
    folder = tmp_path_factory.mktemp("wheels")
    with zipfile.ZipFile(folder / NAME, "w") as archive:
        for root in (metadata, FOLDER / "src"):
            for path in sorted(root.rglob("*")):
                if path.is_file() and path.suffix != ".pyc":
                    archive.write(path, path.relative_to(root))
        archive.writestr(f"llamapack_metal-{VERSION}.dist-info/RECORD", "")
    return folder


def pip(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", *map(str, words), "--no-deps", "--no-index", "--disable-pip-version-check"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_metadata_state_platform_core_and_entry_point(metadata: Path) -> None:
    folder = metadata / f"llamapack_metal-{VERSION}.dist-info"
    tags = [line for line in (folder / "WHEEL").read_text(encoding="utf-8").splitlines() if line.startswith("Tag: ")]
    assert tags == [f"Tag: py3-none-{TAG}"]
    stated = message_from_string((folder / "METADATA").read_text(encoding="utf-8"))
    assert (stated["Name"], stated["Version"]) == ("llamapack-metal", VERSION)
    assert stated.get_all("Requires-Dist") == [f"llamapack=={VERSION}"]
    entries = (folder / "entry_points.txt").read_text(encoding="utf-8").split()
    assert "".join(entries) == "[llamapack.backends]metal=llamapack_metal:describe"
    assert sorted(path.name for path in (folder / "licenses").rglob("*") if path.is_file()) == ["LICENSE", "LICENSE"]


def test_pip_takes_it_for_a_mac_of_the_floor_and_for_no_older_or_other_one(wheels: Path, tmp_path: Path) -> None:
    older = TAG.replace("14_0", "13_0")
    assert older != TAG
    for platform, taken in ((TAG, True), ("macosx_15_0_arm64", True), (older, False), ("macosx_14_0_x86_64", False)):
        words = ("--platform", platform, "--only-binary", ":all:", "--dest", tmp_path / platform)
        done = pip("download", "--find-links", wheels, *words, "llamapack-metal")
        assert (done.returncode == 0) is taken, (platform, done.stderr)
        assert (tmp_path / platform / NAME).exists() is taken


@pytest.mark.skipif(sys.platform == "darwin", reason="this is the system that it is for")
def test_pip_refuses_it_elsewhere_in_its_own_words(wheels: Path) -> None:
    done = pip("install", wheels / NAME)
    assert done.returncode == 1
    assert done.stderr.strip() == f"ERROR: {NAME} is not a supported wheel on this platform."
    named = pip("install", "--find-links", wheels, "llamapack-metal")
    assert named.returncode == 1
    assert "ERROR: No matching distribution found for llamapack-metal" in named.stderr


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
