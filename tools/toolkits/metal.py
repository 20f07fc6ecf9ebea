"""The kit for Metal: Apple's SDK, which only Macs have."""

from __future__ import annotations

import sys

from tools.errors import UnavailableError
from tools.matrix import load_matrix
from tools.toolkits.toolkit import Kit
from tools.util.cmd import run


def metal_kit(target: str | None = None) -> Kit:
    """Return the kit of this Mac.

    Raises UnavailableError on any other machine, and if Apple's tools are not installed.
    """
    if sys.platform != "darwin":
        raise UnavailableError(
            f"The Metal plug-in is compiled with Apple's SDK, and this machine is {sys.platform}.",
            fix="Build it on a Mac with Apple silicon. What can be checked elsewhere: nox -s test-metal",
        )
    said = run(["xcrun", "--sdk", "macosx", "--show-sdk-version"], check=False)
    if said.returncode != 0:
        why = said.stderr.strip()
        raise UnavailableError("Apple's SDK for macOS was not found.", why=why, fix="Run: xcode-select --install")
    return Kit(
        inputs={"Metal kit": f"macOS SDK {said.stdout.strip()}, for macOS {floor()}"},
        variables={"MACOSX_DEPLOYMENT_TARGET": floor()},  # read by CMake, and for the wheel's tag
    )


def floor() -> str:
    """Return the oldest macOS that the wheel supports, from the matrix."""
    return load_matrix().toolchains["macos"].version
