"""The GPUs that the kernel lists: on the PCI bus, at NVIDIA's driver, and at AMD's compute driver (KFD)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from llamapack.backends.host.architectures import spell_gfx

_VENDORS = {"0x10de": "nvidia", "0x1002": "amd", "0x8086": "intel"}
_NVIDIA = "proc/driver/nvidia"
_TOPOLOGY = "sys/class/kfd/kfd/topology/nodes"


@dataclass(frozen=True, kw_only=True)
class HostGpu:
    """A GPU as the kernel knows it."""

    pci_id: str  # 0000:c1:00.0, as ggml spells it
    vendor: str  # nvidia, amd, intel or other
    driver: str = ""  # the kernel module that drives it
    name: str = ""
    uuid: str = ""  # GPU-…, of NVIDIA's driver
    gfx: str = ""  # of AMD's driver, before any override
    kfd_node: int | None = None  # the number that HSA_OVERRIDE_GFX_VERSION_N means
    mig: tuple[str, ...] = ()  # its MIG instances, such as gi1/ci0


def list_gpus(root: Path) -> tuple[HostGpu, ...]:
    """List the GPUs in the order of their PCI ids."""
    found = {gpu.pci_id: gpu for gpu in _on_the_bus(root)}
    _add_nvidia(root, found)
    _add_amd(root, found)
    return tuple(found[pci_id] for pci_id in sorted(found))


def read_text(path: Path) -> str:
    """Return the content of the file; empty if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _on_the_bus(root: Path) -> list[HostGpu]:
    found = []
    for folder in sorted((root / "sys/bus/pci/devices").glob("*")):
        vendor = _VENDORS.get(read_text(folder / "vendor"), "other")
        kind = read_text(folder / "class")
        if not kind.startswith("0x03") and not (vendor == "amd" and kind.startswith("0x12")):
            continue  # 0x03: displays; 0x12: processing accelerators, as AMD's Instinct
        driver = (folder / "driver").resolve().name if (folder / "driver").exists() else ""
        found.append(HostGpu(pci_id=folder.name.lower(), vendor=vendor, driver=driver))
    return found


def _add_nvidia(root: Path, found: dict[str, HostGpu]) -> None:
    """Add names and UUIDs of `gpus/<PCI id>/information`, and MIG instances of `capabilities/gpu<minor>`."""
    for folder in sorted((root / _NVIDIA / "gpus").glob("*")):
        facts = _fields(read_text(folder / "information"))
        pci_id = (facts.get("Bus Location") or folder.name).lower()
        gpu = found.get(pci_id, HostGpu(pci_id=pci_id, vendor="nvidia", driver="nvidia"))
        minor = facts.get("Device Minor", "")
        uuid = facts.get("GPU UUID", "")
        found[pci_id] = replace(
            gpu,
            name=facts.get("Model", ""),
            uuid=uuid if "?" not in uuid else "",  # question marks until the GPU was first used
            mig=_mig_instances(root / _NVIDIA / "capabilities" / f"gpu{minor}" / "mig") if minor else (),
        )


def _mig_instances(folder: Path) -> tuple[str, ...]:
    return tuple(path.relative_to(folder).as_posix() for path in sorted(folder.glob("gi*/ci*")))


def _add_amd(root: Path, found: dict[str, HostGpu]) -> None:
    for folder in sorted((root / _TOPOLOGY).glob("*")):
        facts = _numbers(read_text(folder / "properties"))
        version = facts.get("gfx_target_version", 0)
        if not version or not folder.name.isdigit():
            continue  # a processor, or a GPU that this container was not given
        pci_id = _pci_id(facts.get("domain", 0), facts.get("location_id", 0))
        gpu = found.get(pci_id, HostGpu(pci_id=pci_id, vendor="amd", driver="amdgpu"))
        gfx = spell_gfx((version // 10000, version // 100 % 100, version % 100))
        found[pci_id] = replace(gpu, gfx=gfx, kfd_node=int(folder.name))


def _pci_id(domain: int, location: int) -> str:
    return f"{domain:04x}:{location >> 8 & 0xFF:02x}:{location >> 3 & 0x1F:02x}.{location & 7}"


def _fields(text: str) -> Mapping[str, str]:
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _numbers(text: str) -> Mapping[str, int]:
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}
