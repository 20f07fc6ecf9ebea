"""Machines as `proc`, `sys` and `dev` trees, as the kernel and the vendors' drivers present them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from llamapack.backends.host.facts import HostFacts, Identity, read_host

Tree = dict[str, str]
NOBODY = Identity(uid=65533, gids=frozenset({65533}))


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A tree, environment variables, and the files under `dev` that only their group may use."""

    tree: Tree
    variables: Mapping[str, str] = field(default_factory=dict)
    of_group: tuple[str, ...] = ()
    system: str = "linux"
    machine: str = "x86_64"


def replay(
    recording: Recording, root: Path, variables: Mapping[str, str] | None = None, *, in_group: bool = False
) -> HostFacts:
    """Write the recording under `root` and read the host's facts from it, as a user in the devices' group or not."""
    for name, text in recording.tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("-> "):
            (path.parent / text[3:]).mkdir(parents=True, exist_ok=True)
            path.symlink_to(text[3:], target_is_directory=True)
            continue
        path.write_text(text + "\n")
        if name.startswith("dev/"):
            path.chmod(0o660 if name in recording.of_group else 0o666)
    gids = {os.getegid(), path.stat().st_gid} if in_group else set()
    return read_host(
        root,
        system=recording.system,
        machine=recording.machine,
        environment={**recording.variables, **(variables or {})},
        identity=Identity(uid=NOBODY.uid, gids=NOBODY.gids | gids),
    )


def pci(pci_id: str, vendor: str, driver: str = "", kind: str = "0x030000") -> Tree:
    folder = f"sys/bus/pci/devices/{pci_id}"
    tree = {f"{folder}/vendor": vendor, f"{folder}/class": kind}
    return tree | ({f"{folder}/driver": f"-> ../../drivers/{driver}"} if driver else {})


def nvidia_gpu(pci_id: str, model: str, uuid: str, minor: int, mig: tuple[str, ...] = ()) -> Tree:
    information = f"""Model: \t\t {model}
IRQ:   \t\t 87
GPU UUID: \t {uuid}
Video BIOS: \t 96.00.30.00.02
Bus Type: \t PCIe
DMA Size: \t 52 bits
Bus Location: \t {pci_id}
Device Minor: \t {minor}
GPU Excluded:\t No"""
    tree = {f"proc/driver/nvidia/gpus/{pci_id}/information": information, f"dev/nvidia{minor}": ""}
    for instance in mig:
        tree[f"proc/driver/nvidia/capabilities/gpu{minor}/mig/{instance}/access"] = "DeviceFileMinor: 30"
    return tree | pci(pci_id, "0x10de", "nvidia", "0x030200")


def nvidia_driver(version: str, library: str | None = None) -> Tree:
    line = f"NVRM version: NVIDIA UNIX x86_64 Kernel Module  {version}  Sun May 12 19:39:15 UTC 2024"
    return {
        "proc/driver/nvidia/version": f"{line}\nGCC version:  gcc version 12.2.0 (Debian 12.2.0-14)",
        "dev/nvidiactl": "",
        f"usr/lib/x86_64-linux-gnu/libcuda.so.{library or version}": "",
        "usr/lib/x86_64-linux-gnu/libcuda.so.1": "",
    }


def kfd_node(number: int, gfx_target_version: int, location_id: int) -> Tree:
    properties = f"cpu_cores_count 0\nsimd_count 192\nvendor_id 4098\ndomain 0\nlocation_id {location_id}"
    name = f"sys/class/kfd/kfd/topology/nodes/{number}/properties"
    return {name: f"{properties}\ngfx_target_version {gfx_target_version}"}


PROCESSOR_NODE = {"sys/class/kfd/kfd/topology/nodes/0/properties": "cpu_cores_count 16\ngfx_target_version 0"}
RADV = {"usr/share/vulkan/icd.d/radeon_icd.x86_64.json": "{}"}
LAVAPIPE = {"usr/share/vulkan/icd.d/lvp_icd.x86_64.json": "{}"}

H100 = "GPU-5b1b6d6e-0a4a-5c3c-8f0a-0123456789ab"
RTX_4090 = "GPU-1c2d3e4f-1111-2222-3333-444455556666"
GTX_1080 = "GPU-9a8b7c6d-9999-8888-7777-666655554444"

EMPTY = Recording(tree={})
NO_DRIVER = Recording(tree=pci("0000:01:00.0", "0x10de"))
NOUVEAU = Recording(tree=pci("0000:01:00.0", "0x10de", "nouveau"))
ONE_NVIDIA = Recording(
    tree=nvidia_driver("580.82.07") | nvidia_gpu("0000:01:00.0", "NVIDIA GeForce RTX 4090", RTX_4090, 0)
)
OLD_DRIVER = Recording(
    tree=nvidia_driver("535.183.01") | nvidia_gpu("0000:01:00.0", "NVIDIA GeForce RTX 4090", RTX_4090, 0)
)
MISMATCH = Recording(
    tree=nvidia_driver("580.82.07", library="580.95.05")
    | nvidia_gpu("0000:01:00.0", "NVIDIA GeForce RTX 4090", RTX_4090, 0)
)
OPEN_MODULE = Recording(
    tree={"proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release"}
)
TWO_NVIDIA = Recording(
    tree=nvidia_driver("580.82.07")
    | nvidia_gpu("0000:01:00.0", "NVIDIA GeForce GTX 1080", GTX_1080, 0)
    | nvidia_gpu("0000:41:00.0", "NVIDIA GeForce RTX 4090", RTX_4090, 1)
)
MIG = Recording(
    tree=nvidia_driver("580.82.07")
    | nvidia_gpu("0000:17:00.0", "NVIDIA H100 80GB HBM3", H100, 0, mig=("gi1/ci0", "gi2/ci0"))
)
DOCKER_WITHOUT_NODES = Recording(
    tree={
        ".dockerenv": "",
        "proc/driver/nvidia/version": nvidia_driver("580.82.07")["proc/driver/nvidia/version"],
        **pci("0000:01:00.0", "0x10de", "nvidia"),
    }
)
AMD = Recording(
    tree=pci("0000:03:00.0", "0x1002", "amdgpu")
    | PROCESSOR_NODE
    | kfd_node(1, 110000, 0x300)
    | RADV
    | {"dev/kfd": "", "dev/dri/renderD128": ""}
)
AMD_GUARDED = Recording(tree=AMD.tree, of_group=("dev/kfd", "dev/dri/renderD128"))
AMD_WITHOUT_KFD = Recording(tree=pci("0000:03:00.0", "0x1002", "amdgpu") | {"run/.containerenv": ""})
AMD_SMALL = Recording(
    tree=pci("0000:0c:00.0", "0x1002", "amdgpu")
    | PROCESSOR_NODE
    | kfd_node(1, 100306, 0xC00)
    | RADV
    | {"dev/kfd": "", "dev/dri/renderD128": ""}
)
WSL_KERNEL = {"proc/sys/kernel/osrelease": "5.15.153.1-microsoft-standard-WSL2"}
WSL = Recording(tree=WSL_KERNEL | {"dev/dxg": "", "usr/lib/wsl/lib/libcuda.so.1": ""})
WSL_1 = Recording(tree={"proc/sys/kernel/osrelease": "4.4.0-19041-Microsoft"})
WSL_WITH_DRIVER = Recording(tree=WSL.tree | {"usr/lib/x86_64-linux-gnu/libcuda.so.535.183.01": ""})
SOFTWARE_ONLY = Recording(tree=LAVAPIPE)
MAC = Recording(tree={}, system="darwin", machine="arm64")
MAC_INTEL = Recording(tree={}, system="darwin", machine="x86_64")
NOWHERE = HostFacts(system="linux")
