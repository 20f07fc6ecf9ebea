"""What a GPU plug-in is built with, for each backend.

toolkit            What a backend's wheel is compiled with beside a compiler: a toolkit, an SDK, a list of architectures
cuda               What the CUDA plug-in is compiled with: NVIDIA's wheels, which need no CUDA of the system, and a list
rocm               What the ROCm plug-in is compiled with: the ROCm of this system, or Debian's in a root folder of its
vulkan             What the Vulkan plug-in is compiled with: headers that are new enough, a shader compiler, and the loa
metal              What the Metal plug-in is compiled with: Apple's SDK, which is on Macs only.
gpu_architectures  The GPU architectures that a plug-in is compiled for: the matrix's list, or what a variable names ins
"""

__all__ = ["cuda", "gpu_architectures", "metal", "rocm", "toolkit", "vulkan"]
