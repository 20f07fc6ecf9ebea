"""What this machine has: processor, GPUs, drivers, libraries.

facts              What the operating system tells about GPUs, drivers and permissions; no library is loaded.
gpus               The GPUs that the kernel lists: on the PCI bus, and at NVIDIA's and AMD's drivers.
windows_gpus       The GPUs that Windows lists on the PCI bus.
visible_devices    The variables that hide devices: CUDA_VISIBLE_DEVICES, HIP_, ROCR_ and GGML_VK_VISIBLE_DEVICES.
rocm               Find AMD's ROCm, and for which GPUs it has kernels.
foreign_libraries  Find ggml libraries that are not llamapack's.
loaded_libraries   List the libraries that are loaded in this process.
architectures      Which device runs which compiled code: NVIDIA's compute capabilities and AMD's gfx names.
binaries           What a shared library is linked with, read from the file itself; nothing is loaded.
"""

__all__ = [
    "architectures",
    "binaries",
    "facts",
    "foreign_libraries",
    "gpus",
    "loaded_libraries",
    "rocm",
    "visible_devices",
    "windows_gpus",
]
