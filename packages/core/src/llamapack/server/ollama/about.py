"""What Ollama's clients ask of models: lists, details, and what is loaded."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from llamapack import gguf
from llamapack.errors import LlamapackError
from llamapack.server.refusal import Refusal
from llamapack.server.runners.keeper import Keeper

_NEVER = "9999-12-31T23:59:59Z"
_BILLION, _MILLION = 1e9, 1e6


@dataclass(frozen=True, kw_only=True)
class Outline:
    """What lists say of the file of a model."""

    size: int
    changed: float
    digest: str
    architecture: str
    parameters: int


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A model, what is in its file, and what its runner says, which is empty if it is not loaded."""

    keeper: Keeper
    outline: Outline
    quantization: str
    properties: Mapping[str, Any]


class Outlines:
    """The outlines of models, each read once for as long as its file stays as it is."""

    def __init__(self) -> None:
        """Begin without any."""
        self._known: dict[Path, Outline] = {}

    def of(self, path: Path) -> Outline:
        """Return the outline of a file; raises OSError, and what reading a GGUF file raises."""
        stat = path.stat()
        digest = _digest(path, stat)
        known = self._known.get(path)
        if known is None or known.digest != digest:
            file = gguf.read(path)
            self._known[path] = known = Outline(
                size=stat.st_size,
                changed=stat.st_mtime,
                digest=digest,
                architecture=str(file.metadata.get("general.architecture", "")),
                parameters=sum(tensor.n_elements for tensor in file.tensors.values()),
            )
        return known


async def facts_of(keeper: Keeper, outlines: Outlines) -> Facts:
    """Look at the file of a model, and ask its runner if it is loaded; raises what `Outlines.of` raises."""
    outline = await asyncio.to_thread(outlines.of, keeper.model.path)
    properties, quantization = await _said_by(keeper) if keeper.state == "ready" else ({}, "")
    return Facts(keeper=keeper, outline=outline, quantization=quantization, properties=properties)


async def _said_by(keeper: Keeper) -> tuple[Mapping[str, Any], str]:
    """Return what the runner says of its model, and how that is quantized; nothing if it ends meanwhile."""
    try:
        async with keeper.quick.place():
            properties = await (await keeper.ask("GET", "/props")).json()
            models = await (await keeper.ask("GET", "/v1/models")).json()
    except (LlamapackError, Refusal):
        return {}, ""
    return properties, str((models["data"][0].get("meta") or {}).get("ftype", ""))


def listed(facts: Facts) -> dict[str, Any]:
    """Return the entry of a model in `/api/tags`."""
    name = facts.keeper.model.name
    return {
        "name": name,
        "model": name,
        "modified_at": _time(facts.outline.changed),
        "size": facts.outline.size,
        "digest": facts.outline.digest,
        "details": _details(facts),
    }


def loaded(facts: Facts) -> dict[str, Any]:
    """Return the entry of a loaded model in `/api/ps`. How much of it is on GPUs is not known."""
    entry = listed(facts)
    del entry["modified_at"]
    context = facts.properties.get("default_generation_settings", {}).get("n_ctx", 0)
    return {**entry, "expires_at": _NEVER, "size_vram": 0, "context_length": context}


def shown(facts: Facts, metadata: Mapping[str, Any], *, verbose: bool) -> dict[str, Any]:
    """Return the answer of `/api/show`; lists in the metadata are left out unless it is to be verbose."""
    template = str(facts.properties.get("chat_template") or metadata.get("tokenizer.chat_template", ""))
    values = {name: _value(value, verbose=verbose) for name, value in metadata.items()}
    return {
        "modelfile": f"FROM {facts.keeper.model.name}\n",
        "parameters": "",
        "template": template,
        "license": str(metadata.get("general.license", "")),
        "details": _details(facts),
        "model_info": {**values, "general.parameter_count": facts.outline.parameters},
        "capabilities": _capabilities(facts, template),
        "modified_at": _time(facts.outline.changed),
    }


def _details(facts: Facts) -> dict[str, Any]:
    family = facts.outline.architecture
    return {
        "parent_model": "",
        "format": "gguf",
        "family": family,
        "families": [family],
        "parameter_size": _in_words(facts.outline.parameters),
        "quantization_level": facts.quantization,
    }


def _in_words(parameters: int) -> str:
    if parameters >= _BILLION:
        return f"{parameters / _BILLION:.1f}B"
    return f"{parameters / _MILLION:.2f}M"


def _capabilities(facts: Facts, template: str) -> list[str]:
    options = facts.keeper.model.options
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


def _digest(path: Path, stat: os.stat_result) -> str:
    """Return a number that changes with the file; to read all of it would take minutes."""
    text = f"{path.name} {stat.st_size} {stat.st_mtime_ns}"
    return hashlib.sha256(text.encode()).hexdigest()


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat().replace("+00:00", "Z")
