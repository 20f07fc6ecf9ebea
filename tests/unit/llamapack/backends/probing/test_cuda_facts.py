"""The versions of CUDA, as its runtime library says them."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from llamapack.backends.probing import _cuda_facts as facts

OPENED = ["lib/libcublas.so.13", "lib/libcudart.so.13"]


def says(status: int, number: int = 0) -> Callable[[Any], int]:
    """Return a function of the runtime that has this status, and writes this number."""

    def answer(place: Any) -> int:
        place._obj.value = number
        return status

    return answer


def versions(monkeypatch: pytest.MonkeyPatch, *, runtime: Any, driver: Any) -> dict[str, str] | None:
    library = SimpleNamespace(cudaRuntimeGetVersion=runtime, cudaDriverGetVersion=driver)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    return facts.cuda_versions(OPENED)


def test_the_runtime_says_its_version_and_the_drivers(monkeypatch: pytest.MonkeyPatch) -> None:
    found = versions(monkeypatch, runtime=says(0, 13000), driver=says(0, 12080))
    assert found == {"runtime": "13.0", "driver": "12.8"}


def test_without_a_driver_its_version_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    found = versions(monkeypatch, runtime=says(0, 13000), driver=says(0, 0))
    assert found == {"runtime": "13.0", "driver": ""}


def test_a_runtime_that_supports_nothing_without_a_driver_means_that_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """CUDA 13 on Windows answers every call so if there is no driver."""
    found = versions(monkeypatch, runtime=says(801), driver=says(801))
    assert found == {"runtime": "", "driver": ""}


def test_a_driver_that_such_a_runtime_does_not_use_is_asked_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """CUDA 13 on Windows answers so as well if the driver is older, and has no part of the runtime in it."""
    runtime = SimpleNamespace(cudaRuntimeGetVersion=says(801), cudaDriverGetVersion=says(801))
    driver = SimpleNamespace(cuDriverGetVersion=says(0, 12080))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: driver if "cuda." in name else runtime)
    assert facts.cuda_versions(OPENED) == {"runtime": "", "driver": "12.8"}


def test_a_driver_that_fails_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = SimpleNamespace(cudaRuntimeGetVersion=says(801), cudaDriverGetVersion=says(801))
    driver = SimpleNamespace(cuDriverGetVersion=says(999))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: driver if "cuda." in name else runtime)
    assert facts.cuda_versions(OPENED) == {"runtime": "", "driver": ""}


def test_another_error_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert versions(monkeypatch, runtime=says(0, 13000), driver=says(999)) is None


def test_without_a_runtime_nothing_is_said() -> None:
    assert facts.cuda_versions(["lib/libcublas.so.13"]) is None
