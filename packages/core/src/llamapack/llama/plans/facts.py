"""What an engine says of its model: asked once, when it is loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

from llamapack.errors import InputError
from llamapack.llama.plans.steps import Ask, Plan

_CHAIN = {"penalties", "dry", "top_n_sigma", "top_k", "typ_p", "top_p", "min_p", "xtc", "temperature"}
"""Samplers of the usual chain; of others it is not known here what they remove."""
_THINKS = re.compile(r"think|reason|channel|analysis", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """A LoRA adapter: its number, and the strength that it was loaded with."""

    number: int
    strength: float


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A loaded model: `context` is how many tokens a request may have, `slots` how many requests run at once.

    `adapters` are the LoRA adapters by name. `template_thinks` is True where the chat template has anything
    to do with thinking, and `template_tools` where it shows tools to the model. `vision` and `audio` say what
    its projector takes; `media_mark` stands for an image or audio in prompts without a template.
    `greedy_samplers` are those before the choice of the likeliest token: with them it is the one that all samplers of
    the engine would choose at a temperature of 0; None where there are others that may remove it.
    """

    name: str
    context: int
    context_trained: int
    slots: int
    vocabulary: int
    parameters: int
    size: int
    quantization: str
    template_thinks: bool
    template_tools: bool
    vision: bool
    audio: bool
    media_mark: str
    greedy_samplers: tuple[str, ...] | None
    adapters: Mapping[str, Adapter]


def ask_facts() -> Plan[Facts]:
    """Ask an engine."""
    props = yield Ask(method="GET", path="/props")
    model = (yield Ask(method="GET", path="/v1/models"))["data"][0]["meta"]
    adapters = yield Ask(method="GET", path="/lora-adapters")
    capabilities: Mapping[str, Any] = props.get("chat_template_caps", {})
    modalities: Mapping[str, Any] = props.get("modalities", {})
    return Facts(
        name=PurePath(props.get("model_alias") or props.get("model_path", "")).name,
        context=props["default_generation_settings"]["n_ctx"],
        context_trained=model["n_ctx_train"],
        slots=props["total_slots"],
        vocabulary=model["n_vocab"],
        parameters=model["n_params"],
        size=model["size"],
        quantization=model.get("ftype", ""),
        template_thinks=bool(_THINKS.search(props.get("chat_template", ""))),
        template_tools=bool(capabilities.get("supports_tools")),
        vision=bool(modalities.get("vision")),
        audio=bool(modalities.get("audio")),
        media_mark=props.get("media_marker", ""),
        greedy_samplers=_greedy_samplers(props["default_generation_settings"]["params"]),
        adapters=MappingProxyType(_by_name(adapters)),
    )


def _greedy_samplers(defaults: Mapping[str, Any]) -> tuple[str, ...] | None:
    chain = defaults["samplers"]
    usual = not (defaults["mirostat"] or defaults["dynatemp_range"] or defaults["xtc_probability"])
    if not usual or defaults["typical_p"] < 1 or set(chain) - _CHAIN:
        return None
    return tuple(name for name in chain if name in ("penalties", "dry"))


def _by_name(adapters: Sequence[Mapping[str, Any]]) -> dict[str, Adapter]:
    found: dict[str, Adapter] = {}
    for each in adapters:
        name = PurePath(each["path"]).stem
        if name in found:
            raise InputError(
                f"Two LoRA adapters are called {name!r}.", why="Calls name them so.", fix="Rename one of the files."
            )
        found[name] = Adapter(number=each["id"], strength=each["scale"])
    return found
