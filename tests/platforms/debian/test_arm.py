"""On 64-bit Arm processors, emulated by qemu-user in a Debian root, the wheel takes the right level and says the same.

The whole process runs on that processor: Debian's Python, numpy, and every library of the wheel.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.given import given
from tests.support.greedy import TEXT, answer, arguments
from tools.matrix import load_matrix
from tools.platforms.distributions import PYTHON, Place, inside

SESSION = "nox -s distributions, or nox -s test-cpu"
LEVELS = {level.name: level for level in load_matrix().levels_of("linux-aarch64")}
# What qemu calls a processor, and the level that is the best for it. Of the matrix's it is the last one of each.
PROCESSORS = {level.qemu: level.name for level in LEVELS.values()} | {
    "neoverse-n1": "armv8.2_2",
    "a64fx": "armv8.0_1",  # it has SVE and half precision, and no dot product, which every other level asks for
}
WANTED = tuple(filter(None, os.environ.get("LLAMAPACK_TEST_LEVELS", "").split(","))) or tuple(LEVELS)
# Measured: 0.24, 0.85, 0.9973 on cortex-a53, without dot products; 0.14, 0.76, 0.9988 on cortex-a76. SVE: within them.
BOUNDS = {"mean": 0.5, "most": 2.0, "cosine": 0.995}


def supported(best: str) -> list[str]:
    """Return the levels whose flags the best one has."""
    return [name for name, level in LEVELS.items() if set(level.flags) <= set(LEVELS[best].flags)]


def run(place: Place, model: Path, processor: str, level: str = "") -> dict[str, Any]:
    return answer(place.command(PYTHON, *arguments(inside(model), level), files=(model,), processor=processor))


@cache
def x86() -> dict[str, Any]:
    """Return what this machine's own processor says, with the wheel for it."""
    return answer([given("LLAMAPACK_TEST_PYTHON", SESSION), *arguments(given("LLAMAPACK_TEST_MODEL", SESSION))])


@pytest.mark.parametrize("processor", [name for name, best in PROCESSORS.items() if best in WANTED])
def test_processor_gets_its_level_and_says_the_same(place: Place, model: Path, processor: str) -> None:
    found = run(place, model, processor)
    best = PROCESSORS[processor]
    assert (found["level"], found["loaded"]) == (best, [f"libggml-cpu-{best}.so"])
    assert found["supported"] == supported(best)
    assert_same(found)


@pytest.mark.parametrize("level", [name for name in LEVELS if name in WANTED and name not in PROCESSORS.values()])
def test_level_that_no_processor_is_best_for_runs_when_it_is_asked_for(place: Place, model: Path, level: str) -> None:
    found = run(place, model, LEVELS[level].qemu, level)
    assert (found["level"], found["loaded"]) == (level, [f"libggml-cpu-{level}.so"])
    assert_same(found)


def assert_same(found: dict[str, Any]) -> None:
    """The tokens are those of x86-64, and the logits are within BOUNDS of theirs."""
    assert (found["tokens"], found["text"]) == (x86()["tokens"], TEXT)
    difference = measured(found["logits"], x86()["logits"])
    assert difference["mean"] <= BOUNDS["mean"], difference
    assert difference["most"] <= BOUNDS["most"], difference
    assert difference["cosine"] >= BOUNDS["cosine"], difference


def measured(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, float]:
    """Return how far two rows of logits are from one another."""
    one, other = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    apart = np.abs(one - other)
    cosine = float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))
    return {"mean": float(apart.mean()), "most": float(apart.max()), "cosine": cosine}
