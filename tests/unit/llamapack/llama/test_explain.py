"""What an explanation says, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from llamapack.backends.selection.decisions import BackendDecision, Choice, DeviceDecision
from llamapack.llama.explain import Explanation, explain
from llamapack.llama.projectors import Chosen

from tests.support.llama.fake_engine import core

GPU = DeviceDecision(backend="cuda", name="CUDA0", used=True, reason="it is the fastest")
CHOICE = Choice(
    devices=(GPU, DeviceDecision(backend="cuda", name="CUDA1", used=False, reason="it is slower")),
    backends=(
        BackendDecision(name="cuda", package="llamapack-cuda", loaded=True, reason="it works"),
        BackendDecision(name="vulkan", package="llamapack-vulkan", loaded=False, reason="cuda is used"),
    ),
)


def explained(choice: Choice = CHOICE, **options: Any) -> Explanation:
    it, _ = core()
    return explain(
        it.facts,
        it.recognised,
        it.on_overflow,
        options,
        "haswell: the best",
        choice,
        it.projector,
        ("370 MiB of this machine",),
    )


def test_devices_are_named_with_their_reasons() -> None:
    found = explained()
    assert found.devices == ("CUDA0 (cuda): it is the fastest",)
    assert found.not_used == ("CUDA1: it is slower", "vulkan: cuda is used")


@pytest.mark.parametrize(
    ("choice", "options", "layers"),
    [
        (CHOICE, {}, "as many on the devices as fit"),
        (CHOICE, {"gpu_layers": 20}, "20 on the devices, as gpu_layers says"),
        (Choice(), {"gpu_layers": 20}, "all on the CPU"),
    ],
)
def test_layers_are_where_the_options_say(choice: Choice, options: dict[str, Any], layers: str) -> None:
    assert f"Layers: {layers}" in str(explained(choice, **options))


@pytest.mark.parametrize(
    ("options", "context"),
    [
        ({}, "100 tokens shared by 2 requests at once"),
        ({"parallel": -1}, "100 tokens shared by 2 requests at once"),
        ({"parallel": 2}, "100 tokens for each of 2 requests at once"),
        ({"parallel": 2, "kv_unified": True}, "100 tokens shared by 2 requests at once"),
    ],
)
def test_context_is_shared_or_divided(options: dict[str, Any], context: str) -> None:
    assert f"Context: {context}" in str(explained(**options))


@pytest.mark.parametrize(
    ("choice", "options", "device"),
    [
        (CHOICE, {}, "CUDA0"),
        (CHOICE, {"mmproj_offload": False}, "CPU"),
        (CHOICE, {"mmproj_device": "CUDA1"}, "CUDA1"),
        (CHOICE, {"mmproj_device": "none"}, "CPU"),
        (Choice(), {}, "CPU"),
    ],
)
def test_projector_is_named_with_its_device_and_its_reason(
    choice: Choice, options: dict[str, Any], device: str
) -> None:
    assert "\nProjector: none: none was looked for" in str(explained())
    it, _ = core(audio=False)
    chosen = Chosen(path=Path("mmproj.gguf"), reason="it is beside the model")
    found = explain(it.facts, it.recognised, it.on_overflow, options, "haswell", choice, chosen, ())
    assert found.projector == f"mmproj.gguf for images on {device}: it is beside the model"
