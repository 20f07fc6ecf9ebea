"""Rules for the whole tree: who may import whom, and what no file may hold."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.import_graph import forbidden, modules, nox_sessions, upward
from tools.paths import CORE, ROOT

PACKAGE = CORE / "src" / "llamapack"

# The highest first: a module imports from its own layer or from those below.
LAYERS = (
    ("__main__", "__init__"),
    ("cli",),
    ("generation",),
    ("sampling", "grammar", "perplexity"),
    ("context", "chat", "quantize"),
    ("model", "diagnostics", "imatrix"),
    ("backends", "gguf", "threads"),
    ("_native", "_util"),
    ("errors",),
)

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


def files() -> list[Path]:
    """What git tracks, and what it would if it were added now."""
    try:
        words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listing = subprocess.run(words, cwd=ROOT, check=True, capture_output=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is not a git checkout, so there is no list of its files")
    return [path for name in sorted(listing.split("\0")) if name and (path := ROOT / name).is_file()]


def texts() -> Iterator[tuple[str, str]]:
    for path in files():
        content = path.read_bytes()
        if b"\0" not in content:
            yield path.relative_to(ROOT).as_posix(), content.decode("utf-8", errors="replace")


def test_tools_import_nothing_that_calls_them() -> None:
    assert forbidden(ROOT / "tools", ("noxfile", "tasks", "tests", "llamapack")) == []


def test_the_package_imports_nothing_of_the_developers_side() -> None:
    assert forbidden(PACKAGE, ("noxfile", "tasks", "tests", "tools")) == []


def test_every_module_of_the_package_has_one_layer() -> None:
    listed = [module for layer in LAYERS for module in layer]
    assert len(listed) == len(set(listed))
    assert modules(PACKAGE) == set(listed), "LAYERS in tests/unit/repository/test_layout.py says where a module belongs"


def test_the_package_imports_downwards_only() -> None:
    assert upward(PACKAGE, LAYERS) == []


@pytest.mark.parametrize(
    ("source", "complaints"),
    [
        ("from pkg.low import thing", []),
        ("from pkg import low", []),
        ("import json", []),
        ("from pkg.beside.part import thing", []),
        ("from pkg import high", ["middle imports high"]),
        ("import pkg.high.part", ["middle imports high"]),
        ("from pkg import Thing", ["middle imports __init__"]),
        ("import pkg", ["middle imports __init__"]),
        ("def late():\n    from pkg.high import thing", ["middle imports high"]),
    ],
)
def test_an_upward_import_is_found(tmp_path: Path, source: str, complaints: list[str]) -> None:
    package = tmp_path / "pkg"
    (package / "middle").mkdir(parents=True)
    (package / "middle" / "part.py").write_text(source, encoding="utf-8")
    assert upward(package, (("__init__",), ("high",), ("middle", "beside"), ("low",))) == complaints


def test_a_forbidden_import_is_found(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "a.py").write_text("import noxfiles\nfrom tasks import build\n", encoding="utf-8")
    assert forbidden(tmp_path / "tools", ("noxfile", "tasks")) == ["tools/a.py imports tasks.build"]


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


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"(?ms)^```.*?^```", "", text))


def anchors(text: str) -> set[str]:
    """The names that GitHub gives to the headings of a page."""
    titles = re.findall(r"(?m)^#+ +(.+?) *$", re.sub(r"(?ms)^```.*?^```", "", text))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(page: Path) -> list[str]:
    """Return the links of `page` into this tree that lead nowhere."""
    broken = []
    for link in re.findall(r"\]\(([^()\s]+)\)", without_code(page.read_text(encoding="utf-8"))):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if re.match(r"[a-z]+:", link):
            continue
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)
    return broken


def test_links_between_documents_lead_somewhere() -> None:
    pages = [path for path in files() if path.suffix == ".md"]
    assert ROOT / "docs" / "reference" / "build-matrix.md" in pages
    assert {page.relative_to(ROOT).as_posix(): broken for page in pages if (broken := broken_links(page))} == {}


def test_sessions_that_documents_name_exist() -> None:
    pages = {path: path.read_text(encoding="utf-8") for path in files() if path.suffix == ".md"}
    known = nox_sessions(ROOT / "noxfile.py")
    named = {path.name: set(re.findall(r"nox -s ([a-z][\w-]*)", text)) - known for path, text in pages.items()}
    assert {name: unknown for name, unknown in named.items() if unknown} == {}


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# A `b` title!\n", encoding="utf-8")
    (tmp_path / "page.md").write_text(
        "# Here\n[a](other.md) [b](other.md#a-b-title) [c](#here) [d](https://example.com/x) `[e](gone.md)`\n"
        "[f](gone.md) [g](other.md#gone) [h](#gone)\n```\n[i](gone.md)\n```\n",
        encoding="utf-8",
    )
    assert broken_links(tmp_path / "page.md") == ["gone.md", "other.md#gone", "#gone"]
