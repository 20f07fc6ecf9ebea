"""Compile native.c, which does in C what the Python package does with its libraries."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.paths import CORE, SYNCED

SOURCE = Path(__file__).resolve().with_name("native.c")


@dataclass(frozen=True, kw_only=True)
class Libraries:
    """The folder with a core wheel's libraries, and the contents of abi.json."""

    folder: Path
    abi_id: str
    levels: tuple[str, ...]


def libraries_in(folder: Path) -> Libraries:
    """Describe the libraries in `folder`."""
    abi = json.loads((folder / "abi.json").read_text(encoding="utf-8"))
    return Libraries(folder=folder, abi_id=abi["abi_id"], levels=tuple(abi["cpu_levels"]))


def native_program(compiler: Sequence[str], libraries: Libraries, program: Path) -> Path:
    """Compile native.c for the names of `libraries`, with a C compiler and its options for the target."""
    names = ", ".join(f'"{level}"' for level in libraries.levels)
    command = [*compiler, "-O1", "-Wall", "-Wextra", f'-DLLAMAPACK_ABI_ID="{libraries.abi_id}"', f"-DLEVELS={names}"]
    includes = [CORE / "native" / "include", SYNCED / "include", SYNCED / "ggml" / "include"]
    command += [*(f"-I{folder}" for folder in includes), str(SOURCE), "-o", str(program)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return program


def said(lines: str) -> dict[str, str]:
    """Return the program's output by the first word of each line; scores by the name of the level."""
    pairs = (line.removeprefix("score ").partition(" ") for line in lines.splitlines())
    return {word: rest for word, _, rest in pairs}
