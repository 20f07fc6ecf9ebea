"""Who may import whom: the layers of each tree, no circles, no private names across rooms, no crowded folders."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.import_graph import (
    circles,
    forbidden,
    import_graph,
    imported,
    longest_chain,
    private_uses,
    rooms,
    upward,
)
from tools.paths import CORE, ROOT

TOOLS = ROOT / "tools"
PACKAGE = CORE / "src" / "llamapack"
TESTS = ROOT / "tests"

# The highest first: a room imports from its own layer or from those below. A room is a folder, or a file beside them.
TOOLS_LAYERS = (
    ("sessions", "generated"),
    ("release",),
    ("verification",),
    ("building",),
    ("toolkits",),
    ("vendoring", "compilers", "platforms"),
    ("git", "matrix", "audit"),
    ("bindgen", "util"),
    ("paths", "errors", "__init__"),
)
CORE_LAYERS = (
    ("__main__", "__init__"),
    ("cli", "_pyinstaller"),
    ("fitting",),
    ("server", "terminal"),
    ("llama",),
    ("runner",),
    ("engine",),
    ("generation",),
    ("chat",),
    ("typed",),
    ("sampling", "grammar", "evaluation", "media"),
    ("context", "quantization"),
    ("model", "diagnostics", "imatrix", "hub"),
    ("backends", "gguf", "media_files", "threads"),
    ("_native", "_util"),
    ("errors",),
)
BACKENDS_LAYERS = (
    ("loading", "foreign", "__init__"),
    ("plugin_loader",),
    ("in_use", "survey"),
    ("devices",),
    ("cpu",),
    ("probing",),
    ("selection",),
    ("plugins",),
    ("host",),
    ("verdicts",),
    ("contract",),
    ("runtime_libraries", "children"),
    ("interpreter", "versions"),
)
BACKENDS = PACKAGE / "backends"
LAYERS: Mapping[Path, Sequence[Sequence[str]]] = {
    TOOLS: TOOLS_LAYERS,
    PACKAGE: CORE_LAYERS,
    BACKENDS: BACKENDS_LAYERS,
}
MOST_MODULES = 20
LONGEST_CHAIN = 9


def trees() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("tree", LAYERS, ids=lambda tree: tree.name)


def test_tools_import_nothing_that_calls_them() -> None:
    assert forbidden(TOOLS, ("noxfile", "tasks", "tests", "llamapack")) == []


def test_only_the_sessions_import_nox() -> None:
    assert {name.split("/")[1].split(" ")[0] for name in forbidden(TOOLS, ("nox",))} == {"sessions"}


def test_the_package_imports_nothing_of_the_developers_side() -> None:
    assert forbidden(PACKAGE, ("noxfile", "tasks", "tests", "tools")) == []


@trees()
def test_every_room_has_one_layer(tree: Path) -> None:
    listed = [room for layer in LAYERS[tree] for room in layer]
    assert len(listed) == len(set(listed))
    assert rooms(tree) == set(listed), "The layers in tests/unit/repository/test_layout.py say where a room belongs."


@trees()
def test_rooms_import_downwards_only(tree: Path) -> None:
    assert sorted(set(upward(tree, LAYERS[tree]))) == []


@pytest.mark.parametrize("tree", [TOOLS, PACKAGE, TESTS], ids=lambda tree: tree.name)
def test_no_files_import_each_other(tree: Path) -> None:
    assert circles(import_graph(tree)) == []


@trees()
def test_no_private_name_is_used_by_another_room(tree: Path) -> None:
    assert [str(use) for use in private_uses(tree)] == []


def test_chains_of_imports_are_short() -> None:
    chain = longest_chain(import_graph(TOOLS))
    assert len(chain) <= LONGEST_CHAIN, " -> ".join(chain)


def test_no_folder_is_crowded() -> None:
    folders = {path.parent for tree in (*LAYERS, TESTS) for path in tree.rglob("*.py")}
    crowded = {
        folder.relative_to(ROOT).as_posix(): count
        for folder in folders
        if (count := sum(path.name != "__init__.py" for path in folder.glob("*.py"))) > MOST_MODULES
    }
    assert crowded == {}


def test_helpers_of_tests_are_in_support() -> None:
    """No test imports another test or a conftest, so that each can be moved alone."""
    wrong = [
        f"{path.relative_to(ROOT).as_posix()} imports {name}"
        for path in sorted(TESTS.rglob("*.py"))
        for name in imported(path.read_text(encoding="utf-8"))
        if name.startswith("tests.") and not name.startswith("tests.support.")
    ]
    assert wrong == []


def without_contents(room: Path) -> list[str]:
    """Return what keeps the `__init__.py` of `room` from being a table of contents, and nothing else."""
    text = (room / "__init__.py").read_text(encoding="utf-8")
    tree = ast.parse(text)
    names = {path.stem for path in room.glob("*.py")} | {path.parent.name for path in room.glob("*/__init__.py")}
    lines = (ast.get_docstring(tree) or "").splitlines()
    unnamed = sorted(names - {"__init__", "__main__"} - {line.split()[0] for line in lines if line.strip()})
    code = [node for node in tree.body[1:] if not isinstance(node, ast.Import | ast.ImportFrom)]
    listed = len(code) == 1 and isinstance(code[0], ast.Assign) and ast.unparse(code[0].targets[0]) == "__all__"
    return [f"does not name {name}" for name in unnamed] + ([] if listed else ["holds more than imports and __all__"])


@trees()
def test_every_room_begins_with_a_table_of_contents(tree: Path) -> None:
    found = {file.parent: without_contents(file.parent) for file in sorted(tree.rglob("*/__init__.py"))}
    found.pop(tree, None)  # the top of the package fetches its names when they are used
    assert {room.relative_to(ROOT).as_posix(): wrong for room, wrong in found.items() if wrong} == {}


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
        ("try:\n    pass\nexcept OSError:\n    import pkg.high", ["middle imports high"]),
        ("try:\n    pass\nfinally:\n    import pkg.high", ["middle imports high"]),
        ("for a in b:\n    pass\nelse:\n    import pkg.high", ["middle imports high"]),
        ("match a:\n    case 1:\n        import pkg.high", ["middle imports high"]),
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


def written(folder: Path, files: Mapping[str, str]) -> Path:
    package = folder / "pkg"
    for name, text in files.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return package


def test_a_circle_is_found_through_late_and_type_imports(tmp_path: Path) -> None:
    package = written(
        tmp_path,
        {
            "__init__.py": "",
            "one/__init__.py": "",
            "one/a.py": "def late():\n    from pkg.two import b",
            "two/__init__.py": "",
            "two/b.py": "if TYPE_CHECKING:\n    from pkg.two.c import C",
            "two/c.py": "import pkg.one.a",
            "two/d.py": "from pkg.two.c import C",
        },
    )
    assert circles(import_graph(package)) == [("pkg.one.a", "pkg.two.b", "pkg.two.c")]


def test_the_longest_chain_leaves_out_tables_of_contents(tmp_path: Path) -> None:
    package = written(
        tmp_path,
        {
            "top.py": "from pkg.room import a\nfrom pkg.room import Thing",
            "room/__init__.py": "from pkg.room.a import Thing",
            "room/a.py": "from pkg import low",
            "low.py": "",
        },
    )
    assert longest_chain(import_graph(package)) == ["pkg.top", "pkg.room.a", "pkg.low"]


def test_a_private_name_of_another_room_is_found(tmp_path: Path) -> None:
    package = written(
        tmp_path,
        {
            "one/a.py": "class A:\n    def _hidden(self): self._field = 1\n\n_constant = 1",
            "one/b.py": "def use(a): return a._hidden()",
            "two/c.py": "from pkg.one.a import _constant\n\n"
            "def use(a, b):\n    a._hidden()\n    b._field\n    sys._getframe()",
            "two/d.py": "class D(A):\n    def use(self): return self._hidden() + super()._hidden()",
        },
    )
    assert [str(use) for use in private_uses(package)] == [
        "two/c.py:1: _constant",
        "two/c.py:4: _hidden",
        "two/c.py:5: _field",
    ]
