"""What Ollama's clients ask of models: lists, details, and what is loaded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from llamapack import gguf
from llamapack.server.keeper import Keeper

_NEVER = "9999-12-31T23:59:59Z"
_BILLION, _MILLION = 1e9, 1e6


async def details_of(keeper: Keeper) -> dict[str, Any]:
    """Return what the runner says of the model, and its file: raises what `Keeper.ask` raises."""
    listed = await (await keeper.ask("GET", "/v1/models")).json()
    meta = listed["data"][0].get("meta") or {}
    metadata = gguf.read(keeper.model.path).metadata
    family = str(metadata.get("general.architecture", ""))
    return {
        "parent_model": "",
        "format": "gguf",
        "family": family,
        "families": [family],
        "parameter_size": _in_words(int(meta.get("n_params", 0))),
        "quantization_level": str(meta.get("ftype", "")),
    }


def _in_words(parameters: int) -> str:
    if parameters >= _BILLION:
        return f"{parameters / _BILLION:.1f}B"
    return f"{parameters / _MILLION:.2f}M" if parameters else ""


def listed(keeper: Keeper, details: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of a model in `/api/tags`."""
    name = keeper.model.name
    stat = keeper.model.path.stat()
    return {
        "name": name,
        "model": name,
        "modified_at": _time(stat.st_mtime),
        "size": stat.st_size,
        "digest": _digest(keeper.model.path),
        "details": dict(details),
    }


def loaded(keeper: Keeper, details: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of a loaded model in `/api/ps`. How much of it is on GPUs is not known."""
    entry = listed(keeper, details)
    del entry["modified_at"]
    context = properties.get("default_generation_settings", {}).get("n_ctx", 0)
    return {**entry, "expires_at": _NEVER, "size_vram": 0, "context_length": context}


def shown(
    keeper: Keeper, details: Mapping[str, Any], properties: Mapping[str, Any], *, verbose: bool
) -> dict[str, Any]:
    """Return the answer of `/api/show`; lists in the metadata are left out unless it is to be verbose."""
    metadata = gguf.read(keeper.model.path).metadata
    values = {name: _value(value, verbose=verbose) for name, value in metadata.items()}
    return {
        "modelfile": f"FROM {keeper.model.name}\n",
        "parameters": "",
        "template": str(properties.get("chat_template", "")),
        "license": str(metadata.get("general.license", "")),
        "details": dict(details),
        "model_info": values,
        "capabilities": _capabilities(properties, embeds="embedding" in keeper.model.options),
        "modified_at": _time(keeper.model.path.stat().st_mtime),
    }


def _capabilities(properties: Mapping[str, Any], *, embeds: bool) -> list[str]:
    caps, modalities = properties.get("chat_template_caps", {}), properties.get("modalities", {})
    found = {
        "embedding": embeds,
        "completion": not embeds,
        "tools": caps.get("supports_tools", False),
        "vision": modalities.get("vision", False),
        "audio": modalities.get("audio", False),
        "thinking": "enable_thinking" in str(properties.get("chat_template", "")),
    }
    return [name for name, has in found.items() if has]


def _value(value: object, *, verbose: bool) -> object:
    if isinstance(value, (str, int, float, bool)):
        return value
    try:
        return list(value) if verbose else None  # type: ignore[call-overload]
    except TypeError:
        return None


def _digest(path: Path) -> str:
    """Return a number that changes with the file; to read all of it would take minutes."""
    stat = path.stat()
    return hashlib.sha256(f"{path.name} {stat.st_size} {stat.st_mtime_ns}".encode()).hexdigest()


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat().replace("+00:00", "Z")
