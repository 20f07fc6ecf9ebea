"""The child process of the device tests: uses a plug-in, and prints what it measured as JSON.

Run as: python on_device.py TASK BACKEND MODEL
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import llamapack
import numpy as np
import psutil
from llamapack import Context, Model
from llamapack._native.library import native
from llamapack.backends.devices import Device, present_devices
from numpy.typing import NDArray

PROMPT = "The capital of France is"
STEPS = 6
VARIANTS: dict[str, dict[str, Any]] = {
    "flash attention on": {"flash_attention": "on"},
    "flash attention off": {"flash_attention": "off"},
    "cache q8_0": {"flash_attention": "on", "type_k": "q8_0", "type_v": "q8_0"},
    "cache q4_0": {"flash_attention": "on", "type_k": "q4_0", "type_v": "q4_0"},
}
ALL = 99
"""More layers than the model has, so that all of them and the output go to the device."""

Seen = dict[str, object]


class Distance(TypedDict):
    """How two rows of logits differ."""

    most: float
    mean: float
    cosine: float
    behind: float
    """By how much the CPU's first token is behind the device's."""


def device(name: str) -> Device:
    """Return the current state of the device called `name`."""
    return next(device for device in present_devices() if device.name == name)


def use(backend: str) -> tuple[Device, ...]:
    """Make llamapack find, probe and load the plug-in, without a warning; return its devices."""
    os.environ["LLAMAPACK_BACKENDS"] = backend
    warnings.simplefilter("error")
    return tuple(device for device in llamapack.devices() if device.kind != "cpu")


def logits(context: Context, prompt: str = PROMPT) -> NDArray[np.float32]:
    """Read `prompt` into an empty context and return the logits after it."""
    context.memory.clear()
    context.decode(context.model.vocab.tokenize(prompt))
    return np.array(context.outputs.logits(), copy=True)


def distance(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> Distance:
    """Compare two rows of logits."""
    lengths = float(np.linalg.norm(found) * np.linalg.norm(wanted))
    return {
        "most": float(np.abs(found - wanted).max()),
        "mean": float(np.abs(found - wanted).mean()),
        "cosine": float(found @ wanted) / lengths,
        "behind": float(found.max() - found[wanted.argmax()]),
    }


def compute(backend: str, path: Path) -> Seen:
    """Compare logits with the CPU's, in two contexts of one model, and watch the device's memory."""
    (used, *_) = found = use(backend)
    with Model(path, n_gpu_layers=0) as model, Context(model, n_ctx=64, n_threads=1) as context:
        wanted, other = logits(context), logits(context, "def add(a, b):")
    with (
        Model(path, n_gpu_layers=ALL, devices=[used.name]) as model,
        Context(model, n_ctx=64, n_threads=1) as first,
        Context(model, n_ctx=64, n_threads=1) as second,
    ):
        near = distance(logits(first), wanted)
        aside = distance(logits(second, "def add(a, b):"), other)
        again = distance(logits(first), wanted)
    devices = [(one.name, one.kind, one.memory_total) for one in found]
    return {"devices": devices, "near": near, "aside": aside, "again": again}


def forced(context: Context, prompt: str, tokens: list[int]) -> list[NDArray[np.float32]]:
    """Return the logits after the prompt, and after each of `tokens` appended to it."""
    rows = [logits(context, prompt)]
    for token in tokens:
        context.decode([token])
        rows.append(np.array(context.outputs.logits(), copy=True))
    return rows


def generation(backend: str, path: Path) -> Seen:
    """Generate on the device, and compare the logits of each step with the CPU's for the same text."""
    (used, *_) = use(backend)
    with Model(path, n_gpu_layers=ALL, devices=[used.name]) as model, Context(model, n_ctx=64, n_threads=1) as context:
        rows, tokens = [logits(context)], [int(context.outputs.logits().argmax())]
        while len(rows) < STEPS:
            context.decode(tokens[-1:])
            rows.append(np.array(context.outputs.logits(), copy=True))
            tokens.append(int(rows[-1].argmax()))
    with Model(path, n_gpu_layers=0) as model, Context(model, n_ctx=64, n_threads=1) as context:
        wanted = forced(context, PROMPT, tokens[:-1])
    return {"steps": [distance(found, other) for found, other in zip(rows, wanted, strict=True)], "tokens": tokens}


def variants(backend: str, path: Path) -> Seen:
    """Compare contexts on the device with contexts on the CPU: flash attention, quantized cache.

    A 4-bit cache is compared with the device's own 16-bit one: with such coarse rounding, CPU levels differ as much
    from each other as from the correct result (cosine 0.79 to 0.99 between them and lavapipe, SmolLM2-135M).
    """
    (used, *_) = use(backend)
    rows: dict[tuple[str, str], NDArray[np.float32]] = {}
    for where, count in (("cpu", 0), ("device", ALL)):
        with Model(path, n_gpu_layers=count, devices=[used.name]) as model:
            for name, options in VARIANTS.items():
                with Context(model, n_ctx=64, n_threads=1, **options) as context:
                    rows[where, name] = logits(context)
    wanted = {name: rows["cpu", name] for name in VARIANTS} | {"cache q4_0": rows["device", "flash attention on"]}
    return {name: distance(rows["device", name], wanted[name]) for name in VARIANTS}


def layers(backend: str, path: Path) -> Seen:
    """Put more and more layers on the device; report how many it got, the memory they need, and the results."""
    (used, *_) = use(backend)
    lines = Lines()
    found: list[Seen] = []
    wanted: NDArray[np.float32] | None = None
    for count in (0, 1, 16, 30, ALL):
        lines.said.clear()
        with (
            Model(path, n_gpu_layers=count, devices=[used.name]) as model,
            Context(model, n_ctx=64, n_threads=1) as context,
        ):
            row = logits(context)
        wanted = row if wanted is None else wanted
        text = "\n".join(lines.said)
        there = re.findall(r"offloaded (\d+)/(\d+) layers", text) or [("0", "31")]
        sizes = re.findall(rf"{used.name} model buffer size = +([0-9.]+) MiB", text)
        found.append({"layers": int(there[0][0]), "size": sum(map(float, sizes)), "near": distance(row, wanted)})
    return {"sweep": found}


def split(backend: str, path: Path) -> Seen:
    """Distribute the layers evenly over all devices, and compare with the CPU."""
    names = [one.name for one in use(backend)]
    with Model(path, n_gpu_layers=0) as model, Context(model, n_ctx=64, n_threads=1) as context:
        wanted = logits(context)
    lines, shares = Lines(), [1.0] * len(names)
    with (
        Model(path, n_gpu_layers=ALL, devices=names, split_mode="layer", tensor_split=shares) as model,
        Context(model, n_ctx=64, n_threads=1) as context,
    ):
        near = distance(logits(context), wanted)
    taken = re.findall(r"(\w+) model buffer size = +[0-9.]+ MiB", "\n".join(lines.said))
    return {"devices": names, "near": near, "taken": taken}


class Lines(logging.Handler):
    """Collects llama.cpp's log lines."""

    def __init__(self) -> None:
        """Start collecting."""
        super().__init__()
        self.said: list[str] = []
        logging.getLogger("llamapack.native").addHandler(self)
        logging.getLogger("llamapack.native").setLevel(logging.DEBUG)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.said.append(record.getMessage())


def resident() -> int:
    """Return the resident memory of this process in MiB, which includes that of a device on the CPU."""
    return int(psutil.Process().memory_info().rss) >> 20


def memory(backend: str, path: Path) -> Seen:
    """Load and close three times; report the memory according to llama.cpp and the system."""
    (used, *_) = use(backend)
    lines, rounds = Lines(), []
    for _ in range(3):
        before, free = resident(), device(used.name).memory_free
        with Model(path, n_gpu_layers=ALL, devices=[used.name]) as model, Context(model, n_ctx=64, n_threads=1):
            inside, left = resident(), device(used.name).memory_free
        rounds.append((before, inside, resident(), free, left, device(used.name).memory_free))
    text = "\n".join(lines.said)
    buffers = re.findall(rf"{used.name} (model|KV|compute) buffer size = +([0-9.]+) MiB", text)
    return {
        "layers": re.findall(r"offloaded (\d+)/(\d+) layers", text)[0],
        "buffers": {kind: float(size) for kind, size in buffers[:3]},
        "rounds": rounds,
    }


def quick(backend: str, path: Path) -> Seen:
    """Compute one prompt on the device."""
    (used, *_) = use(backend)
    with Model(path, n_gpu_layers=ALL, devices=[used.name]) as model, Context(model, n_ctx=64, n_threads=1) as context:
        return {"logits": logits(context)[:8].tolist()}


def unload(backend: str, path: Path) -> Seen:
    """Use the device, remove the plug-in from ggml, and go on with the CPU."""
    before = [one.name for one in present_devices()]
    quick(backend, path)
    names = [one.name for one in present_devices()]
    new = next(name for name in names if name not in before)
    registry = native().ggml_backend_dev_backend_reg(native().ggml_backend_dev_by_name(new.encode()))
    native().ggml_backend_unload(registry)
    left = [one.name for one in present_devices()]
    with Model(path, devices=[]) as model, Context(model, n_ctx=64, n_threads=1) as context:
        on_cpu = bool(np.isfinite(logits(context)).all())
    return {"before": before, "with": names, "without": left, "on_cpu": on_cpu}


def unnamed(backend: str, path: Path) -> Seen:
    """Load the model without naming a backend, and report what is used."""
    os.environ.pop("LLAMAPACK_BACKENDS", None)
    with Model(path) as model:
        return {"devices": [one.name for one in model.offload.devices], "there": [d.name for d in present_devices()]}


TASKS: dict[str, Callable[[str, Path], Seen]] = {
    "compute": compute,
    "generation": generation,
    "layers": layers,
    "split": split,
    "variants": variants,
    "memory": memory,
    "quick": quick,
    "unload": unload,
    "unnamed": unnamed,
}

if __name__ == "__main__":
    task, backend, model = sys.argv[1:]
    print(json.dumps(TASKS[task](backend, Path(model))))
