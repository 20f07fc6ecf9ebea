"""A plug-in is checked on its device, and a benchmark runs there."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import nox
import pytest

from tools.building import wheels
from tools.building.wheels import compiled_for
from tools.errors import ToolError
from tools.platforms.host import Method
from tools.sessions import plugins
from tools.sessions.plugins import taken
from tools.util.venv import Environment
from tools.verification import devices, results
from tools.verification.devices import Device


def quiet(_: str) -> None:
    """Say nothing."""


def test_what_a_wheel_is_compiled_for_stands_in_its_description(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
        targets = [{"kind": "real", "name": "80"}, {"kind": "ptx", "name": "90"}]
        archive.writestr("llamapack_cuda/lib/backend.json", json.dumps({"targets": targets}))
    assert compiled_for(tmp_path / "a.whl") == "80, 90 (PTX)"


def test_an_option_is_taken_out_of_the_words_with_its_value() -> None:
    assert taken(["-x", "--wheels", "dir", "-k", "a"], "--wheels") == (["-x", "-k", "a"], "dir")
    assert taken(["-x"], "--wheels") == (["-x"], "")
    with pytest.raises(ToolError, match=r"^--wheels has no value\.\nUse --wheels DIR\.$"):
        taken(["--wheels"], "--wheels")


def test_nothing_is_recorded_of_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    session = cast("nox.Session", SimpleNamespace(posargs=["--device", "--record", "-k", "some"], log=quiet))
    device = Device(how=Method.NATIVE, options=("--device",))
    monkeypatch.setitem(devices.FIND_DEVICE, "vulkan", lambda words: device)
    monkeypatch.setattr(results, "_clean_commit", lambda: "abc")
    with pytest.raises(ToolError, match="--record does not go together with -k some"):
        plugins.check_plugin(session, "vulkan")


@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac records it")
def test_metal_is_recorded_only_with_all_its_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "_clean_commit", lambda: "abc")
    with pytest.raises(ToolError, match="--record"):
        plugins.check_metal(cast("nox.Session", SimpleNamespace(posargs=["--record", "-k", "wheel"], log=quiet)))


class SkippedError(Exception):
    """What nox does instead of going on."""


class Session:
    """A Nox session as far as it is asked for."""

    def __init__(self, *posargs: str) -> None:
        """Begin with words of the command line."""
        self.posargs = list(posargs)

    log = staticmethod(quiet)

    def skip(self, reason: str) -> None:
        """End the session with the reason."""
        raise SkippedError(reason)


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Wheels and environments that are there already."""
    monkeypatch.setattr(wheels, "core_wheel", lambda: tmp_path / "core.whl")
    monkeypatch.setattr(wheels, "host_wheel", lambda backend, kit: tmp_path / f"{backend}.whl")
    monkeypatch.setattr(plugins, "prepare", lambda session, name, wheel: None)
    monkeypatch.setattr(plugins, "ensure_environment", lambda names, folder, wheels: Environment(folder=tmp_path))
    return tmp_path


def place(*words: str) -> plugins.BenchEnvironment:
    return plugins.bench_environment(Session(*words))  # type: ignore[arg-type]  # a stand-in


def test_a_benchmark_of_the_cpu_takes_all_words_as_its_own(parts: Path) -> None:
    assert place() == plugins.BenchEnvironment(python="python", arguments=())
    assert place("--rounds", "3") == plugins.BenchEnvironment(python="python", arguments=("--rounds", "3"))


def test_a_benchmark_of_a_plugin_runs_beside_it_on_its_device(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "lavapipe_driver", lambda: "lvp")
    found = place("vulkan", "--rounds", "3")
    assert found.python == str(Environment(folder=parts).python)
    assert found.arguments == ("--backend", "vulkan", "--rounds", "3")
    assert found.variables == {**devices.lavapipe_variables("lvp"), "LLAMAPACK_BACKENDS": "vulkan"}
    assert place("vulkan", "--device").arguments == ("--backend", "vulkan")


def test_a_benchmark_without_the_device_is_skipped_with_the_reason(
    parts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(parts))
    with pytest.raises(SkippedError) as caught:
        place("cuda")
    assert str(caught.value) == "nothing can be measured: no NVIDIA GPU: nvidia-smi is not here, or lists none"
