"""What this machine has: processor, GPUs, drivers, libraries.

facts              What the operating system tells of GPUs, drivers and permissions, without opening any library.
gpus               The GPUs that the kernel lists: on the PCI bus, at NVIDIA's driver, and at AMD's compute driver (KFD)
visible_devices    The variables that hide devices: CUDA_VISIBLE_DEVICES, HIP_, ROCR_ and GGML_VK_VISIBLE_DEVICES.
rocm               AMD's ROCm, which its plug-in is linked with and does not bring: where it is, how new, and for which
foreign_libraries  Find ggml libraries that are not ours: in this process, and where the system would look for libraries
architectures      Which device runs which compiled code: NVIDIA's compute capabilities and AMD's gfx names.
binaries           What a shared library is linked with, read from the file itself; nothing is loaded.
"""

__all__ = ["architectures", "binaries", "facts", "foreign_libraries", "gpus", "rocm", "visible_devices"]
