"""Which hardware a model runs on, how much memory and context there are, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llamapack.backends.selection.decisions import Choice
from llamapack.errors import LlamapackError
from llamapack.llama.opening import Setup
from llamapack.llama.plans.facts import Facts
from llamapack.llama.plans.options import OnOverflow
from llamapack.llama.projectors import Chosen
from llamapack.llama.tasks import Recognised, Task

_MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What a Llama runs on; it prints as a text.

    `layers` is what decides how many layers are on a GPU. `cache` are the types of the KV cache's keys and values.
    `context` is how many tokens one request may have, and `slots` how many requests run at once. With `shared` those
    share the `context` tokens; otherwise each has as many. `projector` is the file that makes tokens of images and
    audio, the device that computes them, and why it is used, or why there is none; `takes` are "images" and "audio",
    where the model takes them. `memory` is what llama.cpp takes of this machine and of each device, with the whole
    context in use.
    """

    model: str
    task: Task
    task_reason: str
    parameters: int
    size: int
    quantization: str
    cpu: str
    devices: tuple[str, ...]
    not_used: tuple[str, ...]
    layers: str
    context: int
    context_trained: int
    slots: int
    shared: bool
    cache: tuple[str, str]
    on_overflow: OnOverflow
    adapters: tuple[str, ...]
    projector: str
    takes: tuple[str, ...]
    memory: tuple[str, ...]

    def __str__(self) -> str:
        """Return it as lines of text."""
        whose = f"{'shared by' if self.shared else 'for each of'} {self.slots} requests at once"
        return "\n".join(
            [
                f"{self.model}: {self.parameters / 1e6:,.0f} million parameters, {self.quantization}, "
                f"{self.size / _MIB:,.0f} MiB",
                f"Task: {self.task}, because {self.task_reason}",
                f"CPU: {self.cpu}",
                *[f"Device: {each}" for each in self.devices],
                *[f"Not used: {each}" for each in self.not_used],
                f"Layers: {self.layers}",
                f"Context: {self.context} tokens {whose if self.slots > 1 else 'for one request at a time'} "
                f"(trained with {self.context_trained}); when it is full: {self.on_overflow}",
                f"KV cache: keys {self.cache[0]}, values {self.cache[1]}",
                f"Projector: {self.projector}",
                *[f"Memory: {each}" for each in self.memory],
                *([f"LoRA adapters: {', '.join(self.adapters)}"] if self.adapters else []),
            ]
        )


def explain(
    facts: Facts,
    found: Recognised,
    on_overflow: OnOverflow,
    options: Mapping[str, Any],
    cpu: str,
    choice: Choice,
    projector: Chosen,
    memory: tuple[str, ...],
) -> Explanation:
    """Put together what is known; `options` are by their names, not by other spellings."""
    used = choice.used
    unused = [each for each in choice.devices if not each.used]
    refused = [each for each in choice.backends if not each.loaded]
    return Explanation(
        model=facts.name,
        task=found.task,
        task_reason=found.reason,
        parameters=facts.parameters,
        size=facts.size,
        quantization=facts.quantization,
        cpu=cpu,
        devices=tuple(f"{each.name} ({each.backend}): {each.reason}" for each in used),
        not_used=(
            *(f"{each.name}: {each.reason}" for each in unused),
            *(f"{each.name}: {each.reason}" for each in refused),
        ),
        layers=_layers(bool(used), options),
        context=facts.context,
        context_trained=facts.context_trained,
        slots=facts.slots,
        shared=_is_shared(options),
        cache=(str(options.get("cache_type_k", "f16")), str(options.get("cache_type_v", "f16"))),
        on_overflow=on_overflow,
        adapters=tuple(facts.adapters),
        projector=_projector(facts, projector, _device_of_projector(choice, options)),
        takes=_takes(facts),
        memory=memory,
    )


def measured(setup: Setup) -> tuple[str, ...]:
    """Return what llama.cpp takes of each memory, as it measures that before it loads a model."""
    from llamapack.runner.configuration import wanted_for  # with what starts processes, which others need not import
    from llamapack.runner.needs import measure_needs

    try:
        needs = measure_needs(wanted_for(setup.path, setup.options))
    except LlamapackError as error:
        return (f"not known: {error.what}",)
    return tuple(f"{each.needed / _MIB:,.0f} MiB of {each.place}" for each in needs)


def _is_shared(options: Mapping[str, Any]) -> bool:
    """Return whether requests share one KV cache: llama.cpp does so unless it is told how many there are."""
    parallel = options.get("parallel")
    return parallel is None or parallel < 0 or options.get("kv_unified") is True


def _projector(facts: Facts, chosen: Chosen, device: str) -> str:
    if chosen.path is None:
        return f"none: {chosen.reason}"
    return f"{chosen.path.name} for {' and '.join(_takes(facts))} on {device}: {chosen.reason}"


def _takes(facts: Facts) -> tuple[str, ...]:
    return tuple(what for what, does in (("images", facts.vision), ("audio", facts.audio)) if does)


def _device_of_projector(choice: Choice, options: Mapping[str, Any]) -> str:
    """Return the device that llama.cpp takes: the one that was named, or else the first one of the model."""
    named = options.get("mmproj_device")
    if named == "none" or (named is None and options.get("mmproj_offload") is False):
        return "CPU"
    return str(named or next((each.name for each in choice.used), "CPU"))


def _layers(devices: bool, options: Mapping[str, Any]) -> str:
    wanted = options.get("gpu_layers")
    if not devices:
        return "all on the CPU: no other device is used"
    if wanted is None:
        return "as many on the devices as fit into their memory; llama.cpp decides when it loads the model"
    return f"{wanted} on the devices, as gpu_layers says"
