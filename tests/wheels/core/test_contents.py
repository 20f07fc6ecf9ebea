"""The core wheel holds what it should, and nothing else."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import sys
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.support.wheel_contents import MACHINES, MIB, PLATFORMS, info_folder, names
from tools.matrix import host_target, load_matrix
from tools.paths import CORE, ROOT, SYNCED

NAMES = {"linux": ("lib{}.so", "lib{}.so"), "macos": ("lib{}.dylib", "lib{}.so"), "windows": ("{}.dll", "{}.dll")}


def expected_libraries(abi_id: str) -> set[str]:
    system = host_target().partition("-")[0]
    shared, module = NAMES[system]
    levels = [level.name for level in load_matrix().levels_of(host_target())]
    return {
        "abi.json",
        "llamapack-runner.exe" if system == "windows" else "llamapack-runner",
        *(shared.format(f"{stem}-{abi_id}") for stem in ("ggml-base", "ggml", "llamapack")),
        *(module.format(f"ggml-cpu-{level}") for level in levels),
    }


def test_wheel_is_small_enough(wheel: Path) -> None:
    assert wheel.stat().st_size <= 20 * MIB


def test_wheel_serves_every_python_of_its_platform(wheel: Path, contents: Path) -> None:
    system, _, machine = host_target().partition("-")
    platform = PLATFORMS[system].format(machine=MACHINES[system].get(machine, machine))
    assert re.fullmatch(rf"llamapack-[\w.]+-py3-none-({platform})\.whl", wheel.name)
    stated = (info_folder(contents) / "WHEEL").read_text(encoding="utf-8").splitlines()
    tag = wheel.stem.split("-", 2)[2]
    assert [line for line in stated if line.startswith(("Tag:", "Root-Is-Purelib:"))] == [
        "Root-Is-Purelib: false",
        f"Tag: {tag}",
    ]


def test_libraries_are_those_of_the_matrix(libraries: Path, abi_id: str) -> None:
    assert names(libraries) == expected_libraries(abi_id)


def test_the_program_can_be_run_once_it_is_installed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (program,) = (each for each in archive.infolist() if "llamapack-runner" in each.filename)
    assert program.external_attr >> 16 & 0o111 == 0o111


def test_python_files_are_those_of_the_source(contents: Path) -> None:
    source = CORE / "src" / "llamapack"
    expected = {name for name in names(source) if "__pycache__" not in name}
    made = ("lib/", "server/page/static/")
    assert {name for name in names(contents / "llamapack") if not name.startswith(made)} == expected
    assert "py.typed" in expected
    different = [
        name for name in expected if (contents / "llamapack" / name).read_bytes() != (source / name).read_bytes()
    ]
    assert different == []


def test_the_page_is_the_one_that_was_built_with_npm(contents: Path) -> None:
    """Without npm there is none, in the folder of the source as in the wheel; what is missing is not called tested."""
    page, found = CORE / "native" / "page", contents / "llamapack" / "server" / "page" / "static"
    assert names(found) == names(page / "static")
    assert [name for name in names(found) if (found / name).read_bytes() != (page / "static" / name).read_bytes()] == []
    if not page.exists():
        pytest.skip("this wheel has no page: npm is missing here, or failed; see the log of the build")
    assert {"index.html.gz", "sw.js.gz", "build.json.gz", "manifest.webmanifest.gz"} <= names(found)


def test_nothing_lies_beside_the_package(contents: Path) -> None:
    assert {path.name for path in contents.iterdir()} == {"llamapack", info_folder(contents).name}


def test_licences_of_us_and_of_upstream_are_there(contents: Path) -> None:
    expected = {
        "LICENSE": ROOT / "LICENSE",
        "native/llama.cpp/LICENSE": SYNCED / "LICENSE",
        **{f"native/page/{path.name}": path for path in (CORE / "native" / "page").glob("LICENSE*")},
        **{f"native/llama.cpp/licenses/{path.name}": path for path in (SYNCED / "licenses").iterdir()},
        **{
            f"native/llama.cpp/{path.relative_to(SYNCED).as_posix()}": path
            for path in (SYNCED / "vendor").rglob("LICENSE*")
        },
    }
    found = info_folder(contents) / "licenses"
    assert names(found) == set(expected)
    assert [name for name, path in expected.items() if (found / name).read_bytes() != path.read_bytes()] == []


def test_information_files_are_the_usual_ones(contents: Path) -> None:
    files = {name for name in names(info_folder(contents)) if not name.startswith(("licenses/", "sboms/"))}
    assert files == {"METADATA", "WHEEL", "RECORD", "entry_points.txt"}
    entry_points = ConfigParser()
    entry_points.read(info_folder(contents) / "entry_points.txt", encoding="utf-8")
    assert {section: dict(entry_points[section]) for section in entry_points.sections()} == {
        "console_scripts": {"llamapack": "llamapack.cli:main"},
        "pyinstaller40": {"hook-dirs": "llamapack._pyinstaller.folder:hook_dirs"},
    }


def test_record_names_every_file_with_its_hash(contents: Path) -> None:
    record = info_folder(contents) / "RECORD"
    rows = {row[0]: row[1] for row in csv.reader(io.StringIO(record.read_text(encoding="utf-8")))}
    own = f"{info_folder(contents).name}/RECORD"
    assert set(rows) == names(contents)
    assert rows.pop(own) == ""
    assert {name: value for name, value in rows.items() if value != record_hash(contents / name)} == {}


def record_hash(path: Path) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest())
    return f"sha256={digest.decode().rstrip('=')}"


def test_no_path_of_this_machine_is_in_a_library(libraries: Path) -> None:
    places = {str(ROOT).encode(), str(Path.home()).encode() if len(Path.home().parts) > 2 else b"/no/such/place"}
    found = [
        (path.name, place.decode(sys.getfilesystemencoding()))
        for path in sorted(libraries.iterdir())
        for place in places
        if place in path.read_bytes()
    ]
    assert found == []
