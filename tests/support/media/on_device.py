"""The child process of the device tests of projectors: encodes on the device and on the CPU, and says where it was.

Run as `python -m tests.support.media.on_device BACKEND FOLDER`, where FOLDER has made models and projectors. Prints
what it saw as JSON, and writes embeddings into `embeddings.npz` there, by `KIND DEVICE`.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
from llamapack import Llama, Model
from llamapack.media import Media, Projector
from numpy.typing import NDArray

from tests.support.on_device import ALL, Lines, use
from tests.support.reference.made_projectors import IMAGE_SIZE, SQUARE

TEXT = "hello <__media__> what is this?"
MODELS = {"llava": "model", "gemma3": "model", "qwen2vl": "mrope", "ultravox": "model"}
"""The projectors, and the name of the model for each."""


def pixels_of(kind: str) -> NDArray[np.uint8]:
    """Return an image of noise, which the projector does not scale."""
    size = (IMAGE_SIZE[kind], IMAGE_SIZE[kind]) if kind in IMAGE_SIZE else (3 * SQUARE, 4 * SQUARE)
    return np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)


def samples() -> NDArray[np.float32]:
    """Return one and a half seconds of a loud tone with noise."""
    times = np.arange(24_000) / 16_000
    noise = np.random.default_rng(2).standard_normal(len(times))
    return np.asarray(3 * np.sin(2 * np.pi * 440 * times) + 0.5 * noise, dtype=np.float32)


def main(backend: str, folder: Path) -> None:
    """Use all projectors by Projector, and one by Llama."""
    (used, *_) = use(backend)
    lines = Lines()
    rows: dict[str, Any] = {}
    plain: dict[str, Any] = {}
    texts: dict[str, list[tuple[int, ...]]] = {}
    for kind, name in MODELS.items():
        for device in (None, "CPU"):
            lines.said.clear()
            with (
                Model(folder / f"{name}.gguf", n_gpu_layers=ALL, devices=[used.name]) as model,
                Projector(
                    model, folder / f"{kind}.gguf", n_threads=1, flash_attention="off", device=device, warmup=False
                ) as projector,
            ):
                media = Media.from_samples(samples()) if kind == "ultravox" else Media.from_pixels(pixels_of(kind))
                with projector.tokenize(TEXT, [media]) as chunks:
                    (chunk,) = (chunk for chunk in chunks if chunk.kind != "text")
                    rows[f"{kind} {device or 'device'}"] = projector.encode(chunk)
                    texts[kind] = [chunk.tokens for chunk in chunks if chunk.kind == "text"]
                plain[f"{kind} {device or 'device'}"] = {"says": projector.device, **where(lines)}
    np.savez(folder / "embeddings.npz", **rows)
    found = {"device": used.name, "plain": plain, "texts": texts, "llama": with_llama(used.name, folder, lines)}
    print(json.dumps(found))


def with_llama(device: str, folder: Path, lines: Lines) -> dict[str, Any]:
    """Complete a text with an image, all layers on the device; return probabilities and where the projector was."""
    found: dict[str, Any] = {}
    for name, options in (("device", {}), ("CPU", {"mmproj_offload": False}), ("none", {"mmproj_device": "none"})):
        lines.said.clear()
        with Llama(
            folder / "model.gguf",
            projector=folder / "llava.gguf",
            devices=[device],
            gpu_layers=ALL,
            ctx_size=256,
            parallel=1,
            threads=1,
            warmup=False,
            flash_attn="off",
            **options,
        ) as llm:
            reply = llm.complete(TEXT, images=[pixels_of("llava")], max_tokens=1, temperature=0, logprobs=8)
            top = {each.id: each.logprob for each in reply.logprobs[0].top}
            found[name] = {"explains": llm.explain().projector, "top": top, **where(lines)}
    return found


def where(lines: Lines) -> dict[str, Any]:
    """Return where llama.cpp says that the projector computes, and where it has buffers for that."""
    text = "\n".join(lines.said)
    found = re.findall(r"reserve_compute_meta: +(\S+) compute buffer size = +([0-9.]+) MiB", text)
    return {
        "using": re.findall(r"CLIP using (\S+) backend", text)[-1:],
        "buffers": {name: float(size) for name, size in found},
    }


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
