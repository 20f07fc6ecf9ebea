"""What Ollama's clients ask of models: lists, details, and what is loaded."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from llamapack import gguf
from llamapack.server.runners.keeper import Keeper

_NEVER = "9999-12-31T23:59:59Z"
_BILLION, _MILLION = 1e9, 1e6


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A model, the metadata of its file, and what its runner says, if it is loaded."""

    keeper: Keeper
    stat: os.stat_result
    metadata: Mapping[str, Any]
    parameters: int
    quantization: str
    properties: Mapping[str, Any]


async def facts_of(keeper: Keeper) -> Facts:
    """Read the file of a model, and ask its runner if it is loaded; raises what reading and `Keeper.ask` raise."""
    file = await asyncio.to_thread(gguf.read, keeper.model.path)
    properties: Mapping[str, Any] = {}
    quantization = ""
    if keeper.state == "ready":
        async with keeper.quick.place():
            properties = await (await keeper.ask("GET", "/props")).json()
            models = await (await keeper.ask("GET", "/v1/models")).json()
        quantization = str((models["data"][0].get("meta") or {}).get("ftype", ""))
    return Facts(
        keeper=keeper,
        stat=keeper.model.path.stat(),
        metadata=file.metadata,
        parameters=sum(tensor.n_elements for tensor in file.tensors.values()),
        quantization=quantization,
        properties=properties,
    )


def listed(facts: Facts) -> dict[str, Any]:
    """Return the entry of a model in `/api/tags`."""
    name = facts.keeper.model.name
    return {
        "name": name,
        "model": name,
        "modified_at": _time(facts.stat.st_mtime),
        "size": facts.stat.st_size,
        "digest": _digest(facts),
        "details": _details(facts),
    }


def loaded(facts: Facts) -> dict[str, Any]:
    """Return the entry of a loaded model in `/api/ps`. How much of it is on GPUs is not known."""
    entry = listed(facts)
    del entry["modified_at"]
    context = facts.properties.get("default_generation_settings", {}).get("n_ctx", 0)
    return {**entry, "expires_at": _NEVER, "size_vram": 0, "context_length": context}


def shown(facts: Facts, *, verbose: bool) -> dict[str, Any]:
    """Return the answer of `/api/show`; lists in the metadata are left out unless it is to be verbose."""
    values = {name: _value(value, verbose=verbose) for name, value in facts.metadata.items()}
    return {
        "modelfile": f"FROM {facts.keeper.model.name}\n",
        "parameters": "",
        "template": _template(facts),
        "license": str(facts.metadata.get("general.license", "")),
        "details": _details(facts),
        "model_info": {**values, "general.parameter_count": facts.parameters},
        "capabilities": _capabilities(facts),
        "modified_at": _time(facts.stat.st_mtime),
    }


def _details(facts: Facts) -> dict[str, Any]:
    family = str(facts.metadata.get("general.architecture", ""))
    return {
        "parent_model": "",
        "format": "gguf",
        "family": family,
        "families": [family],
        "parameter_size": _in_words(facts.parameters),
        "quantization_level": facts.quantization,
    }


def _in_words(parameters: int) -> str:
    if parameters >= _BILLION:
        return f"{parameters / _BILLION:.1f}B"
    return f"{parameters / _MILLION:.2f}M"


def _template(facts: Facts) -> str:
    return str(facts.properties.get("chat_template") or facts.metadata.get("tokenizer.chat_template", ""))


def _capabilities(facts: Facts) -> list[str]:
    options, template = facts.keeper.model.options, _template(facts)
    caps, modalities = facts.properties.get("chat_template_caps", {}), facts.properties.get("modalities", {})
    embeds = bool(options.get("embedding"))
    found = {
        "embedding": embeds,
        "completion": not embeds,
        "tools": caps.get("supports_tools", "tools" in template),
        "vision": modalities.get("vision", "mmproj" in options),
        "audio": modalities.get("audio", False),
        "thinking": "enable_thinking" in template,
    }
    return [name for name, has in found.items() if has]


def _value(value: object, *, verbose: bool) -> object:
    if isinstance(value, (str, int, float, bool)):
        return value
    try:
        return list(value) if verbose else None  # type: ignore[call-overload]
    except TypeError:
        return None


def _digest(facts: Facts) -> str:
    """Return a number that changes with the file; to read all of it would take minutes."""
    text = f"{facts.keeper.model.path.name} {facts.stat.st_size} {facts.stat.st_mtime_ns}"
    return hashlib.sha256(text.encode()).hexdigest()


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat().replace("+00:00", "Z")
