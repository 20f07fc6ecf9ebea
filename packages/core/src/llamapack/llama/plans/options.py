"""The options of calls, and how a request says them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from llamapack._util.arguments import (
    check_bool,
    check_int,
    check_keywords,
    check_mapping,
    check_number,
    check_texts,
)
from llamapack.errors import GrammarError, InputError
from llamapack.llama.plans.facts import Adapter, Facts
from llamapack.sampling.grammar import Grammar
from llamapack.sampling.parameters import SamplingOptions, SamplingParameters
from llamapack.sampling.stages import Greedy, Stage, Typical, Xtc
from llamapack.typed.tools import OnToolError, Tool

OnOverflow = Literal["error", "shift", "drop-oldest"]


class CompletionOptions(SamplingOptions, total=False):
    """How an answer is written; those of SamplingOptions are the same as in `generate`.

    `max_tokens` ends it, `stop` are texts that end it and are not part of it, `time_limit` is in seconds from the first
    token on. `logprobs` is how many likeliest tokens are reported at each place. `lora` are strengths by the names of
    adapter files, without their folder and suffix; adapters that are not named are off. `samplers` are llama.cpp's
    names, in their order. `backend_sampling` lets a GPU choose tokens where it can.

    `images` and `audio` are images and audio, one or a list: paths, bytes, `data:` addresses, images of Pillow, and
    arrays, those of audio in a pair with their rate. They stand before the text, or at its marks `<__media__>`.
    """

    max_tokens: int | None
    stop: str | Sequence[str] | None
    time_limit: float | None
    logprobs: int | None
    lora: Mapping[str, float] | None
    samplers: Sequence[str] | None
    ignore_eos: bool
    backend_sampling: bool
    cache_prompt: bool
    images: Any
    audio: Any


class AskOptions(CompletionOptions, total=False):
    """Options of a call of a chat model.

    `system` is a message before all others. `thinking` switches thinking on or off where the model's template can,
    `thinking_budget` is how many tokens it may take, and `template_arguments` are further ones for the template.

    `tools` are functions with types and docstrings. With `tool_choice` "required" the model must call one first, with
    "none" it may not, and with a name it must call that one. An error of a tool is told to the model, or raised as
    ToolError with `on_tool_error="raise"`. ToolError is also raised when the model still calls tools after `max_turns`
    answers. With `parallel_tool_calls=False` only the first of several calls is made.

    Answers in the form of a type are checked, and ReplyError names what a grammar could not hold; with
    `on_unenforced="warn"` or "error" a call with `returns` says so before the model writes, as one with `json_schema`
    does.
    """

    system: str | None
    thinking: bool | None
    thinking_budget: int | None
    template_arguments: Mapping[str, Any] | None
    tools: Sequence[Tool | Callable[..., Any]] | None
    tool_choice: str
    on_tool_error: OnToolError
    max_turns: int
    parallel_tool_calls: bool


_LONGEST = 10**9  # seconds: thirty years
_LEAST = {"max_tokens": 1, "logprobs": 1, "thinking_budget": 0, "max_turns": 1}
_RENAMED = {"max_tokens": "n_predict", "thinking_budget": "reasoning_budget_tokens"}
_FLAGS = {"ignore_eos", "backend_sampling", "cache_prompt", "thinking", "parallel_tool_calls"}
_NOT_SENT = {
    "images",
    "audio",
    "lora",
    "system",
    "tools",
    "tool_choice",
    "on_tool_error",
    "max_turns",
    "json_schema",
    "on_unenforced",
}
_SAMPLING = SamplingOptions.__optional_keys__ - {"grammar", "json_schema"}


def check(function: str, given: Mapping[str, Any], known: type) -> None:
    """Raise UnknownArgumentError for an option that there is not, and InputError for one that is out of range."""
    names: frozenset[str] = known.__required_keys__ | known.__optional_keys__  # type: ignore[attr-defined]  # TypedDict
    check_keywords(function, given, sorted(names))
    values = {name: value for name, value in given.items() if value is not None}
    for name, value in values.items():
        _check_value(name, value)
    # This checks them; llama.cpp's server would move some into range, or cast them, without a word.
    _stages(values)


def _stages(options: Mapping[str, Any]) -> tuple[Stage, ...]:
    """Return the stages of sampling that options mean; of those that were asked for before, they are known."""
    given = {name: options[name] for name in _SAMPLING if options.get(name) is not None}
    try:
        return _known_stages(**given)
    except TypeError:  # a mapping or a list has no hash
        return SamplingParameters(**given).stages()


@lru_cache(maxsize=64, typed=True)  # True is not taken for 1
def _known_stages(**given: Any) -> tuple[Stage, ...]:
    return SamplingParameters(**given).stages()


def _check_value(name: str, value: object) -> None:
    if name in _FLAGS:
        check_bool(name, value)
    elif name in _LEAST:
        check_int(name, value, _LEAST[name])
    elif name == "time_limit":
        check_number(name, value, 0, _LONGEST, wanted=f"a number from 0 to {_LONGEST}")
    elif name == "samplers" or (name == "stop" and not isinstance(value, str)):
        check_texts(name, value)
    elif name in ("lora", "template_arguments"):
        check_mapping(name, value)


def to_body(options: Mapping[str, Any], facts: Facts, *, chat: bool) -> dict[str, Any]:
    """Return the fields of a request for options that `check` has passed, and the model of `facts`."""
    body: dict[str, Any] = _lora(options.get("lora"), facts.adapters)
    for name, value in options.items():
        if value is not None and name not in _NOT_SENT:
            body.update(_fields(name, value, chat))
    body.update(_greedy(options, facts.greedy_samplers))
    if options.get("json_schema") is not None:
        more = {name: options[name] for name in ("on_unenforced",) if name in options}
        body["grammar"] = Grammar.from_json_schema(options["json_schema"], **more).text
    if options.get("thinking") is not None:
        body["chat_template_kwargs"] = {**body.get("chat_template_kwargs", {}), "enable_thinking": options["thinking"]}
    return body


def _greedy(options: Mapping[str, Any], before: tuple[str, ...] | None) -> Mapping[str, Any]:
    """Return the fields that have llama.cpp take the likeliest token and sort no others, if that is what is asked.

    At a temperature of 0 it would sort the 40 likeliest, and take the first.
    """
    if before is None or options.get("temperature") is None or any(options.get(n) for n in ("samplers", "mirostat")):
        return {}
    stages = _stages(options)
    if not isinstance(stages[-1], Greedy) or any(isinstance(stage, (Typical, Xtc)) for stage in stages):
        return {}
    return {"samplers": [*before, "top_k"], "top_k": 1, "min_keep": 0}


def _fields(name: str, value: Any, chat: bool) -> Mapping[str, Any]:
    if name == "logprobs":
        return {"logprobs": True, "top_logprobs": value} if chat else {"n_probs": value}
    if name == "grammar":
        return {"grammar": _grammar(value)}
    if name == "logit_bias":
        return {"logit_bias": [[token, False if bias == -math.inf else bias] for token, bias in value.items()]}
    if name == "template_arguments":
        return {"chat_template_kwargs": dict(value)}
    if name == "thinking":
        return {}
    if name == "time_limit":
        return {"t_max_predict_ms": round(value * 1000)}
    if name == "stop":
        return {"stop": [value] if isinstance(value, str) else list(value)}
    if name in ("samplers", "dry_sequence_breakers"):
        return {name: list(value)}
    return {_RENAMED.get(name, name): value}


def _grammar(value: Any) -> str:
    if isinstance(value, Grammar):
        if value.lazy or value.root != "root":
            raise InputError("A grammar with triggers, or with another root than `root`, is for `generate` only.")
        return value.text
    _check_grammar(str(value))
    return str(value)


def _check_grammar(text: str) -> None:
    """Raise GrammarError for a grammar that is wrong; one that may name tokens is left to the engine."""
    try:
        Grammar(text).check()
    except GrammarError:
        if "<" not in text:
            raise


def _lora(wanted: Mapping[str, float] | None, adapters: Mapping[str, Adapter]) -> dict[str, Any]:
    """Return the strengths of all adapters that are loaded.

    A request that names none would go on with what the cache has from one with other strengths, and an empty list
    counts as none.
    """
    for name, strength in (wanted or {}).items():
        if name not in adapters:
            loaded = ", ".join(map(repr, adapters)) or "none"
            raise InputError(
                f"No LoRA adapter {name!r} is loaded.", why=f"Loaded: {loaded}.", fix='Use Llama(..., lora=["FILE"]).'
            )
        check_number(f"The strength of {name!r}", strength, -math.inf, math.inf, wanted="a finite number")
    strengths = {
        adapter.number: adapter.strength if wanted is None else wanted.get(name, 0.0)
        for name, adapter in adapters.items()
    }
    lora = [{"id": number, "scale": strength} for number, strength in strengths.items()]
    return {"lora": lora} if lora else {}
