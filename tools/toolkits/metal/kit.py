"""The kit for Metal: Apple's SDK on a Mac, and the stand-in for it elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.errors import UnavailableError
from tools.matrix import load_matrix
from tools.toolkits.toolkit import Kit
from tools.util import stamps
from tools.util.cmd import run

TARGET = "macos-arm64"
STAND_IN = Path(__file__).with_name("sdk")
ONLY_FOR_CHECKS = (
    "It was built without Apple's SDK and has run on no Mac: it is for checks. A release has a Mac's wheel."
)
"""What a session says of a wheel that was built with the stand-in."""
BUILD_TAG = "0unreleased"
"""In that wheel's file name, so that nobody takes it for a Mac's."""


def metal_kit(target: str = TARGET) -> Kit:
    """Return the kit of this Mac, or on another system the stand-in for Apple's SDK.

    Raises UnavailableError if Apple's tools are missing on a Mac, and for any target but Apple silicon.
    """
    if target != TARGET:
        raise UnavailableError(f"There is no Metal plug-in for {target}.", fix=f"Metal is for {TARGET}.")
    return of_this_mac() if sys.platform == "darwin" else stand_in()


def of_this_mac() -> Kit:
    """Return the kit with Apple's SDK; raises UnavailableError if Apple's tools are not installed."""
    said = run(["xcrun", "--sdk", "macosx", "--show-sdk-version"], check=False)
    if said.returncode != 0:
        why = said.stderr.strip()
        raise UnavailableError("Apple's SDK for macOS was not found.", why=why, fix="Run: xcode-select --install")
    return Kit(
        inputs={"Metal kit": f"macOS SDK {said.stdout.strip()}, for macOS {floor()}"},
        variables={"MACOSX_DEPLOYMENT_TARGET": floor()},  # read by CMake, and for the wheel's tag
    )


def stand_in() -> Kit:
    """Return the kit with the stand-in for Apple's SDK; the build with zig knows the oldest macOS by itself."""
    digest = stamps.tree_digest(STAND_IN, (path for path in STAND_IN.rglob("*") if path.is_file()))
    return Kit(
        inputs={"Metal kit": f"stand-in for Apple's SDK {digest}, {BUILD_TAG}"},
        defines={"LLAMAPACK_METAL_SDK": str(STAND_IN)},
        variables={"SKBUILD_WHEEL_BUILD_TAG": BUILD_TAG},  # read by scikit-build-core
        note=ONLY_FOR_CHECKS,
    )


def floor() -> str:
    """Return the oldest macOS that the wheel supports, from the matrix."""
    return load_matrix().toolchains["macos"].version
