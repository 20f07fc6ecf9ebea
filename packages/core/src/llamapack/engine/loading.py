"""Load a model into an engine: options to native ones, progress, and why it failed."""

from __future__ import annotations

import ctypes
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from llamapack._native import _generated as api
from llamapack._native.calls import running
from llamapack._native.library import native, take_text
from llamapack._native.loading import LoadWatcher, Progress
from llamapack._native.log import captured_errors, logger, reason_in
from llamapack.errors import InputError, LlamapackError, ModelFormatError, ModelMemoryError


def load(path: Path, options: Mapping[str, object], progress: Progress | None) -> api.llamapack_engine_p:
    """Load the model at `path` with `options` as `check_options` returns them, and start its engine."""
    watcher = LoadWatcher(path, progress, _part)
    callback = api.llamapack_load_callback(watcher.answer)
    pointer, message = api.llamapack_engine_p(), api.char_p()
    text = json.dumps({"model": str(path), **options}).encode()
    try:
        with captured_errors() as lines, running():
            status = native().llamapack_engine_new(text, callback, ctypes.byref(pointer), ctypes.byref(message))
        problem = take_text(message)
        watcher.raise_if_stopped()
        if status:
            raise load_error(path, status, problem, lines)
        for line in lines:  # llama.cpp went on in spite of them
            logger.error("%s", line)
    except BaseException:  # Ctrl-C may come when all is loaded
        native().llamapack_engine_free(pointer)
        raise
    return pointer


def _part(pointer: api.llamapack_load_step_p) -> float:
    step = pointer.contents
    return min(1.0, (step.number - 1 + step.part) / max(step.count, 1))


def load_error(path: Path, status: int, problem: str, lines: Sequence[str]) -> LlamapackError:
    """Return the error that a model was not loaded for: a status and a message of the library, and the log's errors."""
    if status == api.llamapack_status.INVALID:
        return InputError(f"The engine cannot be made: {problem}.")
    why = reason_in(lines) or problem
    what = f"The engine cannot be made with {path}."
    if status == api.llamapack_status.CONFLICT:
        return InputError(
            what, why=f"{problem[:1].upper()}{problem[1:]}.", fix="Leave its options out, or change them."
        )
    if status == api.llamapack_status.NO_MEMORY or _MEMORY.search(why):
        fix = "Use a smaller ctx_size, a smaller cache_type_k and cache_type_v, or a smaller model."
        return ModelMemoryError(what, why=why, fix=fix)
    if _FILE.search(why):
        fix = "Get the file again and compare its checksum; for a new architecture, try a newer llamapack."
        return ModelFormatError(what, why=why, fix=fix)
    return InputError(what, why=why, fix="Change the options: the model itself was read.")


# llama.cpp's own words for what it could not get, and for files that it could not read.
_MEMORY = re.compile(r"out of memory|alloc", re.IGNORECASE)
_FILE = re.compile(r"load model|loading model|draft model|multimodal model|adapter|open '")
