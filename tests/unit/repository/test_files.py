"""What no file of the repository may hold."""

from __future__ import annotations

import re

import pytest

from tests.support.repository import texts

# Spelled in two parts, so that this file does not hold them itself.
MACHINE_PATHS = tuple(f"/{folder}/" for folder in ("work", "root", "tmp"))
INDEX_HOSTS = tuple(
    f"{name}.{end}"
    for name, end in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("debian", "org"),
        ("test.pypi", "org"),
        ("conda", "org"),
    )
)
SOURCES = (".py", ".cpp", ".h", ".cmake", "CMakeLists.txt")
LONGEST = 450


def test_no_file_names_a_machine_or_a_package_index() -> None:
    words = MACHINE_PATHS + INDEX_HOSTS
    found = [f"{name}: {word}" for name, text in texts() for word in words if word in text]
    assert found == []


def junk(text: str) -> list[str]:
    """Say what is wrong with the white space of `text`, and whether a merge was left unfinished."""
    rules = {
        "white space at the end of a line": r"[ \t]+$",
        "carriage return": r"\r",
        "conflict marker": r"^(<{7}|>{7}|\|{7})( |$)",
        "blank lines at the end": r"\n\n\Z",
        "no newline at the end": r"[^\n]\Z",
    }
    return [name for name, pattern in rules.items() if re.search(pattern, text, re.MULTILINE)]


def test_no_file_holds_junk() -> None:
    found = {name: junk(text) for name, text in texts() if not name.endswith(".patch")}
    assert {name: complaints for name, complaints in found.items() if complaints} == {}


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("", []),
        ("a\n\nb\n", []),
        ("a \nb\n", ["white space at the end of a line"]),
        ("a\r\n", ["carriage return"]),
        ("a\n\n", ["blank lines at the end"]),
        ("a", ["no newline at the end"]),
        ("<" * 7 + " HEAD\n", ["conflict marker"]),
    ],
)
def test_junk_is_found(text: str, complaints: list[str]) -> None:
    assert junk(text) == complaints


def test_no_source_file_is_longer_than_a_reader_bears() -> None:
    written = {name: text for name, text in texts() if name.endswith(SOURCES) and "Generated" not in text[:200]}
    assert {name: lines for name, text in written.items() if (lines := text.count("\n")) > LONGEST} == {}
