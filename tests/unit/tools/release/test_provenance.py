"""The manifest says of each file what it is, what it was made of and how it was checked, and what is not there."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.support.release.complete import rewrite, write_release, write_wheel
from tools.errors import ToolError
from tools.matrix import load_matrix
from tools.platforms.host import Host, Method
from tools.release.distribution import bill_of, read_distribution
from tools.release.provenance import Manifest, cell_of, manifest, page, write
from tools.verification.results import Result

MATRIX = load_matrix()
BUILDS = tuple(MATRIX.cell(name) for name in ("cpu-linux-x86_64", "vulkan-windows-x86_64"))
HOST = Host(target="linux-x86_64", features=frozenset())
RESULTS = {"vulkan-windows-x86_64": (Result(how=Method.EMULATED, by="wine", date="2026-12-03", commit="abc"),)}
VERSION = "0.2.0"


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    write_release(tmp_path / "dist", VERSION, BUILDS)
    return tmp_path / "dist"


def made(dist: Path) -> Manifest:
    return manifest(dist.iterdir(), commit="f" * 40, matrix=MATRIX, host=HOST, results=RESULTS)


def test_each_wheel_is_described_by_what_is_in_it(dist: Path) -> None:
    found = {each["name"]: each for each in made(dist)["files"]}
    assert set(found) == {path.name for path in dist.iterdir()}
    (path,) = dist.glob("llamapack_vulkan*.whl")
    about = found[path.name]
    assert about["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert about["sbom_sha256"] == hashlib.sha256(bill_of(path)).hexdigest()
    assert (about["cell"], about["bytes"]) == ("vulkan-windows-x86_64", path.stat().st_size)
    assert (about["llama_cpp"], about["patches"]) == ("1" * 40, {"patches/0001-a.patch": "3" * 64})
    assert about["built_with"] == {"CMake": "4.0"}
    assert about["checks"][0]["commit"] == "abc"


def test_a_source_distribution_is_of_no_cell(dist: Path) -> None:
    (sdist,) = (each for each in made(dist)["files"] if each["name"] == f"llamapack-{VERSION}.tar.gz")
    assert sdist["cell"] is None
    assert "sbom_sha256" not in sdist


def test_what_is_missing_is_named_with_the_reason(dist: Path) -> None:
    missing = {each["cell"]: each["reason"] for each in made(dist)["missing"]}
    assert set(missing) == {cell.id for cell in MATRIX.builds} - {cell.id for cell in BUILDS}
    assert all(missing.values())


def test_it_is_written_as_json_and_as_a_page(dist: Path, tmp_path: Path) -> None:
    found = made(dist)
    data, text = write(found, tmp_path / "release")
    assert json.loads(data.read_text(encoding="utf-8")) == found
    assert text.read_text(encoding="utf-8") == page(found)
    assert "wine" in page(found)
    assert f"| `llamapack-{VERSION}.tar.gz` |" in page(found)
    assert "- `metal-macos-arm64`: " in page(found)


def test_the_same_files_give_the_same_manifest(dist: Path) -> None:
    assert json.dumps(made(dist)) == json.dumps(made(dist))


def test_files_of_two_versions_are_no_release(dist: Path) -> None:
    write_wheel(dist, BUILDS[1], "0.1.0")
    with pytest.raises(ToolError, match=r"versions 0\.1\.0, 0\.2\.0"):
        made(dist)


def test_a_post_release_of_one_plugin_belongs_to_it(dist: Path) -> None:
    write_wheel(dist, BUILDS[1], f"{VERSION}.post1")
    assert made(dist)["version"] == VERSION


def test_a_wheel_without_a_bill_is_refused(dist: Path) -> None:
    (path,) = dist.glob("llamapack_vulkan*.whl")
    name = f"llamapack_vulkan-{VERSION}.dist-info/sboms/llamapack_vulkan.cdx.json"
    rewrite(path, lambda files: files.__delitem__(name))
    with pytest.raises(ToolError, match="has no software bill of materials"):
        made(dist)


def test_a_wheel_for_one_machine_is_of_that_machines_cell(tmp_path: Path) -> None:
    path = write_wheel(tmp_path, MATRIX.cell("cpu-linux-x86_64"), VERSION, tag="linux_x86_64")
    assert cell_of(read_distribution(path), MATRIX).id == "cpu-linux-x86_64"


def test_a_wheel_of_no_cell_is_refused(tmp_path: Path) -> None:
    path = write_wheel(tmp_path, MATRIX.cell("cpu-linux-x86_64"), VERSION, tag="manylinux_2_17_i686")
    with pytest.raises(ToolError, match="is no wheel of the matrix"):
        cell_of(read_distribution(path), MATRIX)
