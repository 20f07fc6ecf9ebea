"""What a plug-in is proven on is found, and finished wheels are taken where they are given."""

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
from tools.building.wheels import COSTLY, KITS
from tools.errors import ToolError
from tools.platforms.host import How
from tools.sessions import plugins as trials
from tools.sessions import rocm_and_metal
from tools.sessions.plugins import TRIALS, Trial, compiled_for, found_wheels, taken
from tools.toolkits import cuda, vulkan
from tools.util.venv import Environment
from tools.verification import results
from tools.verification.devices import Ground

LIST = "GPU 0: NVIDIA H100 (UUID: GPU-1)\\n  MIG 1g.10gb Device 0: (UUID: MIG-2)\\nGPU 1: NVIDIA H100 (UUID: GPU-3)"


def quiet(_: str) -> None:
    """Say nothing."""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH, empty."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("LLAMAPACK_CUDA_ARCHS", raising=False)
    return tmp_path


def nvidia_smi(path: Path, said: str, status: int = 0) -> None:
    """Put a stand-in there that answers `-L`."""
    program = path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n[ \"$1\" = -L ] || exit 3\nprintf '{said}\\n'\nexit {status}\n", encoding="utf-8")
    program.chmod(0o755)


needs_shell = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")


@needs_shell
def test_gpus_are_those_that_the_drivers_program_lists(path: Path) -> None:
    assert cuda.gpus() == ()
    nvidia_smi(path, LIST)
    assert cuda.gpus() == ("GPU 0: NVIDIA H100 (UUID: GPU-1)", "GPU 1: NVIDIA H100 (UUID: GPU-3)")
    nvidia_smi(path, "NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.", status=9)
    assert cuda.gpus() == ()


@needs_shell
@pytest.mark.parametrize(
    ("there", "named", "archs"),
    [(True, "", "native"), (False, "", "90-real"), (True, "80-real", "80-real"), (False, "75-virtual", "75-virtual")],
)
def test_it_is_compiled_for_the_gpu_that_is_there(
    path: Path, monkeypatch: pytest.MonkeyPatch, there: bool, named: str, archs: str
) -> None:
    if there:
        nvidia_smi(path, LIST)
    monkeypatch.setenv("LLAMAPACK_CUDA_ARCHS", named)
    monkeypatch.setenv("LLAMAPACK_CACHE_DIR", str(path))  # nothing is installed yet
    asked: list[str] = []
    monkeypatch.setattr(cuda, "cuda_kit", lambda say, variables: asked.append(variables["LLAMAPACK_CUDA_ARCHS"]))
    said: list[str] = []
    ground = cuda.ground((), said.append)
    assert (ground.how, bool(ground.lacking)) == ((How.NATIVE, False) if there else (How.LOADED, True))
    assert said[0].startswith("GPU 0: NVIDIA H100" if there else "no NVIDIA GPU: nvidia-smi")
    assert asked == [], "finished wheels need no compiler"
    assert ground.kit is not None
    ground.kit(quiet)
    assert asked == [archs]


def test_vulkan_runs_on_lavapipe_or_on_the_machines_own_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vulkan, "lavapipe", lambda say: {"VK_DRIVER_FILES": "lvp"})
    ground = vulkan.ground(["-x"], quiet)
    assert (ground.how, ground.by, ground.variables, ground.words) == (
        How.EMULATED,
        "lavapipe",
        {"VK_DRIVER_FILES": "lvp"},
        (),
    )
    own = vulkan.ground(["--device", "-x"], quiet)
    assert (own.how, own.by, own.variables, own.words) == (How.NATIVE, "", {}, ("--device",))


def test_what_a_wheel_is_compiled_for_stands_in_its_description(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
        targets = [{"kind": "real", "name": "80"}, {"kind": "ptx", "name": "90"}]
        archive.writestr("llamapack_cuda/lib/backend.json", json.dumps({"targets": targets}))
    assert compiled_for(tmp_path / "a.whl") == "80, 90 (PTX)"


def test_an_option_is_taken_out_of_the_words_with_its_value() -> None:
    assert taken(["-x", "--wheels", "dir", "-k", "a"], "--wheels") == (["-x", "-k", "a"], "dir")
    assert taken(["-x"], "--wheels") == (["-x"], "")
    with pytest.raises(ToolError, match=r"^--wheels names nothing\.\nSay --wheels DIR\.$"):
        taken(["--wheels"], "--wheels")


OURS = "llamapack-0.1.0-py3-none-manylinux_2_28_x86_64.whl"
PLUGIN = "llamapack_cuda-0.1.0-py3-none-linux_x86_64.whl"
OTHERS = (
    "llamapack-0.1.0-py3-none-manylinux_2_28_aarch64.whl",
    "llamapack-0.1.0-py3-none-win_amd64.whl",
    "llamapack_vulkan-0.1.0-py3-none-linux_x86_64.whl",
    "numpy-2.3.4-cp312-cp312-manylinux_2_28_x86_64.whl",
)


def test_nothing_is_recorded_of_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    session = cast("nox.Session", SimpleNamespace(posargs=["--device", "--record", "-k", "some"], log=quiet))
    ground = Ground(how=How.NATIVE, words=("--device",))
    monkeypatch.setitem(trials.TRIALS, "vulkan", Trial(ground=lambda words, say: ground))
    monkeypatch.setattr(results, "_clean_commit", lambda: "abc")
    with pytest.raises(ToolError, match="--record does not go together with -k some"):
        trials.prove_plugin(session, "vulkan")


@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac records it")
def test_metal_is_not_recorded_where_it_is_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "_clean_commit", lambda: "abc")
    with pytest.raises(ToolError, match="--record is for a Mac"):
        rocm_and_metal.prove_metal(cast("nox.Session", SimpleNamespace(posargs=["--record"], log=quiet)))


def test_wheels_for_this_machine_are_found_among_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "host_target", lambda: "linux-x86_64")
    for name in (OURS, PLUGIN, *OTHERS):
        (tmp_path / name).touch()
    assert [wheel.name for wheel in found_wheels(tmp_path, "cuda")] == [OURS, PLUGIN]


@pytest.mark.parametrize(
    ("names", "there"), [((), "none"), ((OURS, OURS.replace("0.1.0", "0.2.0")), f"{OURS}, llamapack-0.2.0-py3-none-")]
)
def test_none_and_several_wheels_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], there: str
) -> None:
    monkeypatch.setattr(trials, "host_target", lambda: "linux-x86_64")
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(ToolError) as caught:
        found_wheels(tmp_path, "cuda")
    assert caught.value.what.startswith(
        f"{tmp_path} must hold one wheel llamapack-*.whl for linux-x86_64, and holds: {there}"
    )


def test_every_backend_that_is_built_by_its_own_session_has_a_trial() -> None:
    assert set(TRIALS) >= COSTLY
    assert set(TRIALS) <= set(KITS)


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
    monkeypatch.setattr(wheels, "core_wheel", lambda say: tmp_path / "core.whl")
    monkeypatch.setattr(wheels, "host_wheel", lambda backend, say, kit: tmp_path / f"{backend}.whl")
    monkeypatch.setattr(trials, "prepare", lambda session, name, wheel: None)
    monkeypatch.setattr(trials, "ensure_environment", lambda names, folder, wheels, say: Environment(folder=tmp_path))
    return tmp_path


def place(*words: str) -> trials.BenchPlace:
    return trials.bench_place(Session(*words))  # type: ignore[arg-type]  # a stand-in


def test_a_benchmark_of_the_cpu_takes_all_words_as_its_own(parts: Path) -> None:
    assert place() == trials.BenchPlace(python="python", words=())
    assert place("--rounds", "3") == trials.BenchPlace(python="python", words=("--rounds", "3"))


def test_a_benchmark_of_a_plugin_runs_beside_it_on_its_device(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vulkan, "lavapipe", lambda say: {"VK_DRIVER_FILES": "lvp"})
    found = place("vulkan", "--rounds", "3")
    assert found.python == str(Environment(folder=parts).python)
    assert found.words == ("--backend", "vulkan", "--rounds", "3")
    assert found.variables == {"VK_DRIVER_FILES": "lvp", "LLAMAPACK_BACKENDS": "vulkan"}
    assert place("vulkan", "--device").words == ("--backend", "vulkan")


@needs_shell
def test_a_benchmark_without_the_device_is_skipped_with_the_reason(parts: Path, path: Path) -> None:
    with pytest.raises(SkippedError) as caught:
        place("cuda")
    assert str(caught.value) == "nothing can be measured: no NVIDIA GPU: nvidia-smi is not here, or lists none"
