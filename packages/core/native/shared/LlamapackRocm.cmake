# What the ROCm plug-in has beside the others; read before ggml is configured.
#   LLAMAPACK_ROCM_ARCHS  what code is compiled for, with commas: gfx90a,gfx1100. The wheels' list is in matrix.toml, and
#                         Nox passes it; without one CMake takes the GPUs of this machine
# The objects stay uncompressed: the wheel is a zip file, and older HIP runtimes do not read what newer compilers pack.

set(LLAMAPACK_ROCM_ARCHS "" CACHE STRING "The AMD architectures that code is compiled for")
if(LLAMAPACK_ROCM_ARCHS)
    string(REPLACE "," ";" CMAKE_HIP_ARCHITECTURES "${LLAMAPACK_ROCM_ARCHS}")
    set(GPU_TARGETS ${CMAKE_HIP_ARCHITECTURES}) # what HIP reads on Windows, where it is no language of CMake's
endif()

# The version of HIP: a runtime must be of the same major one, which the libraries' names say, and no older.
find_path(LLAMAPACK_HIP_INCLUDE hip/hip_version.h PATHS ENV ROCM_PATH ENV HIP_PATH /opt/rocm PATH_SUFFIXES include)
if(LLAMAPACK_HIP_INCLUDE)
    file(STRINGS "${LLAMAPACK_HIP_INCLUDE}/hip/hip_version.h" _lines REGEX "define HIP_VERSION_(MAJOR|MINOR) ")
    string(REGEX REPLACE "[^0-9;]" "" _numbers "${_lines}")
    list(JOIN _numbers "." LLAMAPACK_TOOLKIT)
    set(LLAMAPACK_COMPILED_IN "HIP=${LLAMAPACK_TOOLKIT}=MIT")
endif()

set(GGML_CUDA_FA ON CACHE INTERNAL "")           # flash attention
set(GGML_HIP_GRAPHS ON CACHE INTERNAL "")        # upstream's default, which only its root sets
set(GGML_HIP_RCCL OFF CACHE INTERNAL "")         # a library of its own for machines with several GPUs
