"""The bill of materials: valid by CycloneDX's own schema, complete, and the same bytes each time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.release.bills import SCRIPT, components, invalid, read_bill, sbom_functions
from tools.paths import CORE

COMMIT = "0" * 39 + "1"
MANIFEST = {
    "commit": COMMIT,
    "tree": "2" * 40,
    "patches": [{"name": "0001-a.patch", "sha256": "3" * 64}, {"name": "0002-b.patch", "sha256": "4" * 64}],
}
PROJECT = """
[project]
name = "example"
version = "1.2"
description = "An example"
license = "MIT"
dependencies = ["click>=8.1", "Some_Thing[extra]<2 ; sys_platform == 'linux'"]

[project.optional-dependencies]
serve = ["starlette>=0.46", "click>=8.2"]
"""
PAGE = [
    {"name": "@scope/part", "version": "1.0.0", "licence": "ISC"},
    {"name": "algebra", "version": "", "licence": "see below"},
]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A small source tree with a library in it, and all that describes it."""
    source = tmp_path / "llama.cpp"
    (source / "vendor" / "stb").mkdir(parents=True)
    (source / "vendor" / "stb" / "stb_image.h").write_text("/* stb_image - v2.30 - public */", encoding="utf-8")
    (source / "vendor" / "CMakeLists.txt").touch()
    (source / "vendor" / "hash" / "sha1").mkdir(parents=True)
    (source / "llamapack-manifest.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "packages.json").write_text(json.dumps(PAGE), encoding="utf-8")
    return tmp_path


def write(place: Path, *more: str) -> subprocess.CompletedProcess[str]:
    words = [f"--project={place / 'pyproject.toml'}", f"--source={place / 'llama.cpp'}", *more]
    words.append(f"--output={place / 'bill.json'}")
    return subprocess.run([sys.executable, "-I", str(SCRIPT), *words], capture_output=True, text=True, check=False)


def written(place: Path, *more: str) -> dict[str, Any]:
    done = write(place, *more)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return read_bill(place / "bill.json")


def test_it_names_the_wheel_its_source_its_patches_and_what_they_hold(place: Path) -> None:
    bill = written(place)
    assert bill["metadata"]["component"]["purl"] == "pkg:pypi/example@1.2"
    found = components(bill)
    llama = found["llama.cpp"]
    assert (llama["version"], llama["purl"]) == (COMMIT, f"pkg:github/ggml-org/llama.cpp@{COMMIT}")
    assert "2 patches" in llama["pedigree"]["notes"]
    assert found["patches/0002-b.patch"]["hashes"] == [{"alg": "SHA-256", "content": "4" * 64}]
    assert (found["stb_image"]["version"], found["stb_image"]["licenses"]) == (
        "2.30",
        [{"expression": "MIT OR Unlicense"}],
    )
    assert found["sha1"]["licenses"] == [{"license": {"name": "public domain"}}]
    assert "version" not in found["sha1"]
    assert "xxHash" not in found


def test_it_names_what_python_needs_and_for_which_extra(place: Path) -> None:
    found = components(written(place))
    assert {name: found[name]["scope"] for name in ("click", "some-thing", "starlette")} == {
        "click": "required",
        "some-thing": "required",
        "starlette": "optional",
    }
    assert found["click"]["properties"] == [
        {"name": "llamapack:requires", "value": "click>=8.1"},
        {"name": "llamapack:requires[serve]", "value": "click>=8.2"},
    ]


def test_it_names_compilers_facts_and_what_else_is_compiled_in(place: Path) -> None:
    words = ("--tool=Clang=20.1", "--part=Headers=1.4=Apache-2.0 OR MIT", "--part=Kit=13=':name='", "--fact=a=b=c")
    bill = written(place, *words)
    assert bill["metadata"]["tools"]["components"] == [{"type": "application", "name": "Clang", "version": "20.1"}]
    assert bill["metadata"]["properties"] == [{"name": "llamapack:a", "value": "b=c"}]
    found = components(bill)
    assert found["Headers"]["licenses"] == [{"expression": "Apache-2.0 OR MIT"}]
    assert found["Kit"]["licenses"] == [{"license": {"name": ":name="}}]


def test_it_names_the_packages_of_the_page_if_there_is_one(place: Path) -> None:
    found = components(written(place, f"--page={place / 'page'}"))
    assert found["@scope/part"]["purl"] == "pkg:npm/%40scope/part@1.0.0"
    assert "algebra" in found
    assert "algebra" not in components(written(place, f"--page={place / 'no page'}"))


def test_all_that_it_names_is_a_dependency_of_the_wheel(place: Path) -> None:
    bill = written(place, f"--page={place / 'page'}", "--part=Headers=1.4=MIT")
    (only,) = bill["dependencies"]
    assert only["ref"] == bill["metadata"]["component"]["bom-ref"]
    assert only["dependsOn"] == sorted(each["bom-ref"] for each in bill["components"])


def test_it_has_the_same_bytes_each_time_and_no_path(place: Path) -> None:
    written(place)
    first = (place / "bill.json").read_bytes()
    moved = place.rename(place.with_name("moved"))
    written(moved)
    assert (moved / "bill.json").read_bytes() == first
    assert str(place.parent).encode() not in first


def test_a_library_that_nobody_knows_stops_the_build(place: Path) -> None:
    (place / "llama.cpp" / "vendor" / "another").mkdir()
    done = write(place)
    assert done.returncode == 1
    assert "vendor/another is not in VENDORED" in done.stderr
    assert not (place / "bill.json").exists()


def test_a_version_that_is_written_in_another_way_stops_the_build(place: Path) -> None:
    (place / "llama.cpp" / "vendor" / "stb" / "stb_image.h").write_text("stb_image, version 3", encoding="utf-8")
    done = write(place)
    assert done.returncode == 1
    assert "stb/stb_image.h does not tell its version" in done.stderr


def test_the_judge_finds_what_is_wrong(place: Path) -> None:
    bill = written(place)
    bill["components"][0]["type"] = "thing"
    assert any("thing" in each for each in invalid(json.dumps(bill)))


def test_every_library_in_the_synced_source_is_known() -> None:
    source = CORE / "native" / "llama.cpp"
    if not source.is_dir():
        pytest.skip("llama.cpp's source is not synced here: inv vendor.sync")
    vendored = list(sbom_functions()["_vendored"](source))
    with_version = {each["name"] for each in vendored if each.get("version")}
    assert with_version == {"cpp-httplib", "xxHash", "miniaudio", "JSON for Modern C++", "stb_image"}
    assert len(vendored) == 10
