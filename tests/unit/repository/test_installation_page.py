"""What the installation page says agrees with the packages, the matrix, and what `llamapack doctor` says."""

from __future__ import annotations

import ast
import re

import pytest
import tomllib

from tools.matrix import load_matrix
from tools.paths import CORE, ROOT

PAGE = (ROOT / "docs" / "guide" / "installation.md").read_text(encoding="utf-8")
SOURCES = CORE / "src" / "llamapack"
PROJECT = tomllib.loads((CORE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SYSTEMS = {"linux": "Linux", "windows": "Windows", "macos": "Mac"}
GPU = {"cuda": "NVIDIA", "rocm": "AMD", "vulkan": "any other GPU"}


def table(head: str) -> list[list[str]]:
    """Return the rows of the table whose first column is called `head`."""
    _, found, rest = PAGE.partition(f"\n| {head} |")
    assert found, f"the page has no table that begins with {head}"
    lines = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def remedies() -> list[str]:
    return [re.findall("`([^`]+)`", row[0])[0] for row in table("what it says")]


def strings() -> set[str]:
    """Return every text in the package's sources, and the parts of those with values in them."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES.rglob("*.py")]
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_what_doctor_is_said_to_say_is_in_its_sources() -> None:
    known, said = strings(), [part.strip() for remedy in remedies() for part in remedy.split("…") if part.strip()]
    assert len(said) == len(remedies()) == 12
    assert [part for part in said if not any(part in text for text in known)] == []


def test_extras_exist() -> None:
    named = {extra for names in re.findall(r"llamapack\[([\w,]+)\]", PAGE) for extra in names.split(",")}
    assert named == set(PROJECT["optional-dependencies"]) - {"metal", "hub"}
    assert set(GPU) | {"metal"} == {row[0].strip("`") for row in table("extra")}


@pytest.mark.parametrize("backend", GPU)
def test_a_gpu_is_offered_for_the_systems_of_its_wheels(backend: str) -> None:
    """What the page says of a system is what the matrix builds for it."""
    (machine,) = [row[0] for row in table("your machine") if f'"llamapack[{backend}]"' in row[1]]
    assert GPU[backend] in machine
    targets = load_matrix().backend(backend).targets
    assert {name for name in SYSTEMS if SYSTEMS[name] in machine} == {target.partition("-")[0] for target in targets}
    assert ("64-bit Arm" in machine) == ("linux-aarch64" in targets)
    assert "windows-arm64" not in targets


def test_every_target_of_the_core_is_named() -> None:
    words = {
        "linux-x86_64": "Linux (x86-64 or 64-bit Arm)",
        "linux-aarch64": "Linux (x86-64 or 64-bit Arm)",
        "windows-x86_64": "Windows (x86-64)",
        "windows-arm64": "Windows on Arm",
        "macos-arm64": "Mac with Apple silicon",
        "macos-x86_64": "Mac with an Intel processor",
    }
    assert set(words) == set(load_matrix().backend("cpu").targets)
    machines = " ".join(row[0] for row in table("your machine"))
    assert [word for word in words.values() if word not in machines] == []


def test_floors_are_those_of_the_matrix() -> None:
    toolchains = load_matrix().toolchains
    assert f"glibc {toolchains['glibc'].version} or newer" in PAGE
    assert f"macOS {toolchains['macos'].version.removesuffix('.0')} or newer" in PAGE
    assert f"Python {PROJECT['requires-python'].removeprefix('>=')} or newer" in PAGE
    readme = (ROOT / "packages" / "backend-cuda" / "README.md").read_text(encoding="utf-8")
    (driver,) = re.findall(r"driver (\d+\.\d+)", readme)
    assert f"NVIDIA's driver, {driver} or newer" in PAGE
