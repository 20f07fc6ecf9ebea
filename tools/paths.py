"""Where things are: every place in a checkout, and the folder for caches outside it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """The places in a checkout of this project: the one around this file, or a small one that a test makes."""

    root: Path = ROOT

    @property
    def core(self) -> Path:
        """The core package."""
        return self.root / "packages" / "core"

    @property
    def pin_file(self) -> Path:
        """The pin: which llama.cpp, exactly."""
        return self.root / "vendor" / "llama.cpp.toml"

    @property
    def filter_file(self) -> Path:
        """The filter: which of llama.cpp's files each package takes."""
        return self.root / "vendor" / "sync.toml"

    @property
    def tracking(self) -> Path:
        """The tracking repository: llama.cpp with our patches as commits."""
        return self.root / "vendor" / "llama.cpp"

    @property
    def patches(self) -> Path:
        """The patch series."""
        return self.root / "patches"

    @property
    def core_source(self) -> Path:
        """The core package's copy of llama.cpp, which the bindings are generated from."""
        return self.core / "native" / "llama.cpp"

    @property
    def bindings(self) -> Path:
        """The generated Python file of the bindings, which names the headers it was generated from."""
        return self.core / "src" / "llamapack" / "_native" / "_generated.py"

    @property
    def build(self) -> Path:
        """The folder for everything that is built here and can be built again; git ignores it."""
        return self.root / "build"

    @property
    def lock_file(self) -> Path:
        """Held by the process that changes pin, patches, tracking repository or copies."""
        return self.build / "vendor.lock"


HERE = Checkout()
CORE = HERE.core
PIN = HERE.pin_file
TRACKING = HERE.tracking
SYNCED = HERE.core_source
BINDINGS = HERE.bindings
BUILD = HERE.build
DIST = ROOT / "dist"
REQUIREMENTS = ROOT / "requirements"
EXPORTING = ("ggml-base", "ggml", "ggml-cpu", "llamapack")
"""The core's libraries with a list of exports, by their stems."""


def package_folder(backend: str) -> Path:
    """Return the folder of the package that a backend's wheel is built from; `cpu` is the core's."""
    return CORE if backend == "cpu" else ROOT / "packages" / f"backend-{backend}"


def cache_dir() -> Path:
    """Return the folder for downloads and compiler caches: `LLAMAPACK_CACHE_DIR`, or the system's place for caches."""
    if chosen := os.environ.get("LLAMAPACK_CACHE_DIR"):
        return Path(chosen).expanduser().resolve()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "llamapack"


def export_list(library: str) -> Path:
    """Return the list of what a library of the core exports; plug-ins are linked with ggml-base's, so they have it."""
    native = CORE / "native"
    return (
        native / "shared" / "ggml-base-exports.txt" if library == "ggml-base" else native / "exports" / f"{library}.txt"
    )
