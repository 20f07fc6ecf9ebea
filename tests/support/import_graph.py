"""Who imports whom and which sessions there are, read from the sources without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path


def imported(source: str) -> Iterator[str]:
    """Go through the dotted names that `source` imports; `from a import b` is a.b, whether that is a module or not."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def forbidden(folder: Path, packages: Sequence[str]) -> list[str]:
    """Say which files under `folder` import one of the top-level `packages`."""
    return [
        f"{path.relative_to(folder.parent).as_posix()} imports {name}"
        for path in sorted(folder.rglob("*.py"))
        for name in imported(path.read_text(encoding="utf-8"))
        if name.partition(".")[0] in packages
    ]


def upward(package: Path, layers: Sequence[Sequence[str]]) -> list[str]:
    """Say which modules of `package` import from a layer above their own; `layers` come with the highest first.

    A module is a file or folder directly in the package. What is no module belongs to `__init__`.
    """
    heights = {module: -depth for depth, layer in enumerate(layers) for module in layer}
    complaints = []
    for path in sorted(package.rglob("*.py")):
        module = path.relative_to(package).parts[0].removesuffix(".py")
        for name in imported(path.read_text(encoding="utf-8")):
            top, _, rest = name.partition(".")
            other = rest.partition(".")[0]
            if top == package.name and heights[module] < heights.get(other, 1):
                complaints.append(f"{module} imports {other if other in heights else '__init__'}")
    return complaints


def modules(package: Path) -> set[str]:
    """Return the names of the files and folders directly in `package` that can be imported."""
    folders = {path.parent.name for path in package.glob("*/__init__.py")}
    return folders | {path.stem for path in package.glob("*.py")}


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
