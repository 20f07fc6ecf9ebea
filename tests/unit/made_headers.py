"""Bind made-up headers: what the tests of the bindings generator share."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from tools.bindgen.headers import Header
from tools.bindgen.parse import parse
from tools.bindgen.python_writer import write_python
from tools.bindgen.select import Bindings, select

PRELUDE = "#include <stddef.h>\n#include <stdint.h>\n#include <stdbool.h>\n"


def bind(folder: Path, text: str) -> Bindings:
    """Bind everything of a header `made.h`, whose text starts in line 4."""
    path = folder / "made.h"
    path.write_text(PRELUDE + text, encoding="utf-8")
    everything = parse([path])
    libraries = dict.fromkeys(everything.functions, "llamapack")
    return select(everything, [Header(path=path, share="all")], libraries)


def load(folder: Path, text: str) -> Any:
    """Bind a header and run the Python text that is written for it."""
    module = ModuleType("made")
    exec(compile(write_python(bind(folder, text), "# made"), "made.py", "exec"), module.__dict__)  # noqa: S102
    return module
