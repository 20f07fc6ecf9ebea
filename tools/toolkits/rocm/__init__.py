"""The kit for ROCm: the system's, or Debian's in a root folder; for Windows headers, libraries' names and zig's clang.

kit              The kit itself, and where ROCm is found.
windows          The kit for 64-bit Windows on a Linux machine.
windows_headers  HIP's headers from Debian, changed for clang for Windows, and AMD's libraries for GPUs.
windows_names    The names in AMD's DLLs for Windows, and import libraries and stand-ins made from them.
"""

from tools.toolkits.rocm.kit import FORKY, forky_root, in_forky, rocm_kit, rocm_version, system_rocm

__all__ = ["FORKY", "forky_root", "in_forky", "rocm_kit", "rocm_version", "system_rocm"]
