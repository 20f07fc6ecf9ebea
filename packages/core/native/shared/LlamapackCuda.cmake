# What the CUDA plug-in has beside the others; read before ggml is configured.
#   LLAMAPACK_CUDA_ARCHS  what code is compiled for, in CMake's words, with commas: 75-virtual,80-real. The wheels' list
#                         is in matrix.toml, and Nox passes it; without one it is the GPU of this machine
#   LLAMAPACK_CUDA_JOINED for Windows on Linux: the compiler is ours, which joins nvcc's device code with clang's host
#                         part; what names its version, so that another one compiles all sources again

set(LLAMAPACK_CUDA_JOINED "" CACHE STRING "The version of the CUDA compiler in tools/compilers/cuda_windows")
set(LLAMAPACK_CUDA_ARCHS "native" CACHE STRING "The NVIDIA architectures that code is compiled for")
string(REPLACE "," ";" CMAKE_CUDA_ARCHITECTURES "${LLAMAPACK_CUDA_ARCHS}")

set(GGML_CUDA_FA ON CACHE INTERNAL "")           # flash attention
set(GGML_CUDA_GRAPHS ON CACHE INTERNAL "")       # upstream's default, which only its root sets
set(GGML_CUDA_NCCL OFF CACHE INTERNAL "")        # a library of 200 MB for machines with several GPUs
set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)           # from NVIDIA's wheel; left alone, CMake links a static one as well
if(LLAMAPACK_CUDA_JOINED)
    set(CMAKE_CUDA_RUNTIME_LIBRARY None)         # ggml links with it; CMake would add a static library for device code
endif()

# ggml links with CUDA::cuda_driver, in FindCUDAToolkit the driver's library. This one of the same name looks for that
# library at the first call, so that the plug-in loads without a driver, and is built without one.
add_library(llamapack-cuda-driver STATIC EXCLUDE_FROM_ALL "${LLAMAPACK_SHARED}/cuda_driver.cpp")
add_library(CUDA::cuda_driver ALIAS llamapack-cuda-driver)
find_package(CUDAToolkit REQUIRED)
target_compile_features(llamapack-cuda-driver PRIVATE cxx_std_17)
target_include_directories(llamapack-cuda-driver SYSTEM PUBLIC ${CUDAToolkit_INCLUDE_DIRS})
target_link_libraries(llamapack-cuda-driver PUBLIC ${CMAKE_DL_LIBS})

# NVIDIA's wheels, beside this one in site-packages.
set(_major "${CUDAToolkit_VERSION_MAJOR}")
set(LLAMAPACK_TOOLKIT "${CUDAToolkit_VERSION_MAJOR}.${CUDAToolkit_VERSION_MINOR}")
set(LLAMAPACK_COMPILED_IN "CUDA Toolkit=${CUDAToolkit_VERSION}='NVIDIA CUDA Toolkit EULA'")
if(WIN32)
    set(LLAMAPACK_RUNTIME_FOLDER "../../nvidia/cu${_major}/bin/x86_64")
    set(LLAMAPACK_PRELOAD cudart64_${_major}.dll cublasLt64_${_major}.dll cublas64_${_major}.dll)
else()
    set(LLAMAPACK_RUNTIME_FOLDER "../../nvidia/cu${_major}/lib")
    set(LLAMAPACK_PRELOAD libcudart.so.${_major} libcublasLt.so.${_major} libcublas.so.${_major})
endif()
list(TRANSFORM LLAMAPACK_PRELOAD PREPEND "${LLAMAPACK_RUNTIME_FOLDER}/")
