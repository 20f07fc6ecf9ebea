"""Where layers go: every parameter of placement has its effect on two devices, and what would have none is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.plugin_environment import Place, make_place
from tests.support.plugins.making import Plugin

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the plug-ins of the tests are built for Linux only")

PLACE = """
import json, sys, llamapack

def free():
    return {device.name: device.memory_free for device in llamapack.devices() if device.name != "CPU"}

before = free()
with llamapack.Model(sys.argv[1], **json.loads(sys.argv[2])) as model:
    taken = {name: round((before[name] - left) / 2**20) for name, left in free().items()}
    with llamapack.Context(model, n_ctx=64, n_threads=1) as context:
        context.decode(model.vocab.tokenize("One, two, three,"))
        likeliest = int(context.outputs.logits().argmax())
    print(json.dumps({"taken": taken, "layers": model.offload.n_gpu_layers, "likeliest": likeliest}))
"""


@pytest.fixture(scope="module")
def two(wheel: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A place with a plug-in that has two devices."""
    place = make_place(tmp_path_factory.mktemp("two"), wheel, model)
    place.install(Plugin(devices=2))
    return place


@pytest.fixture(scope="module")
def likeliest(two: Place) -> int:
    """The token that the CPU alone finds likeliest."""
    return int(two.load(LLAMAPACK_BACKENDS="cpu")["likeliest"])


def placed(place: Place, **options: Any) -> dict[str, Any]:
    done = place.run("-c", PLACE, place.model, json.dumps(options))
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_layers_go_where_split_mode_main_gpu_and_tensor_split_say(two: Place, likeliest: int) -> None:
    ways: dict[str, dict[str, Any]] = {
        "layer": {},
        "first": {"split_mode": "none"},
        "second": {"split_mode": "none", "main_gpu": 1},
        "named": {"devices": ["Example1"]},
        "left": {"tensor_split": [1, 0]},
        "right": {"tensor_split": [0, 1]},
        "quarter": {"tensor_split": [1, 3]},
    }
    found = {name: placed(two, **options) for name, options in ways.items()}
    assert {(each["layers"], each["likeliest"]) for each in found.values()} == {(31, likeliest)}
    taken = {name: (each["taken"]["Example0"], each["taken"]["Example1"]) for name, each in found.items()}
    everything = taken["first"][0]
    assert everything > 60
    assert taken["first"] == taken["left"] == (everything, 0)
    assert taken["second"] == taken["named"] == taken["right"] == (0, everything)
    assert min(taken["layer"]) > 10
    assert 0 < taken["quarter"][0] < taken["layer"][0]


def test_more_layers_take_more_memory(two: Place, likeliest: int) -> None:
    found = {layers: placed(two, n_gpu_layers=layers) for layers in (0, 1, 10, 20, 31, 99)}
    assert {each["likeliest"] for each in found.values()} == {likeliest}
    assert [each["layers"] for each in found.values()] == [0, 1, 10, 20, 31, 31]
    none, output, some, more, everything, beyond = (sum(each["taken"].values()) for each in found.values())
    assert none == 0 < output < some < more < everything == beyond


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"main_gpu": 2}, "There is no GPU 2: 2 can be used."),
        ({"main_gpu": 1}, "main_gpu=1 has no effect with split_mode='layer'."),
        (
            {"tensor_split": [1, 1, 1]},
            "tensor_split must have a number of 0 or more for each of 2 GPUs, not [1, 1, 1].",
        ),
        ({"tensor_split": [1, 1], "split_mode": "none"}, 'tensor_split has no effect with split_mode="none".'),
        ({"split_mode": "row"}, 'split_mode="row" has no effect with these devices.'),
        (
            {"n_gpu_layers": "fit", "split_mode": "tensor"},
            "n_gpu_layers=\"fit\" cannot be combined with split_mode='tensor'.",
        ),
    ],
)
def test_what_would_have_no_effect_is_refused(two: Place, options: dict[str, Any], message: str) -> None:
    done = two.run("-c", PLACE, two.model, json.dumps(options))
    assert f"InputError: {message}\n" in done.stderr
