"""The installation page names every build of the matrix, extras that exist, and remedies as the doctor says them."""

from __future__ import annotations

import re

import tomllib

from tools.matrix import load_matrix
from tools.paths import CORE, ROOT

PAGE = (ROOT / "docs" / "guide" / "installation.md").read_text(encoding="utf-8")
BACKENDS = CORE / "src" / "llamapack" / "backends"
SYSTEMS = {
    "linux-x86_64": ("Linux", "x86-64"),
    "linux-aarch64": ("Linux", "64-bit Arm"),
    "windows-x86_64": ("Windows", "x86-64"),
    "windows-arm64": ("Windows", "Arm"),
    "macos-arm64": ("Mac", "Apple silicon"),
    "macos-x86_64": ("Mac", "Intel"),
}


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its head."""
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def test_every_build_of_the_matrix_has_a_row_and_no_other() -> None:
    named = set()
    for machine, command, _ in rows("Your machine, and what to type"):
        extras = re.findall(r"llamapack\[(\w+)\]", command)
        for target, words in SYSTEMS.items():
            if "pip install" in command and all(re.search(rf"\b{word}\b", machine) for word in words):
                backend = extras[0] if extras else "cpu"
                named.add(f"{backend}-{target}")
                if target == "macos-arm64":
                    named.add("metal-macos-arm64")  # `pip install llamapack` brings it there
    assert named == {cell.id for cell in load_matrix().builds}


def test_minimum_versions_are_those_of_the_matrix() -> None:
    toolchains = load_matrix().toolchains
    assert f"glibc {toolchains['glibc'].version}:" in PAGE
    assert f"macOS {toolchains['macos'].version.partition('.')[0]};" in PAGE
    assert f"Python {load_matrix().wheel_pythons[0]} or newer" in PAGE


def test_extras_exist() -> None:
    project = tomllib.loads((CORE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {extra for found in re.findall(r"llamapack\[([\w,]+)\]", PAGE) for extra in found.split(",")}
    assert named <= set(project["optional-dependencies"])
    assert named == {"cuda", "rocm", "serve", "vulkan"}


def test_remedies_are_what_the_doctor_says() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in sorted(BACKENDS.rglob("*.py")))
    remedies = [row[0].strip("`") for row in rows("If something is wrong")]
    assert len(remedies) == len(set(remedies)) > 15
    assert [remedy for remedy in remedies if remedy not in sources] == []
