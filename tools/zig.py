"""zig from PyPI as a C and C++ compiler, behind scripts that are called like one."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from tools.matrix import host_target, load_matrix


def version() -> str:
    """Return the version that the matrix states; requirements/zig.txt pins the same."""
    return load_matrix().toolchains["zig"].version


def target() -> str:
    """Return this machine as zig's `-target`, which it must be given: without, it builds for this very processor."""
    return load_matrix().zig_target(host_target())


def write_scripts(folder: Path, program: Path) -> dict[str, Path]:
    """Write zig-cc, zig-c++, zig-ar and zig-ranlib into `folder`; return them by what follows `zig-`.

    `program` is named relative to `folder`, so that a compiler cache sees the same compiler in every checkout.
    """
    relative = shlex.quote(os.path.relpath(program, folder))
    compile_for = f"-target {target()} -fno-sanitize=undefined"
    folder.mkdir(parents=True, exist_ok=True)
    scripts = {}
    for name, words in (("cc", compile_for), ("c++", compile_for), ("ar", ""), ("ranlib", "")):
        scripts[name] = folder / f"zig-{name}"
        line = f'exec "$(dirname "$0")"/{relative} {name} {words} "$@"'
        scripts[name].write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        scripts[name].chmod(0o755)
    return scripts
