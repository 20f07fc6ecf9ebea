"""Find, open and check the libraries of this wheel. Everything is opened by absolute path, and only once."""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from llamapack._native import _generated as api
from llamapack.errors import InstallationError

REINSTALL = "Run: python -m pip install --force-reinstall llamapack"


@dataclass(frozen=True, kw_only=True)
class Abi:
    """What `abi.json` in the wheel says of the libraries beside it."""

    abi_id: str
    llama_commit: str
    cpu_levels: Mapping[str, Sequence[str]]


def library_dir() -> Path:
    """Return the folder of the wheel's libraries."""
    return Path(__file__).resolve().parent.parent / "lib"


@lru_cache(maxsize=1)
def read_abi() -> Abi:
    """Read `abi.json`; raises InstallationError where it is missing or damaged."""
    path = library_dir() / "abi.json"
    try:
        data = json.loads(path.read_bytes())
        return Abi(abi_id=data["abi_id"], llama_commit=data["llama_commit"], cpu_levels=data["cpu_levels"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InstallationError(
            f"llamapack's libraries are not there or not complete: {path} cannot be read.",
            why=f"{type(error).__name__}: {error}",
            fix=REINSTALL,
        ) from error


@lru_cache(maxsize=1)
def native() -> api.Native:
    """Open the libraries, check that the bindings fit them, and return their functions."""
    ggml_base, ggml, llamapack = (
        open_library(library_dir() / library_file_name(stem)) for stem in ("ggml-base", "ggml", "llamapack")
    )
    bound = api.Native({"ggml-base": ggml_base, "ggml": ggml, "llamapack": llamapack})
    check_abi(bound, read_abi().abi_id)
    return bound


def check_abi(bound: api.Native, abi_id: str) -> None:
    """Compare what the bindings were generated from with what the compiler saw.

    Raises InstallationError with both values.
    """
    pairs = [
        ("ABI id", (bound.llamapack_abi_id() or b"").decode(), abi_id),
        ("layout hash", (bound.llamapack_layout_hash() or b"").decode(), api.LAYOUT_HASH),
    ]
    sizes = ctypes.POINTER(ctypes.c_uint32)()
    count = bound.llamapack_struct_sizes(ctypes.byref(sizes))
    pairs.append(("structure sizes", str(sizes[:count]), str([ctypes.sizeof(struct) for struct in api.STRUCTS])))
    for name, library, ours in pairs:
        if library != ours:
            raise InstallationError(
                f"llamapack's Python files and its libraries do not belong together: the {name} of libllamapack is "
                f"{library}, but the Python files expect {ours}.",
                fix=REINSTALL,
            )


def encode_path(path: Path) -> bytes:
    """Spell a path as llama.cpp wants it: UTF-8 on Windows, the file system's own bytes elsewhere."""
    return str(path).encode() if sys.platform == "win32" else os.fsencode(path)


def take_text(pointer: api.char_p) -> str:
    """Copy a text that libllamapack returned, and give the memory back; NULL is the empty text."""
    if not pointer:
        return ""
    text = ctypes.string_at(pointer).decode("utf-8", "replace")
    native().llamapack_string_free(pointer)
    return text


def library_file_name(stem: str) -> str:
    """Return the name of one of our shared libraries, which carries the ABI id."""
    name = f"{stem}-{read_abi().abi_id}"
    if sys.platform == "win32":
        return f"{name}.dll"
    return f"lib{name}.dylib" if sys.platform == "darwin" else f"lib{name}.so"


def open_library(path: Path, fix: str = REINSTALL) -> ctypes.CDLL:
    """Open the library at `path`; raises InstallationError where it is missing, and with the loader's reason."""
    if not path.is_file():
        raise InstallationError(f"The library {path} is missing.", fix=fix)
    try:
        return ctypes.CDLL(str(path), mode=_open_mode())
    except OSError as error:
        raise InstallationError(f"The library {path} cannot be loaded.", why=str(error), fix=fix) from error


def has_global_ggml() -> bool:
    """Say whether some ggml put its symbols into the whole process, as LD_PRELOAD or a program linked with it does.

    Ours never do: they are opened without that, so it makes no difference whether they are open.
    """
    return hasattr(os, "RTLD_DEEPBIND") and hasattr(ctypes.CDLL(None), "ggml_backend_load")


def _open_mode() -> int:
    """Prefer our own symbols to those of a foreign ggml, where there is one: the linker would prefer that.

    Not always, because a library that is opened so also ignores a memory allocator put before it.
    """
    return ctypes.DEFAULT_MODE | (os.RTLD_DEEPBIND if has_global_ggml() else 0)
