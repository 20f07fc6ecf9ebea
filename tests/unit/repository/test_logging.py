"""Tools return data and log; only what is run as a program, and sessions, write to standard output or error."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.import_graph import called_name
from tools.paths import ROOT

TOOLS = ROOT / "tools"
HARMLESS = ("fileno", "flush")
STREAMS = ("sys.stdout", "sys.stderr")
MODULES = sorted(path for path in TOOLS.rglob("*.py") if "sessions" not in path.relative_to(TOOLS).parts)


def is_program(path: Path) -> bool:
    """Return whether a module is run by itself: `python -m tools.audit`, `python -m tools.generated`."""
    return path.name == "__main__.py" or '\nif __name__ == "__main__":\n' in path.read_text(encoding="utf-8")


def printing(source: str) -> Iterator[str]:
    """Yield the places of `source` that print; handing a stream on to another program is not printing."""
    if not any(word in source for word in ("print", "stdout", "stderr")):
        return  # without being parsed
    nodes = list(ast.walk(ast.parse(source)))
    harmless = {id(node.value) for node in nodes if isinstance(node, ast.Attribute) and node.attr in HARMLESS}
    for node in nodes:
        if isinstance(node, ast.Name) and node.id == "print":
            yield f"line {node.lineno}: print"
        elif isinstance(node, ast.Attribute) and id(node) not in harmless and ast.unparse(node) in STREAMS:
            yield f"line {node.lineno}: {ast.unparse(node)}"


def loggers(source: str) -> set[str]:
    """Return the arguments of every call of getLogger in `source`."""
    tree = ast.parse(source if "getLogger" in source else "")
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {ast.unparse(call.args[0]) for call in calls if called_name(call).endswith("getLogger")}


def test_tools_print_nothing() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): places
        for path in MODULES
        if not is_program(path) and (places := list(printing(path.read_text(encoding="utf-8"))))
    }
    assert found == {}


def test_loggers_are_called_as_their_modules_below_llamapack_tools() -> None:
    found = {path: loggers(path.read_text(encoding="utf-8")) for path in MODULES}
    names = {name for path, each in found.items() for name in each if path != TOOLS / "util" / "logs.py"}
    assert names == {ast.unparse(ast.parse('f"llamapack.{__name__}"', mode="eval"))}


@pytest.mark.parametrize(
    ("source", "places"),
    [
        ("print('a')", ["line 1: print"]),
        ("import sys\nsys.stderr.write('a')", ["line 2: sys.stderr"]),
        ("out = print", ["line 1: print"]),
        ("run(stdout=sys.stderr.fileno())", []),
        ("log.info('print')", []),
    ],
)
def test_printing_is_found(source: str, places: list[str]) -> None:
    assert list(printing(source)) == places
