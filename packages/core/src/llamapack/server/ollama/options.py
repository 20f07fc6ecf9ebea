"""Ollama's options as fields of llama.cpp's requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llamapack.server.reading import Json, field, wrong

_NUMBERS: Mapping[str, str] = {
    "temperature": "temperature",
    "top_p": "top_p",
    "min_p": "min_p",
    "typical_p": "typical_p",
    "repeat_penalty": "repeat_penalty",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "mirostat_tau": "mirostat_tau",
    "mirostat_eta": "mirostat_eta",
}
_WHOLE: Mapping[str, str] = {
    "top_k": "top_k",
    "repeat_last_n": "repeat_last_n",
    "mirostat": "mirostat",
    "seed": "seed",
    "num_keep": "n_keep",
    "num_predict": "n_predict",
}
_LEAST: Mapping[str, int] = {"repeat_last_n": -1}
_LOADING = frozenset(
    (
        *("embedding_only", "f16_kv", "logits_all", "low_vram", "main_gpu", "num_batch", "num_ctx", "num_gpu"),
        *("num_thread", "numa", "use_mlock", "use_mmap", "vocab_only"),
    )
)
"""How a model is loaded; `llamapack serve` was told that when it was started."""
_SEEDS = 1 << 32
_SMALLEST, _LARGEST = -(1 << 31), (1 << 31) - 1


def sampling_of(request: Json) -> dict[str, Any]:
    """Return the options of a request as llama.cpp's server takes them.

    Those for loading are left out, and so are those that nobody knows, as Ollama does. Raises Refusal for wrong types.
    """
    found: dict[str, Any] = {}
    for name, value in field(request, "options", dict, {}).items():
        if value is None or name in _LOADING:
            continue
        if name in _NUMBERS:
            found[_NUMBERS[name]] = _number(name, value)
        elif name in _WHOLE:
            found[_WHOLE[name]] = _whole(name, value)
        elif name == "stop":
            found["stop"] = _texts(name, value)
    if found.get("n_predict", 0) < 0:  # Ollama has two words for no limit
        found["n_predict"] = -1
    return found


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise wrong(f"option {name!r} must be a number")
    return value


def _whole(name: str, value: object) -> int:
    number = _number(name, value)
    if number != int(number):
        raise wrong(f"option {name!r} must be a whole number")
    if name == "seed":
        return int(number) % _SEEDS
    if not _LEAST.get(name, _SMALLEST) <= number <= _LARGEST:
        raise wrong(f"option {name!r} must be from {_LEAST.get(name, _SMALLEST)} to {_LARGEST}")
    return int(number)


def _texts(name: str, value: object) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise wrong(f"option {name!r} must be a list of texts")
    return texts
