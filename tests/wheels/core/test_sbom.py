"""The bill of materials inside the core wheel says what this wheel is made of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.release.bills import Bill, components, read_bill
from tests.support.wheel_contents import info_folder, names
from tools.matrix import load_matrix
from tools.paths import CORE, SYNCED


@pytest.fixture(scope="module")
def bill(contents: Path) -> Bill:
    return read_bill(info_folder(contents) / "sboms" / "llamapack.cdx.json")


def test_it_is_about_this_wheel(bill: Bill, wheel: Path, abi_id: str) -> None:
    about = bill["metadata"]["component"]
    assert (about["name"], about["version"]) == tuple(wheel.name.split("-")[:2])
    assert {"name": "llamapack:abi-id", "value": abi_id} in bill["metadata"]["properties"]


def test_it_names_the_pin_and_each_patch_with_its_hash(bill: Bill) -> None:
    manifest = json.loads((SYNCED / "llamapack-manifest.json").read_text(encoding="utf-8"))
    found = components(bill)
    assert found["llama.cpp"]["version"] == manifest["commit"]
    patches = {name: each["hashes"] for name, each in found.items() if name.startswith("patches/")}
    assert patches == {
        f"patches/{patch['name']}": [{"alg": "SHA-256", "content": patch["sha256"]}] for patch in manifest["patches"]
    }
    assert patches


def test_it_names_the_compilers(bill: Bill) -> None:
    tools = {each["name"]: each["version"] for each in bill["metadata"]["tools"]["components"]}
    assert {"CMake"} < set(tools)
    assert all(tools.values())
    if "zig" in tools:
        assert tools["zig"] == load_matrix().toolchains["zig"].version


def test_it_names_the_packages_of_the_page(bill: Bill) -> None:
    file = CORE / "native" / "page" / "packages.json"
    if not file.is_file():
        pytest.skip("this wheel has no page")
    listed = {package["name"] for package in json.loads(file.read_text(encoding="utf-8"))}
    assert "svelte" in listed
    assert listed <= set(components(bill))


def test_it_is_the_only_one_and_has_no_path(contents: Path) -> None:
    folder = info_folder(contents) / "sboms"
    assert names(folder) == {"llamapack.cdx.json"}
    assert str(Path.home()).encode() not in (folder / "llamapack.cdx.json").read_bytes()
