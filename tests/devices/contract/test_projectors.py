"""A projector computes on the device what its definition says, and on the CPU where asked.

Measured on lavapipe with these small projectors: embeddings differ from numpy's by 0.020 at most, and on the CPU by
0.0016; logarithms of probabilities after an image and a text differ by 0.011. Where it was computed is what llama.cpp
logs, and where it has buffers for it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.gguf.files import bpe_vocabulary
from tests.support.media.expected import EMBED, TOLERANCE, logits_after
from tests.support.media.on_device import MODELS, pixels_of, samples
from tests.support.reference.made_models import write_model
from tests.support.reference.made_projectors import write_projector
from tests.support.reference.projectors import embed_qwen2vl, embed_ultravox
from tests.support.reference.weights import Floats, read_weights
from tools.paths import ROOT

pytestmark = pytest.mark.usefixtures("device")
NEAR = {"device": 0.05, "CPU": TOLERANCE}
"""By how much embeddings may differ, which reach 4: a device multiplies matrices of 16 bits."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made models, a projector of each kind, and what is written there."""
    folder = tmp_path_factory.mktemp("projectors")
    write_model(folder / "model.gguf", "llama", vocabulary=bpe_vocabulary())
    write_model(folder / "mrope.gguf", "qwen2vl", vocabulary=bpe_vocabulary())
    for kind in MODELS:
        write_projector(folder / f"{kind}.gguf", kind)
    return folder


@pytest.fixture(scope="module")
def seen(backend: str, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process saw that used all projectors on the device and on the CPU."""
    words = [sys.executable, "-m", "tests.support.media.on_device", backend, str(folder)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLAMAPACK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        done = subprocess.run(words, cwd=ROOT, capture_output=True, encoding="utf-8", check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def expected(folder: Path, kind: str) -> Floats:
    weights = read_weights(folder / f"{kind}.gguf")
    if kind == "ultravox":
        return embed_ultravox(weights, samples())
    return {**EMBED, "qwen2vl": embed_qwen2vl}[kind](weights, pixels_of(kind))


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("place", NEAR)
def test_embeddings_are_those_of_the_definition(seen: dict[str, Any], folder: Path, kind: str, place: str) -> None:
    assert f"{kind} {place}" in seen["plain"]
    found, want = np.load(folder / "embeddings.npz")[f"{kind} {place}"], expected(folder, kind)
    assert found.shape == want.shape
    assert np.abs(found - want).max() < NEAR[place]


@pytest.mark.parametrize("kind", MODELS)
def test_a_projector_computes_where_it_says(seen: dict[str, Any], kind: str) -> None:
    for place, name in (("device", seen["device"]), ("CPU", "CPU")):
        found = seen["plain"][f"{kind} {place}"]
        assert (found["says"], found["using"]) == (name, [name])
        assert found["buffers"][name] == max(found["buffers"].values()) > 0
        assert place == "device" or set(found["buffers"]) == {"CPU"}


@pytest.mark.parametrize("place", ["device", "CPU", "none"])
def test_llama_computes_images_where_it_says(seen: dict[str, Any], folder: Path, place: str) -> None:
    name = seen["device"] if place == "device" else "CPU"
    found = seen["llama"][place]
    assert found["explains"] == f"llava.gguf for images on {name}: it was given"
    assert found["using"] == [name]
    assert found["buffers"][name] == max(found["buffers"].values()) > 0
    before, after = seen["texts"]["llava"]
    logits = logits_after(folder / "model.gguf", before, expected(folder, "llava"), after, whole=False)
    want = logits - np.log(np.exp(logits).sum())
    assert max(abs(logprob - want[int(token)]) for token, logprob in found["top"].items()) < 0.05
