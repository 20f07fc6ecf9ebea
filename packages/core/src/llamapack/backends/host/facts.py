"""What the operating system tells about GPUs, drivers and permissions; no library is loaded.

Sources, on Linux: `/proc/driver/nvidia`, `/sys/bus/pci`, the KFD's topology (`/sys/class/kfd`), `/dev`, the folders of
libraries, and of Vulkan's drivers. All of it is read below a root folder, so that tests can use recorded trees. On
Windows, GPUs alone are listed.
"""

from __future__ import annotations

import os
import platform
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from llamapack.backends.host.gpus import HostGpu, list_gpus, read_text
from llamapack.backends.versions import parse_version

_LIBRARY_FOLDERS = (
    "usr/lib/x86_64-linux-gnu",
    "usr/lib/aarch64-linux-gnu",
    "usr/lib64",
    "usr/lib",
    "usr/local/nvidia/lib64",
    "usr/lib/wsl/lib",
    "run/opengl-driver/lib",
)
_VULKAN_FOLDERS = ("etc/vulkan/icd.d", "usr/share/vulkan/icd.d", "usr/local/share/vulkan/icd.d")


@dataclass(frozen=True, kw_only=True)
class Node:
    """A device file, and whether this process may read and write it."""

    path: str
    allowed: bool
    group: str = ""  # the one that may, by name or number


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who this process is to the file system."""

    uid: int
    gids: frozenset[int]


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """What is known of the machine, to choose backends and to explain the choice."""

    system: str  # linux, darwin or win32
    machine: str = ""
    container: str = ""  # docker, podman, kubernetes, lxc ... or empty
    wsl: bool = False
    gpus: tuple[HostGpu, ...] = ()
    gpus_are_known: bool = False  # whether the system was asked and has listed them
    nvidia_driver: str | None = None  # the kernel module's version
    cuda_library: str | None = None  # the version of libcuda; empty if it is there without one
    nvidia_nodes: tuple[Node, ...] = ()
    kfd: Node | None = None
    render_nodes: tuple[Node, ...] = ()
    dxg: Node | None = None
    vulkan_drivers: tuple[str, ...] = ()
    rocm_kernels: frozenset[str] | None = None  # gfx names that rocBLAS has kernels for; None if it is not in use
    variables: Mapping[str, str] = field(default_factory=dict)  # those that hide devices or change them

    def of_vendor(self, vendor: str) -> tuple[HostGpu, ...]:
        """Return the GPUs of a vendor: nvidia, amd, intel or other."""
        return tuple(gpu for gpu in self.gpus if gpu.vendor == vendor)


def current_identity() -> Identity:
    """Return whose rights this process has."""
    if sys.platform == "win32":
        return Identity(uid=0, gids=frozenset())
    return Identity(uid=os.geteuid(), gids=frozenset({os.getegid(), *os.getgroups()}))


def read_host(
    root: Path = Path("/"),
    *,
    system: str = sys.platform,
    machine: str = "",
    environment: Mapping[str, str] = os.environ,
    identity: Identity | None = None,
) -> HostFacts:
    """Read the facts below `root`."""
    variables = {name: value for name, value in environment.items() if _matters(name)}
    if system == "win32":
        return _windows(machine or platform.machine(), variables)
    if system != "linux":
        return HostFacts(system=system, machine=machine or platform.machine(), variables=variables)
    who = identity or current_identity()
    return HostFacts(
        system=system,
        machine=machine or platform.machine(),
        container=_container(root, environment),
        wsl="microsoft" in read_text(root / "proc/sys/kernel/osrelease").lower(),
        gpus=list_gpus(root),
        gpus_are_known=True,
        nvidia_driver=_nvidia_driver(root),
        cuda_library=_cuda_library(root, environment),
        nvidia_nodes=_nodes(root, "nvidia[0-9]*", who) + _nodes(root, "nvidiactl", who),
        kfd=next(iter(_nodes(root, "kfd", who)), None),
        render_nodes=_nodes(root, "dri/renderD*", who),
        dxg=next(iter(_nodes(root, "dxg", who)), None),
        vulkan_drivers=_vulkan_drivers(root, environment),
        variables=variables,
    )


def _windows(machine: str, variables: Mapping[str, str]) -> HostFacts:
    from llamapack.backends.host.windows_gpus import list_windows_gpus  # needed there only

    gpus = list_windows_gpus()
    known = gpus is not None
    return HostFacts(system="win32", machine=machine, gpus=gpus or (), gpus_are_known=known, variables=variables)


def _matters(name: str) -> bool:
    return name.endswith("_VISIBLE_DEVICES") or name.startswith("HSA_OVERRIDE_GFX_VERSION") or name in _ORDERS


_ORDERS = ("CUDA_DEVICE_ORDER", "GPU_DEVICE_ORDINAL")


def _container(root: Path, environment: Mapping[str, str]) -> str:
    if "KUBERNETES_SERVICE_HOST" in environment:
        return "kubernetes"
    if (root / "run/.containerenv").exists():
        return "podman"
    if (root / ".dockerenv").exists():
        return "docker"
    return environment.get("container", "")


def _nvidia_driver(root: Path) -> str | None:
    """Find the version in a line such as `NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May ...`."""
    line = read_text(root / "proc/driver/nvidia/version").partition("\n")[0]
    words = [word for word in line.split() if word[0].isdigit() and "." in word and parse_version(word)]
    return words[0] if words else None


def _cuda_library(root: Path, environment: Mapping[str, str]) -> str | None:
    """Return the version of libcuda, from its file name; empty if that has none, as in WSL; None if it is not there."""
    named = [Path(folder.lstrip("/")) for folder in environment.get("LD_LIBRARY_PATH", "").split(":") if folder]
    unnumbered = None
    for folder in [*named, *map(Path, _LIBRARY_FOLDERS)]:
        for path in sorted((root / folder).glob("libcuda.so*")):
            version = path.name.removeprefix("libcuda.so").lstrip(".")
            if "." in version:
                return version
            unnumbered = ""
    return unnumbered


def _nodes(root: Path, pattern: str, who: Identity) -> tuple[Node, ...]:
    found = []
    for path in sorted((root / "dev").glob(pattern)):
        try:
            status = path.stat()
        except OSError:
            continue
        name = f"/{path.relative_to(root).as_posix()}"
        found.append(Node(path=name, allowed=may_use(status, who), group=_group(status.st_gid)))
    return tuple(found)


def may_use(status: os.stat_result, who: Identity) -> bool:
    """Return whether `who` may read and write a file, going by its mode."""
    if who.uid == 0:
        return True
    if who.uid == status.st_uid:
        need = stat.S_IRUSR | stat.S_IWUSR
    elif status.st_gid in who.gids:
        need = stat.S_IRGRP | stat.S_IWGRP
    else:
        need = stat.S_IROTH | stat.S_IWOTH
    return status.st_mode & need == need


def _group(number: int) -> str:
    if sys.platform == "win32":
        return ""
    import grp

    try:
        return grp.getgrgid(number).gr_name
    except KeyError:  # in a container the group of the host has no name
        return str(number)


def _vulkan_drivers(root: Path, environment: Mapping[str, str]) -> tuple[str, ...]:
    for variable in ("VK_DRIVER_FILES", "VK_ICD_FILENAMES"):
        if environment.get(variable):
            return tuple(Path(name).name for name in environment[variable].split(":") if name)
    return tuple(path.name for folder in _VULKAN_FOLDERS for path in sorted((root / folder).glob("*.json")))
