"""What Vulkan's drivers say of their devices and ggml does not: UUID, name and version. For `_probe.py` only.

The loader is in use by then; if anything is missing, nothing is reported. Source of the structures: the Vulkan
specification, chapters "Initialization" and "Devices and Queues".
"""

from __future__ import annotations

import ctypes
import sys
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

_LIBRARIES = {"win32": "vulkan-1.dll", "darwin": "libvulkan.1.dylib"}
_APPLICATION, _INSTANCE = 0, 1  # VkStructureType
_PROPERTIES, _IDS, _DRIVER, _PCI = 1000059001, 1000071004, 1000196000, 1000212000
_NO_BUS = 0xFFFFFFFF
_VERSION = 1 << 22 | 2 << 12  # 1.2, which ggml asks for as well


_HEAD = (("kind", ctypes.c_uint32), ("next", ctypes.c_void_p))  # every structure begins with these


class _Application(ctypes.Structure):
    _fields_ = (
        *_HEAD,
        ("name", ctypes.c_char_p),
        ("version", ctypes.c_uint32),
        ("engine", ctypes.c_char_p),
        ("engine_version", ctypes.c_uint32),
        ("api", ctypes.c_uint32),
    )


class _Instance(ctypes.Structure):
    _fields_ = (
        *_HEAD,
        ("flags", ctypes.c_uint32),
        ("application", ctypes.POINTER(_Application)),
        ("layer_count", ctypes.c_uint32),
        ("layers", ctypes.c_void_p),
        ("extension_count", ctypes.c_uint32),
        ("extensions", ctypes.c_void_p),
    )


class _Properties(ctypes.Structure):
    _fields_ = (
        *_HEAD,
        ("numbers", ctypes.c_uint32 * 5),
        ("name", ctypes.c_char * 256),
        ("rest", ctypes.c_uint64 * 128),
    )


class _Ids(ctypes.Structure):
    _fields_ = (*_HEAD, ("uuid", ctypes.c_uint8 * 16), ("rest", ctypes.c_uint32 * 8))


class _Driver(ctypes.Structure):
    _fields_ = (
        *_HEAD,
        ("id", ctypes.c_uint32),
        ("name", ctypes.c_char * 256),
        ("version", ctypes.c_char * 256),
        ("rest", ctypes.c_uint8 * 4),
    )


class _Pci(ctypes.Structure):
    _fields_ = (
        ("domain", ctypes.c_uint32),
        ("bus", ctypes.c_uint32),
        ("slot", ctypes.c_uint32),
        ("part", ctypes.c_uint32),
    )


def add_vulkan_facts(devices: Sequence[dict[str, Any]]) -> None:
    """Add `uuid` and `driver` to the devices that Vulkan has: those of their PCI id, else the next of their name."""
    try:
        left = list(_physical_devices(ctypes.CDLL(_LIBRARIES.get(sys.platform, "libvulkan.so.1"))))
    except (OSError, AttributeError, RuntimeError):
        return
    for device in devices:
        same = [each for each in left if (each["pci_id"], each["name"]) == (device["pci_id"], device["description"])]
        if same:
            left.remove(same[0])
            device.update(uuid=same[0]["uuid"], driver=same[0]["driver"])


def _physical_devices(vulkan: Any) -> Iterator[dict[str, Any]]:
    application = _Application(kind=_APPLICATION, api=_VERSION)
    wanted = _Instance(kind=_INSTANCE, application=ctypes.pointer(application))
    instance = ctypes.c_void_p()
    _check(vulkan.vkCreateInstance(ctypes.byref(wanted), None, ctypes.byref(instance)))
    try:
        count = ctypes.c_uint32()
        _check(vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), None))
        handles = (ctypes.c_void_p * count.value)()
        _check(vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), handles))
        yield from (_describe(vulkan, ctypes.c_void_p(handle)) for handle in handles)
    finally:
        vulkan.vkDestroyInstance(instance, None)


def _describe(vulkan: Any, handle: ctypes.c_void_p) -> dict[str, Any]:
    """Return the properties of one device; a driver leaves structures unchanged that it does not know."""
    pci = _Pci(kind=_PCI, domain=_NO_BUS)
    driver = _Driver(kind=_DRIVER, next=ctypes.addressof(pci))
    ids = _Ids(kind=_IDS, next=ctypes.addressof(driver))
    properties = _Properties(kind=_PROPERTIES, next=ctypes.addressof(ids))
    vulkan.vkGetPhysicalDeviceProperties2(handle, ctypes.byref(properties))
    words = [text.decode("utf-8", "replace") for text in (driver.name, driver.version) if text]
    return {
        "name": properties.name.decode("utf-8", "replace"),
        "pci_id": None if pci.domain == _NO_BUS else f"{pci.domain:04x}:{pci.bus:02x}:{pci.slot:02x}.{pci.part:x}",
        "uuid": str(uuid.UUID(bytes=bytes(ids.uuid))) if any(ids.uuid) else None,
        "driver": " ".join(words) or None,
    }


def _check(status: int) -> None:
    if status != 0:
        raise RuntimeError(f"the loader's status is {status}")
