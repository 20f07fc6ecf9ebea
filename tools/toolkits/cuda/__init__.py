"""The kit for CUDA: NVIDIA's compiler and libraries from wheels, which need no CUDA on the system, and a list of GPUs.

kit              The kit itself: compilers, linker, GPU architectures.
nvidia_wheels    NVIDIA's wheels in the cache, laid out as CMake and linkers expect a toolkit.
host_compilers   The compilers of the part that runs on the CPU, for this machine and for another Linux target.
windows          The kit for 64-bit Windows on a Linux machine: NVIDIA's compiler for the device code, zig's clang.
windows_libraries  Import libraries of CUDA's DLLs, made from the names that the DLLs in NVIDIA's wheels export.
"""

from tools.toolkits.cuda.kit import VARIABLE, cuda_kit
from tools.toolkits.cuda.nvidia_wheels import toolkit_environment

__all__ = ["VARIABLE", "cuda_kit", "toolkit_environment"]
