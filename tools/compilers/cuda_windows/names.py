"""Compare the names that nvcc for Linux and clang for Windows give to the same kernels and variables.

They differ in three ways. nvcc's own are external where the source says `static`, or in a namespace that it makes up
for each file, as what is in an unnamed one. A function that is an argument of a template is written without its
parameters if it is in a namespace, so they are left out everywhere. And an integer of 64 bits, which the source calls
int64_t, is `long` on Linux and `long long` on Windows. A `long` of Windows has 32 bits, so it has no partner.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable, Mapping
from functools import cache

from tools.errors import ToolError

LIBRARY = "libstdc++.so.6"
_INTERNAL = re.compile(r"_INTERNAL_\w+::")
_LONG = re.compile(r"(?<!long )\blong\b(?! long| double)")
_FUNCTION = re.compile(r"&\(([\w:]+)\((?:[^()]|\([^()]*\))*\)\)")
_LITERAL = re.compile(r"\b(\d+u?)l\b")


class UnmatchedError(ToolError):
    """Names of the host's part that have no partner in the device's, or the other way round."""


def partners(host: Iterable[str], device: Iterable[str], what: str) -> dict[str, str]:
    """Return for each name in `host`, which are clang's, the one in `device` of the same function or variable.

    Raises UnmatchedError with the names that have none, or more than one.
    """
    by_meaning: dict[str, list[str]] = {}
    for name in device:
        by_meaning.setdefault(on_windows(name), []).append(name)
    found, wrong = {}, []
    for name in host:
        meaning = of_the_host(name)
        candidates = by_meaning.get(meaning, [])
        if len(candidates) > 1:  # f(long) and f(long long): the source's own `long long` is the same on both
            candidates = [each for each in candidates if of_the_host(each) == meaning]
        if len(candidates) == 1:
            found[name] = candidates[0]
        else:
            wrong.append(f"{meaning} ({name})")
    if wrong:
        raise UnmatchedError(
            f"These {what} of the host's part have no partner in nvcc's device code: {'; '.join(wrong)}.",
            why=f"nvcc has: {'; '.join(sorted(by_meaning)) or 'none'}.",
            fix="Does a signature have a `long`, or a type that Linux and Windows define in different ways?",
        )
    return found


def require_all_used(found: Mapping[str, str], device: Iterable[str], what: str) -> None:
    """Raise UnmatchedError if `device` has a name that is nobody's partner in `found`."""
    if alone := sorted(set(device) - set(found.values())):
        named = "; ".join(f"{on_windows(name)} ({name})" for name in alone)
        raise UnmatchedError(
            f"These {what} are in nvcc's device code, and the host's part does not know them: {named}.",
            fix="Does the source leave them out on Windows, or where clang compiles it?",
        )


def of_the_host(name: str) -> str:
    """Return what clang's `name` means, without the parameters of functions that are arguments of templates."""
    return _FUNCTION.sub(r"&\1", demangled(name))


def on_windows(name: str) -> str:
    """Return what nvcc's `name` means, with the integers of 64 bits as the same source declares them on Windows."""
    meant = _INTERNAL.sub("", of_the_host(name))
    return _LITERAL.sub(r"\1ll", _LONG.sub("long long", meant))


def demangled(name: str) -> str:
    """Return a C++ name as it is written in the source; C names stay."""
    if not name.startswith("_Z"):
        return name
    status = ctypes.c_int()
    library = _library()
    text = library.__cxa_demangle(name.encode(), None, None, ctypes.byref(status))
    if not text:
        return name
    try:
        return str(ctypes.cast(text, ctypes.c_char_p).value, "ascii")  # type: ignore[arg-type]
    finally:
        _free(text)


@cache
def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise ToolError(f"{LIBRARY} was not found, which reads C++ names.", fix="Install g++.") from error
    library.__cxa_demangle.restype = ctypes.c_void_p
    return library


def _free(text: int) -> None:
    ctypes.CDLL(None).free(ctypes.c_void_p(text))
