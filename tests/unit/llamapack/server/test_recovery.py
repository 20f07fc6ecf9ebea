"""What kind of fault an error is, and what is changed after it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from llamapack.backends.cpu import CpuChoice, CpuLevel
from llamapack.backends.selection.decisions import BackendDecision, Choice, DeviceDecision
from llamapack.errors import (
    InputError,
    InstallationError,
    LlamapackError,
    ModelFormatError,
    ModelMemoryError,
    ModelNotFoundError,
    RunnerError,
)
from llamapack.runner.configuration import Wanted
from llamapack.server.runners import recovery
from llamapack.server.runners.recovery import FaultKind, Recovery, kind_of
from llamapack.server.settings import ModelSettings

LEVELS = [
    CpuLevel(name=name, path=Path(name), features=(), score=score) for name, score in (("a", 1), ("b", 4), ("c", 9))
]


def ended(status: int | None, *log: str) -> RunnerError:
    return RunnerError("It ended.", status=status, log=log)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ModelMemoryError("x"), "memory"),
        (ModelNotFoundError("x"), "file"),
        (ModelFormatError("x"), "file"),
        (InputError("x"), "options"),
        (InstallationError("x"), "other"),
        (ended(-signal.SIGSEGV), "crash"),
        (ended(-signal.SIGABRT, "CUDA error: out of memory"), "memory"),
        (ended(-signal.SIGABRT, "GGML_ASSERT(n > 0) failed"), "crash"),
        (ended(-signal.SIGKILL), "killed"),
        (ended(-signal.SIGTERM), "killed"),
        (ended(-signal.SIGILL), "instruction"),
        (ended(0xC000001D), "instruction"),
        (ended(-1073741795), "instruction"),  # the same, as Python gives it on Windows
        (ended(0xC0000005), "crash"),
        (ended(0xC0000135), "library"),
        (ended(127, "llamapack-runner: error while loading shared libraries: libllama.so"), "library"),
        (ended(1), "crash"),
        (ended(None), "other"),
    ],
)
def test_kinds_of_faults(error: LlamapackError, kind: str) -> None:
    assert kind_of(error) == kind
    assert kind_of(error, hung=True) == "hang"


def used(*backends: str, level: CpuLevel = LEVELS[2], asked: bool = False) -> Wanted:
    devices = tuple(DeviceDecision(backend=name, name=f"{name}0", used=True, reason="") for name in backends)
    decisions = tuple(BackendDecision(name=name, package="", loaded=True, reason="") for name in backends)
    return Wanted(
        path=Path("m.gguf"),
        cpu=CpuChoice(level=level, reason="", asked=asked),
        choice=Choice(backends=decisions, devices=devices),
        options={},
        libraries=(),
        preload=(),
        folder=None,
        media_mark="",
    )


def recovery_of(**settings: Any) -> Recovery:
    return Recovery(ModelSettings(path=Path("m.gguf"), name="m", **settings))


def test_a_backend_that_fails_twice_is_left_out() -> None:
    found = recovery_of(hardware={"backends": None, "devices": ["cuda0"]})
    assert found.after("crash", used("cuda", "vulkan")) == "same"
    assert found.notes == []
    assert found.after("hang", used("cuda", "vulkan")) == "changed"
    assert found.hardware == {"backends": ["vulkan"], "devices": None}
    assert found.after("crash", used("vulkan")) == "same"
    assert found.after("library", used("vulkan")) == "changed"
    assert found.hardware["backends"] == "cpu"
    assert found.notes == [
        "The backend cuda failed 2 times in a row, so it is left out, and vulkan is used.",
        "The backend vulkan failed 2 times in a row, so it is left out, and the CPU alone is used.",
    ]
    assert found.after("crash", used()) == "futile"


def test_one_that_was_well_in_between_is_not() -> None:
    found = recovery_of()
    for _ in range(5):
        assert found.after("crash", used("cuda")) == "same"
        found.forget()
    assert found.hardware == {}


def test_without_a_gpu_nothing_else_is_taken_where_one_is_required() -> None:
    found = recovery_of(hardware={"require_gpu": True})
    assert found.after("crash", used("cuda")) == "same"
    assert found.after("crash", used("cuda")) == "futile"
    assert found.hardware == {"require_gpu": True}


def test_a_lower_cpu_level_after_wrong_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "cpu_levels", lambda: LEVELS)
    found = recovery_of()
    assert found.after("instruction", used()) == "same"
    assert found.after("instruction", used()) == "changed"
    assert found.hardware == {"cpu_level": "b"}
    assert found.after("instruction", used(level=LEVELS[0])) == "same"
    assert found.after("instruction", used(level=LEVELS[0])) == "futile"
    assert recovery_of().after("instruction", used(asked=True)) == "futile"  # the level was asked for


def test_steps_to_less_memory() -> None:
    found = recovery_of(options={"ctx_size": 9, "mlock": True}, on_out_of_memory=({"ctx_size": 4}, {"gpu_layers": 1}))
    assert found.after("memory", used()) == "changed"
    assert found.options == {"ctx_size": 4, "mlock": True}
    assert found.after("killed", used()) == "changed"  # by the system, which does not say why
    assert found.options == {"ctx_size": 4, "mlock": True, "gpu_layers": 1}
    assert found.after("memory", used()) == "futile"
    assert found.notes[0] == "It ran out of memory, and is loaded with ctx_size=4."


@pytest.mark.parametrize("kind", ["file", "options", "killed", "other", "memory"])
def test_other_faults_change_nothing(kind: FaultKind) -> None:
    found = recovery_of()
    assert found.after(kind, used("cuda")) == "futile"
    assert found.after("crash", None) == "futile"
    assert (found.options, found.hardware, found.notes) == ({}, {}, [])
