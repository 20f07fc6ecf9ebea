"""What a cached outcome depends on: files, drivers, device nodes, permissions, environment, boot, processor.

It is used only while all of this is the same. Reading it is cheap, and opens nothing that belongs to a driver.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from llamapack._native.library import library_dir, library_file_name, read_abi
from llamapack.backends.contract import BackendPlugin
from llamapack.backends.plugins.entry_points import core_version

# Whatever drivers and loaders read: which devices are visible, where libraries and layers are looked for.
PREFIXES = (
    *("CUDA_", "NVIDIA_", "NV_", "HIP_", "ROCR_", "HSA_", "AMD_", "GPU_"),
    *("GGML_", "VK_", "MESA_", "LP_", "LIBGL_", "DRI_", "RADV_", "ANV_", "ZE_", "ZES_", "ONEAPI_", "SYCL_", "MTL_"),
    *("LD_", "DYLD_"),
)
NAMES = ("XDG_DATA_DIRS", "XDG_DATA_HOME", "XDG_CONFIG_DIRS", "XDG_CONFIG_HOME")

_SECRETS = frozenset(("KEY", "KEYS", "APIKEY", "TOKEN", "TOKENS", "SECRET", "SECRETS", "PASSWORD", "CREDENTIALS"))

_DRIVERS = ("proc/driver/nvidia/version", "sys/module/nvidia/version", "sys/module/amdgpu/srcversion")
_NODES = ("dev/nvidia*", "dev/nvidia-caps/*", "dev/dri/*", "dev/kfd", "dev/dxg", "dev/accel/*")
_MANIFESTS = ("usr/share/vulkan/icd.d", "usr/local/share/vulkan/icd.d", "etc/vulkan/icd.d", "usr/lib/wsl/lib")

ASK_PROGRAM = Path(__file__).resolve().with_name("_ask.py")

Key = dict[str, Any]  # as JSON


def backend_key(plugin: BackendPlugin, root: Path = Path("/")) -> Key:
    """Return what the verdict on `plugin` depends on."""
    return {
        **_code_key(),
        "llamapack": core_version(),
        "python": python_name(),
        "plugin": {"name": plugin.name, "package": plugin.package, "version": plugin.version},
        "files": [file_mark(path) for path in (plugin.library, *plugin.preload)],
        "environment": driver_variables(),
        "drivers": {name: _first_line(root / name) for name in _DRIVERS},
        "nodes": [_node_mark(path) for pattern in _NODES for path in sorted(root.glob(pattern))],
        "system": [file_mark(path) for path in _windows_drivers()],
        "manifests": [file_mark(path) for name in _MANIFESTS for path in _entries(root / name)],
        "user": [os.getuid(), sorted(os.getgroups())] if hasattr(os, "getuid") else [],
        "boot": boot_id(root),
    }


def cpu_key(library: Path, root: Path = Path("/")) -> Key:
    """Return what the verdict on a CPU level depends on."""
    return {**_code_key(), "files": [file_mark(library)], "processor": processor(root)}


def python_name() -> str:
    """Return what names this Python and the system it runs on."""
    return f"{sys.implementation.name} {sys.version} {sys.platform} {_machine()}"


def driver_variables() -> dict[str, str]:
    """Return the environment variables that drivers and loaders read, except those that may hold a secret."""
    return {name: value for name, value in sorted(os.environ.items()) if _matters(name)}


def file_mark(path: Path | str) -> list[Any]:
    """Return what changes when the file is replaced or edited."""
    try:
        found = os.stat(path)  # noqa: PTH116  # some dozen names, of which none becomes a Path
    except OSError:
        return [str(path), None]
    return [str(path), found.st_size, found.st_mtime_ns, found.st_ino]


def boot_id(root: Path = Path("/")) -> str:
    """Return what names the time since the machine was started, or an empty string if the system does not tell."""
    return _first_line(root / "proc/sys/kernel/random/boot_id")


def processor(root: Path = Path("/")) -> str:
    """Return what names the processor and what it can do, as far as the system tells."""
    try:
        with (root / "proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            text = file.read(1 << 13)  # one processor's part of the file; the whole is slow to make on large machines
    except OSError:
        return f"{_machine()} {os.environ.get('PROCESSOR_IDENTIFIER', '')}"
    wanted = ("vendor_id", "cpu family", "model", "model name", "stepping", "flags", "features", "cpu part")
    lines = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    return "\n".join(value.strip() for name, _, value in lines if name.strip().lower() in wanted)


def _code_key() -> Key:
    base = library_dir() / library_file_name("ggml-base")
    return {
        "abi": read_abi().abi_id,
        "core": [file_mark(base), file_mark(Path(__file__).with_name("_probe.py"))],
    }


def _machine() -> str:
    return os.uname().machine if hasattr(os, "uname") else os.environ.get("PROCESSOR_ARCHITECTURE", "")


def is_secret(name: str) -> bool:
    """Return whether a variable of this name may hold a secret, as NVIDIA_API_KEY does."""
    return not _SECRETS.isdisjoint(name.upper().split("_"))


def _matters(name: str) -> bool:
    if is_secret(name):
        return False
    return name.startswith(PREFIXES) or name in NAMES or (name == "PATH" and sys.platform == "win32")


def _windows_drivers() -> Iterable[Path]:
    if sys.platform != "win32":
        return ()
    folder = Path(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32")
    return tuple(folder / name for name in ("nvcuda.dll", "amdhip64.dll", "amdhip64_6.dll", "vulkan-1.dll"))


def _node_mark(path: Path) -> list[Any]:
    try:
        found = path.stat()
    except OSError:
        return [str(path), None]
    return [str(path), found.st_mode, found.st_uid, found.st_gid, found.st_rdev]


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
    except OSError:
        return ""


def _entries(folder: Path) -> Iterable[Path]:
    with contextlib.suppress(OSError):
        return sorted(folder.iterdir())
    return ()
