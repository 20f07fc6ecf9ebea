"""What a model is said to take of a device, and what it takes.

A device that software acts as has its memory in the process, where it can be counted: besides the model, it holds what
the driver needs, and a buffer of the size of the largest tensor (172 MiB together with Mesa 22.3 and this model). These
are not in the estimate, and the same each time, so differences are compared.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from llamapack.quantization import quantize
from llamapack.runner.needs import HOST, Need

from tests.support.engine.taken_memory import estimated_and_allocated

pytestmark = pytest.mark.usefixtures("device")

Measured = tuple[Sequence[Need], int]


@pytest.fixture(scope="module", autouse=True)
def _by_software() -> None:
    """Skip devices with a memory of their own."""
    if not os.environ.get("LLAMAPACK_TEST_SOFTWARE"):
        pytest.skip("this device has its own memory, which others use, too")
    if sys.platform != "linux":
        pytest.skip("what a process has allocated is counted on Linux only")


@pytest.fixture(scope="module")
def measure(backend: str) -> Callable[..., Measured]:
    """Load a model onto the device, and return what was said and what was allocated."""

    def load(path: Path, **options: Any) -> Measured:
        more = {"backends": backend, "gpu_layers": 99, "threads": 1, "warmup": False, "load_mode": "none"}
        return estimated_and_allocated(path, **more, **options)

    return load


@pytest.fixture(scope="module")
def small(measure: Callable[..., Measured], model_path: Path) -> Measured:
    """The model with a small context; what is loaded first makes the driver's caches, and is not counted."""
    measure(model_path, ctx_size=1024)
    return measure(model_path, ctx_size=1024)


def total(needs: Sequence[Need]) -> int:
    return sum(need.needed for need in needs)


def check(measured: Measured, small: Measured) -> None:
    assert measured[1] - small[1] == pytest.approx(total(measured[0]) - total(small[0]), rel=0.1)


def test_most_is_said_to_be_on_the_device(small: Measured, model_path: Path) -> None:
    (on_device,) = (need for need in small[0] if need.device != HOST)
    assert on_device.needed > model_path.stat().st_size
    assert total(small[0]) < small[1]


@pytest.mark.parametrize(
    "options",
    [{"ctx_size": 32768}, {"ctx_size": 8192, "cache_type_k": "q8_0", "cache_type_v": "q8_0"}],
    ids=["f16", "q8_0"],
)
def test_a_context_takes_what_is_said(
    measure: Callable[..., Measured], small: Measured, model_path: Path, options: dict[str, Any]
) -> None:
    check(measure(model_path, **options), small)


def test_weights_take_what_is_said(
    measure: Callable[..., Measured], small: Measured, model_path: Path, tmp_path: Path
) -> None:
    """The largest tensor, the embeddings, stays as it is: Vulkan keeps a buffer of its size, through which it came."""
    quantize(model_path, tmp_path / "f16.gguf", "F16", embedding_type="Q4_1", allow_requantize=True)
    check(measure(tmp_path / "f16.gguf", ctx_size=1024), small)
