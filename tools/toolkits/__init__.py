"""What a GPU plug-in is built with, for each backend.

toolkit            The data of a kit: what a backend is compiled with beside a compiler.
cuda               The kit for CUDA: NVIDIA's wheels, which need no CUDA on the system.
rocm               The kit for ROCm: the system's, or Debian's in a root folder.
vulkan             The kit for Vulkan: headers that are new enough, a shader compiler, and the loader.
metal              The kit for Metal: Apple's SDK, which only Macs have.
gpu_architectures  The GPU architectures to compile for: the matrix's list, or those in a variable.
"""

__all__ = ["cuda", "gpu_architectures", "metal", "rocm", "toolkit", "vulkan"]
