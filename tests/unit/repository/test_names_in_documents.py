"""What documents name exists: paths, modules, identifiers; and every room and page is listed where people look."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

from tests.support.repository import files, texts
from tools.paths import CORE, ROOT

PACKAGE = CORE / "src" / "llamapack"
ARCHITECTURE = ROOT / "docs" / "development" / "architecture.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
LAYOUT = Path(__file__).with_name("test_layout.py")

# Made by builds and by vendoring, so git does not know them.
MADE = ("build/*", "dist/*", "vendor/llama.cpp*", "packages/*/native/llama.cpp*", "packages/core/native/page*")
# Files that documents name and that are not in this repository: in wheels, in caches, or of another project.
ELSEWHERE = {
    *("backend.json", "abi.json", "LICENSE.txt"),
    *("llama.h", "mtmd.h", "fattn-vec-instance-q8_0-q8_0.cu"),
}
PLACEHOLDER = re.compile(r"\bNAME\b")  # what documents write for any name
SUFFIXES = "py|toml|md|txt|in|json|c|cpp|cu|h|cmake|yml|patch"

# Files that name paths in llama.cpp's tree.
OF_LLAMA_CPP = ("patches/", "vendor/")
IN_REMARKS = re.compile(r"(?<![\w./-])(?:benchmarks|docs|examples|packages|requirements|tests|tools)/[\w*./-]*\w")
PATH = re.compile(r"\.?[\w*.-]+(/[\w*.-]+)*/?")
FILE = re.compile(rf"[\w.*-]+\.({SUFFIXES})")
MODULE = re.compile(r"(llamapack|tools|tests|benchmarks)(\.\w+)+")
IDENTIFIER = re.compile(r"(?=\w*_|[A-Z][a-z]+[A-Z])[A-Za-z]\w+")


@cache
def tracked() -> frozenset[str]:
    """The files that git tracks or would, and their folders."""
    paths = [path.relative_to(ROOT) for path in files()]
    return frozenset(path.as_posix() for file in paths for path in (file, *file.parents) if path != Path())


@cache
def words_of_sources() -> frozenset[str]:
    """Every word in a file that is no document."""
    sources = [ROOT / name for name in tracked() if not name.endswith(".md") and (ROOT / name).is_file()]
    return frozenset(word for path in sources for word in re.findall(r"\w+", path.read_text("utf-8", errors="replace")))


def pages() -> list[str]:
    """The documents that describe the tree as it is; what a changelog says was true when it was written."""
    return sorted(name for name in tracked() if name.endswith(".md") and name != "CHANGELOG.md")


def spans(text: str) -> Iterator[str]:
    """Go through the code in running text, without blocks."""
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"(?ms)^ *```.*?^ *```", "", text))


@cache
def is_there(path: str) -> bool:
    """Say whether `path` exists, from the root or, if it begins with llamapack/, from the package."""
    pattern = PLACEHOLDER.sub("*", path.rstrip("/"))
    pattern = re.sub(r"^llamapack(?=/|$)", PACKAGE.relative_to(ROOT).as_posix(), pattern)
    if any(fnmatchcase(pattern, made) for made in MADE):
        return True
    return pattern in tracked() or any(fnmatchcase(name, pattern) for name in tracked())


def missing_path(span: str) -> bool:
    """Say whether `span` is a path into this tree that does not exist."""
    top = span.partition("/")[0]
    if "/" in span and PATH.fullmatch(span) and top in tracked() | {"llamapack"}:
        return not is_there(span)
    if FILE.fullmatch(span) and span not in ELSEWHERE:
        return not any(fnmatchcase(Path(name).name, PLACEHOLDER.sub("*", span)) for name in tracked())
    return False


def missing_name(span: str) -> bool:
    """Say whether `span` is a module, or a name in one, that no source has."""
    if MODULE.fullmatch(span) and not FILE.fullmatch(span):
        root, *names = span.split(".")
        folder = {"llamapack": PACKAGE}.get(root, ROOT / root)
        while names and ((folder / names[0]).is_dir() or (folder / f"{names[0]}.py").is_file()):
            folder = folder / names.pop(0)
        source = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
        return bool(names) and not re.search(rf"\b{names[0]}\b", source.read_text(encoding="utf-8"))
    return bool(IDENTIFIER.fullmatch(span)) and span not in words_of_sources()


def unknown(text: str) -> list[str]:
    return [span for span in spans(text) if missing_path(span) or missing_name(span)]


def test_what_documents_name_exists() -> None:
    found = {page: unknown((ROOT / page).read_text(encoding="utf-8")) for page in pages()}
    assert {page: names for page, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "span",
    [
        "tools/gone.py",
        "tools/gone/",
        "tests/unit/test_gone.py",
        "llamapack/gone/",
        "packages/backend-*/gone.toml",
        "test_gone.py",
        "llamapack.gone",
        "llamapack.errors.GoneError",
        "gone" + "_function",
        "Gone" + "Class",
    ],
)
def test_a_name_of_nothing_is_found(span: str) -> None:
    assert unknown(f"See `{span}` there.") == [span]


@pytest.mark.parametrize(
    "span",
    [
        "tools/",
        "tools/paths.py",
        "llamapack/errors.py",
        "packages/backend-*/pyproject.toml",
        "packages/backend-NAME",
        "packages/core/native/llama.cpp/LICENSE",
        "test_names_in_documents.py",
        "llamapack.errors.ModelError",
        "llamapack.backends",
        "missing_path",
        "a word",
        "nox -s unit",
    ],
)
def test_a_name_of_something_is_not_complained_about(span: str) -> None:
    assert unknown(f"See `{span}` there.\n```\n`tools/gone.py`\n```\n") == []


def remarks(name: str, text: str) -> str:
    """Return the comments and docstrings of a file in Python, and the whole text of any other."""
    if not name.endswith(".py"):
        return text
    comments = [
        token.string for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type == tokenize.COMMENT
    ]
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]
    return "\n".join([*comments, *(ast.get_docstring(node) or "" for node in nodes)])


def missing_in_remarks(name: str, text: str) -> list[str]:
    if all(map(is_there, IN_REMARKS.findall(text))):  # faster than to parse every file
        return []
    return [path for path in IN_REMARKS.findall(remarks(name, text)) if not is_there(path)]


def test_what_comments_name_exists() -> None:
    sources = [(name, text) for name, text in texts() if not name.endswith(".md") and not name.startswith(OF_LLAMA_CPP)]
    found = {name: missing_in_remarks(name, text) for name, text in sources}
    assert {name: paths for name, paths in found.items() if paths} == {}


@pytest.mark.parametrize(
    ("name", "text", "missing"),
    [
        ("a.in", "# See tests/gone.\n", ["tests/gone"]),
        ("a.cpp", "// tests/gone/a.py and tools/paths.py\n", ["tests/gone/a.py"]),
        ("a.py", '"""tools/gone.py does."""\n# docs/gone.md\n', ["docs/gone.md", "tools/gone.py"]),
        ("a.py", "PATH = 'tools/gone.py'\n", []),
        ("a.cmake", "# llama.cpp/tools/gone\n", []),
    ],
)
def test_a_path_of_nothing_in_a_comment_is_found(name: str, text: str, missing: list[str]) -> None:
    assert missing_in_remarks(name, text) == missing


def rows(page: Path, heading: str) -> list[str]:
    """Return the first column of the table whose head begins with `heading`."""
    table = page.read_text(encoding="utf-8").partition(f"\n| {heading}")[2].partition("\n\n")[0]
    assert table, f"{page.name} has no table that begins with {heading}"
    return [line.split("|")[1].strip() for line in table.splitlines()[2:]]


def misplaced(text: str) -> list[str]:
    """Return the phrases "`NAME` in `PATH`" of a page whose file does not have the name."""
    found = []
    for name, path in re.findall(r"`(\w+)` in\s+`([\w./-]+\.\w+)`", text):
        file = ROOT / re.sub(r"^llamapack/", f"{PACKAGE.relative_to(ROOT).as_posix()}/", path)
        if file.is_file() and not re.search(rf"\b{name}\b", file.read_text(encoding="utf-8")):
            found.append(f"{name} in {path}")
    return found


def test_names_are_in_the_files_that_documents_say() -> None:
    found = {name: misplaced((ROOT / name).read_text(encoding="utf-8")) for name in pages()}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_a_name_in_another_file_is_found() -> None:
    text = "`RULES` in `tools/audit/rules.py`, `EXIT_STATUS` in\n`llamapack/errors.py`"
    assert misplaced(text) == ["EXIT_STATUS in llamapack/errors.py"]


@pytest.mark.parametrize(
    ("heading", "folder"), [("room in `tools/`", ROOT / "tools"), ("room in `packages/core/src/llamapack/`", PACKAGE)]
)
def test_contributing_lists_every_room(heading: str, folder: Path) -> None:
    listed = {name for row in rows(CONTRIBUTING, heading) for name in spans(row)}
    folders = {f"{path.parent.name}/" for path in folder.glob("*/__init__.py")}
    assert {name for name in listed if name.endswith("/")} == folders - {"_util/"}


def test_contributing_lists_every_folder_of_tests() -> None:
    listed = {name for row in rows(CONTRIBUTING, "tests |") for name in spans(row)}
    assert listed == {f"{name}/" for name in tracked() if re.fullmatch(r"tests/[^/.]+", name)}


def layers(name: str) -> list[list[str]]:
    """Return the layers that the layout test enforces; they are read, as no test imports another."""
    found = [
        ast.literal_eval(node.value)
        for node in ast.parse(LAYOUT.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    ]
    assert len(found) == 1, f"{LAYOUT.name} has no {name}"
    return [list(layer) for layer in found[0]]


@pytest.mark.parametrize(
    ("heading", "folder", "name"),
    [
        ("layer, highest first", PACKAGE, "CORE_LAYERS"),
        ("room, highest first", ROOT / "tools", "TOOLS_LAYERS"),
    ],
)
def test_the_architecture_shows_the_layers_that_are_enforced(heading: str, folder: Path, name: str) -> None:
    shown = [list(spans(row)) for row in rows(ARCHITECTURE, heading)]
    listed = [room for layer in shown for room in layer]
    enforced = [[room for room in layer if room in listed] for layer in layers(name)]
    assert shown == [layer for layer in enforced if layer]
    assert {path.parent.name for path in folder.glob("*/__init__.py")} <= set(listed)


def test_the_index_lists_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    listed = {f"docs/{name}" for name in re.findall(r"\]\(([\w./-]+\.md)\)", index) if not name.startswith("..")}
    assert listed == {name for name in pages() if name.startswith("docs/")} - {"docs/README.md"}
