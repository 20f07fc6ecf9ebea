"""Backend libraries: get the score of one, or register it with ggml."""

from __future__ import annotations

import _ctypes
import ctypes
import sys
from pathlib import Path

from llamapack._native import _generated as api
from llamapack._native.library import REINSTALL, encode_path, has_global_ggml, native, open_library
from llamapack._native.log import captured_errors
from llamapack.errors import BackendError


def score_backend(path: Path) -> int:
    """Open a backend library, return its score on this machine (0: it cannot run here), and close it again.

    Raises InstallationError if it cannot be opened.
    """
    native()
    module = open_library(path)
    try:
        score = module.ggml_backend_score
        score.restype, score.argtypes = ctypes.c_int, ()
        return int(score())
    except AttributeError:
        return 1  # on a target with only one level, its library has no score function
    finally:
        _close(module)


def exported_abi_id(path: Path, fix: str = REINSTALL) -> str | None:
    """Load the library of a plug-in and return the ABI id that it was built for; None if it exports none.

    The library stays loaded: whether it can be unloaded without harm is not tested here.
    """
    native()
    module = open_library(path, fix)
    try:
        said = module.llamapack_backend_abi_id
    except AttributeError:
        return None
    said.restype, said.argtypes = ctypes.c_char_p, ()
    return (said() or b"").decode("utf-8", "replace")


def load_backend(path: Path) -> api.ggml_backend_reg_p:
    """Register the backend in the library at `path` with ggml; raises BackendError with llama.cpp's reason."""
    native()
    if has_global_ggml():
        open_library(path)  # with our flags; ggml then gets the same loaded library
    with captured_errors() as errors:
        loaded = native().ggml_backend_load(encode_path(path))
    if not loaded:
        raise BackendError(f"The backend library {path} could not be loaded.", why="\n".join(errors), fix=REINSTALL)
    return loaded


def _close(module: ctypes.CDLL) -> None:
    if sys.platform == "win32":
        _ctypes.FreeLibrary(module._handle)
    else:
        _ctypes.dlclose(module._handle)
