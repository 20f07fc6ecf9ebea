"""The names of the Nox sessions, read from the noxfile's text: nothing of it runs, and nox is not needed."""

from __future__ import annotations

import ast
from pathlib import Path

from tools.paths import ROOT

NOXFILE = ROOT / "noxfile.py"


def session_names(noxfile: Path = NOXFILE) -> tuple[str, ...]:
    """Return the names of the sessions that `noxfile` defines, in its order."""
    tree = ast.parse(noxfile.read_text(encoding="utf-8"))
    found = (_name(function) for function in tree.body if isinstance(function, ast.FunctionDef))
    return tuple(name for name in found if name)


def _name(function: ast.FunctionDef) -> str:
    """Return what the session that `function` defines is called; an empty string if it defines none."""
    for decorator in function.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else None
        if ast.unparse(call.func if call else decorator) == "nox.session":
            named = [word.value for word in (call.keywords if call else []) if word.arg == "name"]
            return str(ast.literal_eval(named[0])) if named else function.name
    return ""
