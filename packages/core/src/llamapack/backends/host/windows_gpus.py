"""The GPUs that Windows lists on the PCI bus, whether or not they have a driver.

Source: Microsoft's documentation of SetupAPI, and "Identifiers for PCI Devices".
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from llamapack.backends.host.gpus import HostGpu

_VENDORS = {"10DE": "nvidia", "1002": "amd", "8086": "intel"}
_DRIVERS = {"nvlddmkm": "nvidia"}
"""Services that drive a GPU, by the names that the same drivers have on Linux."""
_VENDOR = re.compile(r"PCI\\VEN_([0-9A-F]{4})&", re.IGNORECASE)
_KIND = re.compile(r"&CC_([0-9A-F]{2})", re.IGNORECASE)
_PRESENT, _ALL_CLASSES = 2, 4  # DIGCF_…
_NAME, _HARDWARE, _SERVICE, _CLASS, _BUS, _ADDRESS = 0x00, 0x01, 0x04, 0x07, 0x15, 0x1C  # SPDRP_…
_NONE = ctypes.c_void_p(-1).value


@dataclass(frozen=True, kw_only=True)
class PciDevice:
    """A device that is there, with what Windows knows of it."""

    hardware: tuple[str, ...]  # such as PCI\VEN_10DE&DEV_2684&CC_030000
    name: str = ""
    service: str = ""  # the driver's
    kind: str = ""  # the class of its driver, such as Display
    bus: int | None = None  # with the number of the segment in the upper bits
    address: int | None = None  # the device's number in the upper 16 bits, the function's in the lower ones


def list_windows_gpus() -> tuple[HostGpu, ...] | None:
    """List the GPUs in the order of their PCI ids; None if the system does not tell."""
    try:
        return gpus_among(list(_present()))
    except (OSError, AttributeError):
        return None


def gpus_among(devices: Iterable[PciDevice]) -> tuple[HostGpu, ...]:
    """Return those of `devices` that are GPUs; `pci_id` is empty where Windows does not tell it."""
    return tuple(sorted((_gpu(device) for device in devices if _is_gpu(device)), key=lambda gpu: gpu.pci_id))


def _gpu(device: PciDevice) -> HostGpu:
    return HostGpu(
        pci_id=_pci_id(device),
        vendor=_vendor(device),
        driver=_DRIVERS.get(device.service.lower(), device.service),
        name=device.name,
    )


def _is_gpu(device: PciDevice) -> bool:
    """Without a driver a device may have no class, but its ids say what it is: 03 is a display, 12 an accelerator."""
    kinds = {found[1] for text in device.hardware if (found := _KIND.search(text))}
    return device.kind == "Display" or "03" in kinds or ("12" in kinds and _vendor(device) == "amd")


def _vendor(device: PciDevice) -> str:
    found = next((found[1] for text in device.hardware if (found := _VENDOR.match(text))), "")
    return _VENDORS.get(found.upper(), "other")


def _pci_id(device: PciDevice) -> str:
    if device.bus is None or device.address is None:
        return ""
    place = f"{device.bus >> 8:04x}:{device.bus & 0xFF:02x}"
    return f"{place}:{device.address >> 16 & 0x1F:02x}.{device.address & 7}"


class _Info(ctypes.Structure):
    """SP_DEVINFO_DATA."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("of_class", ctypes.c_byte * 16),
        ("instance", ctypes.c_uint32),
        ("reserved", ctypes.c_void_p),
    )


def _present() -> Iterator[PciDevice]:
    setup: Any = getattr(ctypes, "WinDLL")("setupapi")  # noqa: B009  # unknown to checkers elsewhere
    setup.SetupDiGetClassDevsW.restype = ctypes.c_void_p
    setup.SetupDiGetClassDevsW.argtypes = (ctypes.c_void_p, ctypes.c_wchar_p, ctypes.c_void_p, ctypes.c_uint32)
    setup.SetupDiEnumDeviceInfo.argtypes = (ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p)
    setup.SetupDiDestroyDeviceInfoList.argtypes = (ctypes.c_void_p,)
    listed = setup.SetupDiGetClassDevsW(None, "PCI", None, _PRESENT | _ALL_CLASSES)
    if listed in (None, _NONE):
        raise OSError("SetupAPI lists no devices")
    try:
        info, index = _Info(size=ctypes.sizeof(_Info)), 0
        while setup.SetupDiEnumDeviceInfo(listed, index, ctypes.byref(info)):
            yield _described(setup, listed, info)
            index += 1
    finally:
        setup.SetupDiDestroyDeviceInfoList(listed)


def _described(setup: Any, listed: int, info: _Info) -> PciDevice:
    def text(which: int) -> str:
        return _property(setup, listed, info, which).decode("utf-16-le", "replace").rstrip("\0")

    def number(which: int) -> int | None:
        found = _property(setup, listed, info, which)
        return int.from_bytes(found, "little") if len(found) == 4 else None

    return PciDevice(
        hardware=tuple(text(_HARDWARE).split("\0")),
        name=text(_NAME),
        service=text(_SERVICE),
        kind=text(_CLASS),
        bus=number(_BUS),
        address=number(_ADDRESS),
    )


def _property(setup: Any, listed: int, info: _Info, which: int) -> bytes:
    """Return a property of the device; empty if it has none such."""
    content, size = ctypes.create_string_buffer(8192), ctypes.c_uint32()
    ask = setup.SetupDiGetDeviceRegistryPropertyW
    ask.argtypes = (*(ctypes.c_void_p,) * 2, ctypes.c_uint32, *(ctypes.c_void_p,) * 2, ctypes.c_uint32, ctypes.c_void_p)
    found = ask(listed, ctypes.byref(info), which, None, content, len(content), ctypes.byref(size))
    return content.raw[: size.value] if found else b""
