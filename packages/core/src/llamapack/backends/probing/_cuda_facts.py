"""What NVIDIA's driver and runtime say and ggml does not: versions, UUIDs, compute capabilities. For `_probe.py` only.

Both are in use by then, so asking them costs nothing; if anything is missing, nothing is reported.
"""

from __future__ import annotations

import ctypes
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_…
_NOT_SUPPORTED = 801  # cudaErrorNotSupported


def cuda_facts() -> dict[str, dict[str, str]]:
    """Return `uuid` and `capability` of each device by its PCI id, in small letters."""
    try:
        driver = _driver()
        if driver.cuInit(0) != 0:
            return {}
        count = _number(driver.cuDeviceGetCount)
        return dict(_describe(driver, _number(driver.cuDeviceGet, index)) for index in range(count))
    except (OSError, AttributeError, RuntimeError):
        return {}


def cuda_versions(opened: Sequence[str]) -> dict[str, str] | None:
    """Return which CUDA the runtime among the `opened` libraries is of, and which one the driver serves.

    `driver` is empty if there is no driver. `runtime` is empty if it does not say: CUDA 13's for Windows is a shell
    around the driver, and answers everything with an error if that is not there, or older and without its own part of
    the runtime. Then the driver itself is asked. Returns None if there is no such runtime.
    """
    runtime = next((path for path in opened if "cudart" in Path(path).name), None)
    try:
        library = ctypes.CDLL(runtime) if runtime else None
        ask = {"runtime": library.cudaRuntimeGetVersion, "driver": library.cudaDriverGetVersion} if library else {}
        found = {name: _version_text(function) for name, function in ask.items()}
        return {**found, "driver": found["driver"] or _version_of_driver()} if found else None
    except (OSError, AttributeError, RuntimeError):
        return None


def _driver() -> Any:
    return ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")


def _version_of_driver() -> str:
    try:
        return _version_text(_driver().cuDriverGetVersion)
    except (OSError, AttributeError, RuntimeError):
        return ""


def _version_text(function: Any) -> str:
    value = ctypes.c_int()
    status = function(ctypes.byref(value))
    if status == _NOT_SUPPORTED:
        return ""
    _check(status)
    number = value.value
    return f"{number // 1000}.{number % 1000 // 10}" if number else ""


def _describe(driver: Any, device: int) -> tuple[str, dict[str, str]]:
    pci_id = ctypes.create_string_buffer(32)
    _check(driver.cuDeviceGetPCIBusId(pci_id, len(pci_id), device))
    name = ctypes.create_string_buffer(16)
    ask = getattr(driver, "cuDeviceGetUuid_v2", None) or driver.cuDeviceGetUuid
    _check(ask(name, device))
    major, minor = (_number(driver.cuDeviceGetAttribute, kind, device) for kind in (_MAJOR, _MINOR))
    return pci_id.value.decode().lower(), {"uuid": f"GPU-{uuid.UUID(bytes=name.raw)}", "capability": f"{major}.{minor}"}


def _number(function: Any, *arguments: int) -> int:
    value = ctypes.c_int()
    _check(function(ctypes.byref(value), *arguments))
    return value.value


def _check(status: int) -> None:
    if status != 0:
        raise RuntimeError(f"the driver's status is {status}")
