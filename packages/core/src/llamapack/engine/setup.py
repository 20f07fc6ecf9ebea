"""What an engine and a runner check alike, before there is one: the options of a model, and the bodies of requests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llamapack import gguf
from llamapack.engine.options import check_options, files_of
from llamapack.errors import InputError
from llamapack.model.adapter_file import check_lora
from llamapack.threads import default_threads

Body = bytes | str | Mapping[str, Any] | Sequence[Any] | None


def checked_options(path: Path, options: Mapping[str, object]) -> dict[str, object]:
    """Return the options for the model at `path` as the library takes them; raises as Engine does."""
    wanted = check_options(options)
    if _check_adapters(gguf.check(path), options) and wanted.setdefault("cache-ram", 0):
        raise InputError(
            "cache_ram must be 0 with LoRA adapters.",
            why="llama.cpp does not look with which strengths a prompt was processed that it keeps there, "
            "so an answer could be that of other strengths.",
            fix="Leave it out. What a slot holds of its last request is used either way.",
        )
    wanted.setdefault("threads", default_threads().count)
    return wanted


def _check_adapters(model: gguf.Gguf, options: Mapping[str, object]) -> bool:
    """Return whether there are LoRA adapters.

    Those of other models are refused: llama.cpp's errors do not say in which file they are.
    """
    names = [name for name in ("lora", "lora_scaled") if options.get(name) is not None]
    for name in names:
        for file in files_of(name, options[name]):
            check_lora(gguf.read(file), model)
    return bool(names)


def encode_body(body: Body) -> bytes:
    """Return the body of a request as JSON; raises InputError for what does not become JSON."""
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    try:
        return (body if isinstance(body, str) else json.dumps(body)).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            "The body of the request does not become JSON.", why=f"{type(error).__name__}: {error}"
        ) from error
