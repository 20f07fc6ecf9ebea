"""The devices to test a plug-in on: those of this machine, or software that acts as one."""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tools.errors import UnavailableError
from tools.matrix import Cell, host_target
from tools.paths import BUILD
from tools.platforms import apt
from tools.platforms.host import Method
from tools.toolkits import cuda
from tools.toolkits.toolkit import Kit
from tools.util.cmd import run
from tools.util.inherited import DEVICES, named

log = logging.getLogger(f"llamapack.{__name__}")

LAVAPIPE_PACKAGES = ("libvulkan1", "mesa-vulkan-drivers")
VULKAN_DRIVERS = Path("/usr/share/vulkan/icd.d")
OWN_DEVICE = "--device"
AMD_TOPOLOGY = Path("/sys/class/kfd/kfd/topology/nodes")
NO_NVIDIA_GPU = "no NVIDIA GPU: nvidia-smi is not here, or lists none"
WITHOUT_GPU: Mapping[str, str] = {"cuda": "90-real", "rocm": "gfx90a,gfx1100"}
"""The architectures to compile for if there is no GPU: one, and one of each of AMD's two families. It takes an hour."""

_GFX_VERSION = re.compile(r"^gfx_target_version (\d+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Device:
    """A device to test a plug-in on."""

    how: Method
    by: str = ""
    """The software that acts as the device; empty for a real one."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables that make the plug-in use it."""
    missing: str = ""
    """Why there is no device to run on; empty if there is one."""
    kit: Callable[[], Kit] | None = None
    """What the wheel is compiled with, if that depends on the device."""
    options: tuple[str, ...] = ()
    """The session's options that chose it."""
    packaging: Mapping[str, str] = field(default_factory=dict)
    """Environment variables for the tests that inspect the wheel."""


def vulkan_device(arguments: Sequence[str] = ()) -> Device:
    """Return lavapipe, or with `--device` this machine's own Vulkan devices."""
    if OWN_DEVICE in arguments:
        return Device(how=Method.NATIVE, options=(OWN_DEVICE,), variables=named(DEVICES))
    return Device(how=Method.EMULATED, by="lavapipe", variables=lavapipe_variables(lavapipe_driver()))


def cuda_device(arguments: Sequence[str] = ()) -> Device:
    """Return this machine's GPUs, and a kit that compiles only for them; without a GPU, nothing is run."""
    found = nvidia_gpus()
    log.info("\n".join(found) if found else NO_NVIDIA_GPU)
    archs = os.environ.get(cuda.VARIABLE) or ("native" if found else WITHOUT_GPU["cuda"])
    return Device(
        how=Method.NATIVE if found else Method.LOADED,
        missing="" if found else NO_NVIDIA_GPU,
        variables=named(DEVICES),
        kit=partial(cuda.cuda_kit, variables={**os.environ, cuda.VARIABLE: archs}),
        packaging={
            "LLAMAPACK_TEST_BUILD": str(BUILD / Cell(backend="cuda", target=host_target()).id),
            "LLAMAPACK_TEST_TOOLKIT": str(cuda.toolkit_environment().folder),
        },
    )


def rocm_device(arguments: Sequence[str] = ()) -> Device:
    """Return this machine's AMD GPUs; the plug-in looks for ROCm in the folder that HIP_PATH names, too."""
    variables = named((*DEVICES, "HIP_PATH"))
    return Device(how=Method.NATIVE, missing="" if amd_gpus() else "no AMD GPU", variables=variables)


def metal_device(arguments: Sequence[str] = ()) -> Device:
    """Return this Mac's GPU; only called on a Mac."""
    return Device(how=Method.NATIVE)


FIND_DEVICE: Mapping[str, Callable[[Sequence[str]], Device]] = {
    "vulkan": vulkan_device,
    "cuda": cuda_device,
    "rocm": rocm_device,
    "metal": metal_device,
}
"""The function that finds the device of each plug-in; it is given the session's arguments."""
RUNTIME_REQUIREMENTS: Mapping[str, str] = {"cuda": "cuda-runtime"}
"""The requirement file of what a plug-in needs when it runs, for those that need one."""


def lavapipe_driver() -> str:
    """Return the file that describes Mesa's lavapipe, a Vulkan device on the CPU; it is installed if it is missing."""
    if sys.platform == "linux" and apt.is_here():
        apt.require(LAVAPIPE_PACKAGES, purpose="running Vulkan on the CPU")
    drivers = sorted(VULKAN_DRIVERS.glob("lvp_icd.*json"))
    if not drivers:
        raise UnavailableError(
            "Mesa's lavapipe, a Vulkan device on the CPU, was not found.",
            why=f"There is no lvp_icd.*.json in {VULKAN_DRIVERS}.",
            fix="Install it (Debian: mesa-vulkan-drivers), or test a real device: nox -s test-vulkan -- --device",
        )
    return str(drivers[0])


def lavapipe_variables(driver: str) -> dict[str, str]:
    """Return variables that make `driver` the only one of Vulkan, and make ggml use its device."""
    return {"VK_DRIVER_FILES": driver, "VK_ICD_FILENAMES": driver, "GGML_VK_VISIBLE_DEVICES": "0"}


def nvidia_gpus() -> tuple[str, ...]:
    """Return the names of this machine's NVIDIA GPUs according to nvidia-smi; empty without a driver."""
    program = shutil.which("nvidia-smi")
    said = run([program, "-L"], check=False).stdout if program else ""
    return tuple(line.strip() for line in said.splitlines() if line.startswith("GPU "))


def amd_gpus(topology: Path = AMD_TOPOLOGY) -> tuple[str, ...]:
    """Return the gfx names of this machine's AMD GPUs, without repetitions; empty if Linux lists none."""
    found = []
    for file in sorted(topology.glob("*/properties")):
        version = int(next(iter(_GFX_VERSION.findall(file.read_text(encoding="ascii"))), "0"))
        found.append(f"gfx{version // 10000}{version // 100 % 100:x}{version % 100:x}" if version else "")
    return tuple(dict.fromkeys(name for name in found if name))
