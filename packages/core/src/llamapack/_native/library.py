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
    """The contents of `abi.json`, which describes the libraries beside it in the wheel."""

    abi_id: str
    llama_commit: str
    cpu_levels: Mapping[str, Sequence[str]]


def library_dir() -> Path:
    """Return the folder with the wheel's libraries."""
    return Path(__file__).resolve().parent.parent / "lib"


@lru_cache(maxsize=1)
def read_abi() -> Abi:
    """Read `abi.json`; raises InstallationError if it is missing or damaged."""
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
    """Open the libraries, check that they match the bindings, and return their functions."""
    ggml_base, ggml, llamapack = (
        open_library(library_dir() / library_file_name(stem)) for stem in ("ggml-base", "ggml", "llamapack")
    )
    bound = api.Native({"ggml-base": ggml_base, "ggml": ggml, "llamapack": llamapack})
    check_abi(bound, read_abi().abi_id)
    return bound


def check_abi(bound: api.Native, abi_id: str) -> None:
    """Check that the struct layouts in the bindings are those that the compiler used for the libraries.

    Raises InstallationError with both values if they differ.
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
    """Encode a path for llama.cpp: as UTF-8 on Windows, in the file system's encoding elsewhere."""
    return str(path).encode() if sys.platform == "win32" else os.fsencode(path)


def take_text(pointer: api.char_p) -> str:
    """Copy a text that libllamapack returned, and free it; NULL becomes the empty text."""
    if not pointer:
        return ""
    text = ctypes.string_at(pointer).decode("utf-8", "replace")
    native().llamapack_string_free(pointer)
    return text


def library_file_name(stem: str) -> str:
    """Return the file name of one of our shared libraries, which contains the ABI id."""
    name = f"{stem}-{read_abi().abi_id}"
    if sys.platform == "win32":
        return f"{name}.dll"
    return f"lib{name}.dylib" if sys.platform == "darwin" else f"lib{name}.so"


def open_library(path: Path, fix: str = REINSTALL) -> ctypes.CDLL:
    """Open the library at `path`; raises InstallationError, with the loader's reason, if that fails."""
    if not path.is_file():
        raise InstallationError(f"The library {path} is missing.", fix=fix)
    try:
        return ctypes.CDLL(str(path), mode=_open_mode())
    except OSError as error:
        raise InstallationError(f"The library {path} cannot be loaded.", why=str(error), fix=fix) from error


def has_global_ggml() -> bool:
    """Return True if another ggml is visible to the whole process, by LD_PRELOAD or linked into the program.

    Our own libraries are opened without RTLD_GLOBAL, so they do not count.
    """
    return hasattr(os, "RTLD_DEEPBIND") and hasattr(ctypes.CDLL(None), "ggml_backend_load")


def _open_mode() -> int:
    """Return the flags for dlopen: if there is another ggml in the process, prefer our own symbols to its.

    The flag is set only then: a library that is opened with it also ignores a preloaded memory allocator.
    """
    return ctypes.DEFAULT_MODE | (os.RTLD_DEEPBIND if has_global_ggml() else 0)
