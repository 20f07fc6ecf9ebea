"""The name that the matrix has for the system and processor of the Python that runs this."""

from __future__ import annotations

import platform
import sysconfig

from tools.errors import ToolError


def host_target(platform_name: str | None = None, machine: str | None = None) -> str:
    """Return the target of the Python that runs this: `linux-x86_64`, `macos-arm64`, …

    Python's own platform counts, not the kernel's: an x86-64 Python on Windows for Arm loads x86-64 libraries.
    """
    name = (platform_name or sysconfig.get_platform()).lower()
    os, _, arch = name.partition("-")
    if os.startswith("macosx"):
        os, arch = "macos", machine or platform.machine()
    system = {"linux": "linux", "win": "windows", "macos": "macos"}.get(os)
    spelling = {"aarch64": "arm64", "amd64": "x86_64", "x86_64": "x86_64", "arm64": "arm64"}.get(arch)
    if system is None or spelling is None:
        raise ToolError(
            f"This Python is for {name}, which llamapack is not built for.",
            fix="Use a 64-bit Python on Linux, Windows or macOS, x86-64 or Arm.",
        )
    return f"{system}-{'aarch64' if (system, spelling) == ('linux', 'arm64') else spelling}"
