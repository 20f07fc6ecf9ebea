"""Every pinned file holds what its list asks for, with hashes, and says nothing of an index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tools.paths import ROOT

LISTS = sorted((ROOT / "requirements").glob("*.in"))
MEND = "uv pip compile --generate-hashes --universal --python-version 3.11 --no-header --no-annotate {0}.in -o {0}.txt"
OLDER = {("x64", "numpy"), ("wine", "numpy")}
"""Lists that are there for an older version of a package."""
PIN = re.compile(
    r"(?P<name>[\w.-]+)(\[.*\])?==(?P<version>\S+)(?P<marker> ; [^\\]+)?(?P<hashes>( --hash=sha256:\w{64})+)"
)


def wanted(path: Path) -> list[Requirement]:
    """Return what the list asks for, with the lists that it includes."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.partition("#")[0].strip()
        if words.startswith("-r "):
            found += wanted(path.parent / words.removeprefix("-r "))
        elif words:
            found.append(Requirement(words))
    return found


def pins(path: Path) -> dict[str, str]:
    """Return the pinned versions by name; a line of any other form is an error."""
    lines = re.sub(r" *\\\n *", " ", path.read_text(encoding="utf-8")).splitlines()
    matches = [PIN.fullmatch(line) for line in lines]
    assert [line for line, match in zip(lines, matches, strict=True) if not match] == []
    return {match["name"].lower(): match["version"] for match in matches if match}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_pins_are_what_the_list_asks_for(path: Path) -> None:
    pinned = pins(path.with_suffix(".txt"))
    wrong = [
        str(requirement)
        for requirement in wanted(path)
        if not requirement.specifier.contains(pinned.get(plain(requirement.name), "0"), prereleases=True)
        or plain(requirement.name) not in pinned
    ]
    assert wrong == [], f"run in requirements/: {MEND.format(path.stem)}"


def test_every_list_is_pinned_and_every_pinned_file_has_a_list() -> None:
    names = {path.stem for path in (ROOT / "requirements").glob("*.txt")}
    assert names == {path.stem for path in LISTS}


def test_one_package_has_one_version_in_all_files() -> None:
    versions: dict[str, set[str]] = {}
    for path in LISTS:
        for name, version in pins(path.with_suffix(".txt")).items():
            if (path.stem, name) not in OLDER:
                versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}
