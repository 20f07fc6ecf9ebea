"""Imports, uses of private names, and Nox sessions, read from the sources."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

Graph = Mapping[str, frozenset[str]]
"""The modules of a package by their dotted names, each with the modules of the package that it imports."""


@cache
def imported(source: str) -> tuple[str, ...]:
    """Return the dotted names that `source` imports; `from a import b` is a.b, whether that is a module or not."""
    names: list[str] = []
    for node in _statements(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(names)


def _statements(tree: ast.Module) -> list[ast.AST]:
    """Return all statements, without the expressions in them: these hold no import, and are most of a tree."""
    found: list[ast.AST] = [tree]
    for node in found:  # which grows meanwhile
        for block in ("body", "orelse", "finalbody", "handlers", "cases"):
            found += getattr(node, block, ())
    return found


def called_name(call: ast.Call) -> str:
    """Return the last part of the name that `call` calls: `b` of `a.b()`; empty if it calls no name."""
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def forbidden(folder: Path, packages: Sequence[str]) -> list[str]:
    """Return which files under `folder` import one of the top-level `packages`."""
    return [
        f"{path.relative_to(folder.parent).as_posix()} imports {name}"
        for path in sorted(folder.rglob("*.py"))
        for name in imported(path.read_text(encoding="utf-8"))
        if name.partition(".")[0] in packages
    ]


def upward(package: Path, layers: Sequence[Sequence[str]]) -> list[str]:
    """Return which rooms of `package` import from a layer above their own; `layers` come with the highest first.

    A room is a folder or file directly in the package. A name that is no room belongs to `__init__`.
    """
    heights = {room: -depth for depth, layer in enumerate(layers) for room in layer}
    complaints = []
    for path in sorted(package.rglob("*.py")):
        room = room_of(package, path)
        for name in imported(path.read_text(encoding="utf-8")):
            other = _room_in(package, name)
            if other is not None and heights[room] < heights.get(other, 1):
                complaints.append(f"{room} imports {other if other in heights else '__init__'}")
    return complaints


def room_of(package: Path, path: Path) -> str:
    """Return the name of the file or folder directly in `package` that `path` belongs to."""
    return path.relative_to(package).parts[0].removesuffix(".py")


def _room_in(package: Path, name: str) -> str | None:
    """Return the room of `package` that the dotted `name` begins with; None if it belongs to another package."""
    prefix = ".".join(_dotted(package))
    if name != prefix and not name.startswith(f"{prefix}."):
        return None
    return name.removeprefix(prefix).removeprefix(".").partition(".")[0]


def _dotted(package: Path) -> tuple[str, ...]:
    """Return the dotted name of a package in parts: its parents count while they are packages."""
    names = [package.name]
    while (package.parent / "__init__.py").is_file():
        package = package.parent
        names.insert(0, package.name)
    return tuple(names)


def rooms(package: Path) -> set[str]:
    """Return the names of the files and folders directly in `package` that can be imported."""
    folders = {path.parent.name for path in package.glob("*/__init__.py")}
    return folders | {path.stem for path in package.glob("*.py")}


def import_graph(package: Path) -> Graph:
    """Return every module of `package` with those that it imports, including late imports and those for type checkers.

    `from room import name` is an import of the module room.name if there is one, else of the room's `__init__`.
    """
    names = {_module_name(package, path): path for path in sorted(package.rglob("*.py"))}
    return {
        name: frozenset(_known(names, imported(path.read_text(encoding="utf-8"))) - {name})
        for name, path in names.items()
    }


def _module_name(package: Path, path: Path) -> str:
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join((*_dotted(package), *(part for part in parts if part != "__init__")))


def _known(names: Mapping[str, Path], wanted: Iterable[str]) -> set[str]:
    found = set()
    for name in wanted:
        if name in names:
            found.add(name)
        elif (parent := name.rpartition(".")[0]) in names:
            found.add(parent)
    return found


def circles(graph: Graph) -> list[tuple[str, ...]]:
    """Return the groups of modules that import each other, directly or through others (Tarjan's algorithm)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(name: str) -> None:
        order[name] = lowest[name] = len(order)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in order:
                visit(other)
            if other in stack:
                lowest[name] = min(lowest[name], lowest[other])
        if lowest[name] == order[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.append(tuple(sorted(group)))

    for name in graph:
        if name not in order:
            visit(name)
    return found


def longest_chain(graph: Graph) -> list[str]:
    """Return the longest chain of imports in a graph without circles, the importing module first.

    A package's `__init__` is left out of chains, because it only re-exports names.
    """
    chains: dict[str, list[str]] = {}
    packages = {name.rpartition(".")[0] for name in graph}

    def chain(name: str) -> list[str]:
        if name not in chains:
            below = max((chain(other) for other in sorted(graph[name])), key=len, default=[])
            chains[name] = below if name in packages else [name, *below]
        return chains[name]

    return max((chain(name) for name in graph), key=len, default=[])


@dataclass(frozen=True, kw_only=True)
class PrivateUse:
    """A private name that a file takes from another room."""

    file: str
    line: int
    name: str

    def __str__(self) -> str:
        """Return file, line and name, in the format of compilers."""
        return f"{self.file}:{self.line}: {self.name}"


def private_uses(package: Path) -> list[PrivateUse]:
    """Return the private names that the rooms of `package` take from each other.

    A private name begins with one underscore. It is used as an attribute of anything but `self` and `cls`, or imported.
    Names that no file of the package defines are those of other libraries, and left out. A private module of the
    package may be imported.
    """
    found = {path: _private_names(path.read_text(encoding="utf-8")) for path in sorted(package.rglob("*.py"))}
    own: dict[str, set[str]] = {}
    for path, names in found.items():
        own.setdefault(room_of(package, path), set()).update(names.defined)
    defined = set().union(*own.values())
    modules = {path.stem for path in found} | {path.parent.name for path in found}
    return [
        PrivateUse(file=path.relative_to(package).as_posix(), line=line, name=name)
        for path, names in found.items()
        for line, name in sorted(names.used)
        if name in defined and name not in own[room_of(package, path)] and name not in modules
    ]


@dataclass(frozen=True, kw_only=True)
class _PrivateNames:
    """What a source has of them; its tree, which takes much memory and time, is not kept."""

    defined: tuple[str, ...]
    used: tuple[tuple[int, str], ...]


@cache
def _private_names(source: str) -> _PrivateNames:
    tree = ast.parse(source)
    return _PrivateNames(defined=tuple(_defined(tree)), used=tuple(_used(tree)))


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and not name.endswith("_")


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from (name for name in [node.name] if _is_private(name))
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield from (name for name in [node.id] if _is_private(name))
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_own(node.value):
            yield from (name for name in [node.attr] if _is_private(name))


def _used(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _is_private(node.attr) and not _is_own(node.value):
            yield node.lineno, node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, alias.name) for alias in node.names if _is_private(alias.name))


def _is_own(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) and value.func.id == "super"
    return isinstance(value, ast.Name) and value.id in ("self", "cls")


def nox_sessions(noxfile: Path) -> set[str]:
    """Return the names of the sessions that `noxfile` defines."""
    names = set()
    for node in ast.parse(noxfile.read_text(encoding="utf-8")).body:
        for decorator in getattr(node, "decorator_list", []):
            call = decorator.func if isinstance(decorator, ast.Call) else decorator
            if isinstance(node, ast.FunctionDef) and ast.unparse(call) == "nox.session":
                given = {key.arg: ast.literal_eval(key.value) for key in getattr(decorator, "keywords", [])}
                names.add(given.get("name", node.name))
    return names
