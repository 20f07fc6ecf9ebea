"""Find and install emulators of processors and systems."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tools.matrix.matrix import EMULATORS
from tools.platforms import apt

PACKAGES = {"qemu-x86_64": "qemu-user-static", "qemu-aarch64": "qemu-user-static", "wine": "wine64"}
"""The Debian package of each."""
USED = frozenset(("qemu-x86_64", "qemu-aarch64", "wine"))
"""Those that a session uses: the keys of EMULATE in tools/sessions/cpu_levels.py."""


WINE_FOLDER = "/usr/lib/wine"
"""Where Debian's wine64 lies, which is not on PATH by itself."""


def emulators() -> frozenset[str]:
    """Return those of the matrix's emulators that this machine has."""
    return frozenset(name for name in EMULATORS if find_emulator(name))


def find_emulator(name: str) -> Path | None:
    """Return the program of the emulator `name`; some of Debian's have longer names or are not on PATH."""
    places = os.pathsep.join([os.environ.get("PATH", ""), WINE_FOLDER])
    names = (name, f"{name}-static", f"{name}64")
    found = next((found for each in names if (found := shutil.which(each, path=places))), None)
    return Path(found) if found else None


def ensure_emulator(name: str) -> Path | None:
    """Return the emulator; if it is missing, install it with apt. Returns None if that fails."""
    if found := find_emulator(name):
        return found
    apt.try_to_install((PACKAGES[name],), purpose=f"emulation by {name}")
    return find_emulator(name)


def how_to_get(name: str) -> str:
    """Return how to install an emulator that is missing."""
    return f"{name} is not on this machine: apt install {PACKAGES[name]}"
