"""The longest context with which a model fits into the memory that is free now."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from llamapack import gguf
from llamapack._util.arguments import check_int
from llamapack.errors import InputError
from llamapack.fitting.search import largest
from llamapack.gguf import Gguf
from llamapack.hub.header_copies import header_copy
from llamapack.llama.opening import Setup, set_up
from llamapack.model.finding import FoundModel
from llamapack.runner.configuration import wanted_for
from llamapack.runner.memory import Memory
from llamapack.runner.needs import HOST, Need, measure_needs

CACHE_TYPES = ("f16", "q8_0")
"""The types of the KV cache that are compared: llama.cpp's default, and about half of its size."""

DEFAULT_RESERVE = 512 << 20
_SHORTEST = 512
_STEP = 256  # llama.cpp makes each context a multiple of it
_USUAL = 4096
_MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class FreeMemory:
    """How many bytes of a place, a device or "this machine", may be taken; None where that is not known."""

    place: str
    free: int | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One way to load the model, and what it takes, in bytes, of the machine and its devices.

    `cache_type` is of the keys and values in the KV cache, and `context` how many tokens all requests at once may
    have. `layers` go to the devices, the output among them; None means all, or that there is no device. `why_not` says
    what is too small; it is empty if this fits.
    """

    cache_type: str
    context: int
    layers: int | None
    needs: tuple[Need, ...]
    why_not: str = ""

    @property
    def fits(self) -> bool:
        """Whether there is room for it."""
        return not self.why_not

    @property
    def options(self) -> dict[str, Any]:
        """The options of Llama for it."""
        found: dict[str, Any] = {"ctx_size": self.context}
        if self.cache_type != CACHE_TYPES[0]:
            found |= {"cache_type_k": self.cache_type, "cache_type_v": self.cache_type}
        return found if self.layers is None else {**found, "gpu_layers": self.layers}


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How a model fits: what is free, and for each type of the KV cache the longest context that fits.

    `reserve` bytes are left free of each memory. `context_wanted` is the longest context that was tried.
    """

    model: str
    size: int
    context_trained: int
    context_wanted: int
    reserve: int
    memories: tuple[FreeMemory, ...]
    plans: tuple[Plan, ...]

    @property
    def best(self) -> Plan | None:
        """The plan to take: with the longest context, then with the most layers on devices, then with f16."""
        fitting = [plan for plan in self.plans if plan.fits]
        return max(fitting, key=lambda plan: (plan.context, plan.layers is None, plan.layers or 0), default=None)

    @property
    def is_whole(self) -> bool:
        """Whether all of the context fits, that of the training or the one that was asked for, and all layers."""
        return self.best is not None and self.best.layers is None and self.best.context >= self.context_wanted

    @property
    def reason(self) -> str:
        """Why that one."""
        best = self.best
        if best is None:
            return "It does not fit: " + self.plans[0].why_not
        if best.layers == 0:
            return "No layer fits on a device, so all are on the CPU."
        if best.layers is not None:
            return f"The devices have room for {best.layers} of the layers; the others are on the CPU."
        if best.context > self.context_trained:
            return f"It fits. But it was trained with {self.context_trained} tokens, and gets worse with more."
        if best.context == self.context_trained:
            return f"It fits with all of its context, {best.context} tokens, and a KV cache of {best.cache_type}."
        return f"The memory has room for a context of {best.context} tokens with a KV cache of {best.cache_type}."


def fit(
    model: str | os.PathLike[str],
    *,
    cache_types: Sequence[str] = CACHE_TYPES,
    ctx_size: int | None = None,
    reserve: int = DEFAULT_RESERVE,
    **options: Any,
) -> Fit:
    """Find the longest context with which `model` fits into what is free now, for each type of the KV cache.

    llama.cpp measures each try in a process of its own, without allocating: weights, KV cache, and the working memory
    of the largest batch. With `ctx_size` only that context is tried. `reserve` bytes are left free of the machine and
    of each device. If even a short context does not fit onto the devices, as many layers go there as fit.

    `options` are those of Llama, such as `backends` or `parallel`. Raises ModelError for what is no model, and what
    Llama raises for wrong options.
    """
    check_int("reserve", reserve, 0, 1 << 50)
    for name in ("cache_type_k", "cache_type_v", "gpu_layers"):
        if name in options:
            raise InputError(f"fit does not take {name}: it looks for it.", fix="Use cache_types for the KV cache.")
    told = dict(options)
    task, projector, offline = (told.pop(name, None) for name in ("task", "projector", "offline"))
    with header_copy(model, offline=offline, projector=projector is None) as files:
        found = FoundModel(path=files.path, projector=files.projector)
        setup = set_up(found, told, task=task, projector=projector)
        return _fit(os.fspath(model), setup, cache_types, ctx_size, reserve)


def _fit(model: str, setup: Setup, cache_types: Sequence[str], ctx_size: int | None, reserve: int) -> Fit:
    header = gguf.read(setup.path)
    trained = _number(header, "context_length") or _USUAL
    trials = _Trials(setup, Memory(None, reserve), layers=_number(header, "block_count") + 1)
    if ctx_size is None:
        plans = [trials.longest(cache_type, min(_SHORTEST, trained), trained) for cache_type in cache_types]
    else:
        size = check_int("ctx_size", ctx_size)
        plans = [trials.longest(cache_type, size, size) for cache_type in cache_types]
    return Fit(
        model=model,
        size=header.file_size,
        context_trained=trained,
        context_wanted=trained if ctx_size is None else ctx_size,
        reserve=reserve,
        memories=trials.memories(plans[0]),
        plans=tuple(plans),
    )


class _Trials:
    """Measures a model with one option or another."""

    def __init__(self, setup: Setup, memory: Memory, layers: int) -> None:
        self._setup = setup
        self._memory = memory
        self._layers = layers

    def longest(self, cache_type: str, shortest: int, longest: int) -> Plan:
        """Return the plan with the longest context; with some layers on the devices if not all fit there."""

        def fits(context: int) -> bool:
            return self._try(cache_type, context).fits

        context = largest(fits, shortest, longest, _STEP)
        if context is not None:
            return self._try(cache_type, context)
        return self._most_layers(cache_type, shortest if shortest == longest else min(_USUAL, longest))

    def _most_layers(self, cache_type: str, context: int) -> Plan:
        tried = self._try(cache_type, context)
        if all(need.device == HOST for need in tried.needs):
            return tried

        def fits(layers: int) -> bool:
            return self._try(cache_type, context, layers).fits

        return self._try(cache_type, context, largest(fits, 0, self._layers) or 0)

    @cache  # noqa: B019 - it lives as long as a call of `fit`
    def _try(self, cache_type: str, context: int, layers: int | None = None) -> Plan:
        told: dict[str, Any] = {"ctx_size": context, "cache_type_k": cache_type, "cache_type_v": cache_type}
        if layers is not None:
            told["gpu_layers"] = layers
        needs = measure_needs(wanted_for(self._setup.path, {**self._setup.options, **told}))
        short = self._memory.shortages(needs)
        return Plan(
            cache_type=cache_type,
            context=context,
            layers=layers,
            needs=needs,
            why_not=" ".join(map(str, short)),
        )

    def memories(self, plan: Plan) -> tuple[FreeMemory, ...]:
        """Return what may be taken of each memory."""
        return tuple(FreeMemory(place=need.place, free=self._memory.free(need)) for need in plan.needs)


def _number(header: Gguf, key: str) -> int:
    found = header.metadata.get(f"{header.metadata.get('general.architecture')}.{key}")
    return found if isinstance(found, int) else 0
