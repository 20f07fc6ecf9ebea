"""What a plug-in is tested on is found: this machine's devices, or what stands in for them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tools.building.wheels import COSTLY, KITS
from tools.platforms.host import Method
from tools.toolkits import cuda
from tools.verification import devices
from tools.verification.devices import (
    FIND_DEVICE,
    RUNTIME_REQUIREMENTS,
    amd_gpus,
    cuda_device,
    nvidia_gpus,
    rocm_device,
    vulkan_device,
)

LIST = "GPU 0: NVIDIA H100 (UUID: GPU-1)\\n  MIG 1g.10gb Device 0: (UUID: MIG-2)\\nGPU 1: NVIDIA H100 (UUID: GPU-3)"


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
    assert nvidia_gpus() == ()
    nvidia_smi(path, LIST)
    assert nvidia_gpus() == ("GPU 0: NVIDIA H100 (UUID: GPU-1)", "GPU 1: NVIDIA H100 (UUID: GPU-3)")
    nvidia_smi(path, "NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.", status=9)
    assert nvidia_gpus() == ()


@needs_shell
@pytest.mark.parametrize(
    ("there", "named", "archs"),
    [(True, "", "native"), (False, "", "90-real"), (True, "80-real", "80-real"), (False, "75-virtual", "75-virtual")],
)
def test_it_is_compiled_for_the_gpu_that_is_there(
    path: Path, monkeypatch: pytest.MonkeyPatch, there: bool, named: str, archs: str, said: list[str]
) -> None:
    if there:
        nvidia_smi(path, LIST)
    monkeypatch.setenv("LLAMAPACK_CUDA_ARCHS", named)
    monkeypatch.setenv("LLAMAPACK_CACHE_DIR", str(path))  # nothing is installed yet
    asked: list[str] = []
    monkeypatch.setattr(cuda, "cuda_kit", lambda variables: asked.append(variables["LLAMAPACK_CUDA_ARCHS"]))
    device = cuda_device(())
    assert (device.how, bool(device.missing)) == ((Method.NATIVE, False) if there else (Method.LOADED, True))
    assert said[0].startswith("GPU 0: NVIDIA H100" if there else "no NVIDIA GPU: nvidia-smi")
    assert asked == [], "finished wheels need no compiler"
    assert device.kit is not None
    device.kit()
    assert asked == [archs]


def test_vulkan_runs_on_lavapipe_or_on_the_machines_own_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "lavapipe_driver", lambda: "lvp")
    device = vulkan_device(["-x"])
    assert (device.how, device.by, device.variables, device.options) == (
        Method.EMULATED,
        "lavapipe",
        {"VK_DRIVER_FILES": "lvp", "VK_ICD_FILENAMES": "lvp", "GGML_VK_VISIBLE_DEVICES": "0"},
        (),
    )
    own = vulkan_device(["--device", "-x"])
    assert (own.how, own.by, own.variables, own.options) == (Method.NATIVE, "", {}, ("--device",))


def test_gpus_are_those_of_the_compute_driver(tmp_path: Path) -> None:
    for number, version in enumerate((0, 90010, 110000, 110000)):
        (tmp_path / str(number)).mkdir()
        text = f"cpu_cores_count 0{os.linesep}gfx_target_version {version}{os.linesep}"
        (tmp_path / str(number) / "properties").write_text(text, encoding="ascii")
    assert amd_gpus(tmp_path) == ("gfx90a", "gfx1100")
    assert amd_gpus(tmp_path / "nothing") == ()


def test_where_rocm_is_reaches_the_tests_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIP_PATH", "rocm-6.4")
    monkeypatch.setenv("HIP_VISIBLE_DEVICES", "1")
    assert rocm_device().variables == {"HIP_PATH": "rocm-6.4", "HIP_VISIBLE_DEVICES": "1"}


def test_every_backend_that_is_built_by_its_own_session_has_a_device() -> None:
    assert set(FIND_DEVICE) >= COSTLY
    assert set(FIND_DEVICE) <= set(KITS)
    assert set(RUNTIME_REQUIREMENTS) <= set(FIND_DEVICE)
