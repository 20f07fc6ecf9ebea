"""The plug-in of the tests is a whole backend: llama.cpp gives it layers, and it computes what the CPU computes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.children import Answer, python
from tests.support.plugins.making import Core, Plugin, make_library

COMPARE = """\
import json, sys
from pathlib import Path
import llamapack
from llamapack._native.modules import load_backend

before = llamapack.devices()
load_backend(Path(sys.argv[1]))
name = sys.argv[3]

def run(layers):
    # The example multiplies as the CPU does without repacked weights, which AMX multiplies in another order.
    options = {"n_gpu_layers": layers, "use_extra_buffers": False}
    with llamapack.Model(sys.argv[2], **options) as model, llamapack.Context(model, n_ctx=64, n_threads=1) as context:
        context.decode(model.vocab.tokenize("The capital of France is"))
        free = {device.name: device.memory_free for device in llamapack.devices()}[name]
        return context.outputs.logits().copy(), free

(wanted, idle), (found, busy) = run(0), run(99)
after = {device.name: device.memory_free for device in llamapack.devices()}
print(json.dumps({
    "new": [(d.name, d.kind, d.memory_total) for d in llamapack.devices() if d not in before and d.name != "CPU"],
    "distance": float(abs(found - wanted).max()),
    "used": idle - busy,
    "left": after[name] - idle,
}))
"""


def compare(plugin: Plugin, core: Core, model: Path, folder: Path) -> Answer:
    library = make_library(plugin, core, folder)
    return python(COMPARE, library, model, f"{plugin.name.capitalize()}0")


def test_example_computes_what_the_cpu_computes(core: Core, model_path: Path, tmp_path: Path) -> None:
    answer = compare(Plugin(), core, model_path, tmp_path)
    assert (answer.status, answer.err) == (0, "")
    said = json.loads(answer.out)
    assert said["new"] == [["Example0", "gpu", 4 << 30]]
    assert 0 < said["distance"] < 0.1
    # SmolLM2's layers without the token embeddings are 72 MB; with them, 98 MB.
    assert 60 << 20 < said["used"] < 120 << 20
    assert said["left"] >= 0


def test_example_that_multiplies_wrongly_is_far_off(core: Core, model_path: Path, tmp_path: Path) -> None:
    answer = compare(Plugin(name="wrong", scale=1.1), core, model_path, tmp_path)
    assert json.loads(answer.out)["distance"] > 1


@pytest.mark.parametrize(
    ("plugin", "status"),
    [
        (Plugin(name="segv", fault="segv", at="load"), -11),
        (Plugin(name="ill", fault="ill", at="init"), -4),
        (Plugin(name="abort", fault="abort", at="list"), -6),
        (Plugin(name="exit", fault="exit", at="compute"), 0),
    ],
)
def test_faults_happen(core: Core, model_path: Path, tmp_path: Path, plugin: Plugin, status: int) -> None:
    answer = compare(plugin, core, model_path, tmp_path)
    assert (answer.status, answer.out) == (status, "")
