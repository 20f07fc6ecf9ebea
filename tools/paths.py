"""Where things are: the checkout, and the folder for caches outside it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "packages" / "core"
PIN = ROOT / "vendor" / "llama.cpp.toml"
TRACKING = ROOT / "vendor" / "llama.cpp"
SYNCED = CORE / "native" / "llama.cpp"


def package_folder(backend: str) -> Path:
    """The folder of the package that a backend's wheel is built from; `cpu` is the core's."""
    return CORE if backend == "cpu" else ROOT / "packages" / f"backend-{backend}"


def cache_dir() -> Path:
    """The folder for downloads and compiler caches: `LLAMAPACK_CACHE_DIR`, or the system's place for caches."""
    if chosen := os.environ.get("LLAMAPACK_CACHE_DIR"):
        return Path(chosen).expanduser().resolve()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "llamapack"
