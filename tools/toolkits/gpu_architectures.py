"""The GPU architectures to compile for: the matrix's list, or those in a variable."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from tools.errors import ToolError
from tools.matrix import GpuArch, load_matrix


def variable(backend: str) -> str:
    """Return the name of the environment and CMake variable for the architectures of `backend`."""
    return f"LLAMAPACK_{backend.upper()}_ARCHS"


def wanted(
    backend: str,
    pattern: re.Pattern[str],
    advice: str,
    variables: Mapping[str, str] = os.environ,
    spell: Callable[[GpuArch], str] = lambda arch: arch.arch,
) -> str:
    """Return the architectures to compile `backend` for, with commas: the matrix's list, or those in the variable.

    `spell` converts an architecture of the matrix to CMake's notation. Raises ToolError, with `advice`, for values that
    do not match `pattern`.
    """
    named = variables.get(variable(backend), "").replace(" ", "").replace(";", ",").strip(",")
    if not named:
        return ",".join(map(spell, load_matrix().gpu_archs(backend)))
    if wrong := [arch for arch in named.split(",") if not pattern.fullmatch(arch)]:
        raise ToolError(f"{variable(backend)} names {wrong[0]!r}, which is not an architecture.", fix=advice)
    return named


@contextmanager
def unless_named(backend: str, archs: str) -> Iterator[None]:
    """Compile `backend` only for `archs` within the block, unless a variable names others."""
    name = variable(backend)
    known = os.environ.get(name)
    os.environ[name] = known or archs
    try:
        yield
    finally:
        if known is None:
            del os.environ[name]
        else:
            os.environ[name] = known
