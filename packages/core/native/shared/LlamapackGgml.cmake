# How ggml is built, for the core and for plug-ins alike: backends are modules on top of a shared ggml-base.
# What the including directory sets before add_subdirectory() turns one backend on.

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(BUILD_SHARED_LIBS ON)
if(APPLE)
    # zig's linker for macOS does not know lists of exports; there only what the headers mark is visible.
    set(CMAKE_C_VISIBILITY_PRESET hidden)
    set(CMAKE_CXX_VISIBILITY_PRESET hidden)
    set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
endif()

set(GGML_BACKEND_DL ON CACHE INTERNAL "")
set(GGML_NATIVE OFF CACHE INTERNAL "")
set(GGML_OPENMP OFF CACHE INTERNAL "")           # ggml has its own threads; a second OpenMP beside torch's is trouble
set(GGML_LLAMAFILE ON CACHE INTERNAL "")         # upstream's default, which only its root sets
set(GGML_CCACHE OFF CACHE INTERNAL "")           # the launcher is chosen by whoever configures us
set(GGML_CPU_KLEIDIAI OFF CACHE INTERNAL "")     # downloads while configuring
set(GGML_BLAS OFF CACHE INTERNAL "")
set(GGML_METAL OFF CACHE INTERNAL "")

if(CMAKE_C_COMPILER_ID MATCHES "GNU|Clang")
    # No path of the machine in what __FILE__ and assertions leave behind. A compiler cache names the files as seen from
    # the build folder, and the object must be the same.
    file(RELATIVE_PATH _relative "${CMAKE_BINARY_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}")
    llamapack_host_options("-ffile-prefix-map=${CMAKE_CURRENT_SOURCE_DIR}=llamapack"
                           "-ffile-prefix-map=${_relative}=llamapack"
                           "-ffile-prefix-map=${CMAKE_BINARY_DIR}=build")
    cmake_path(IS_PREFIX CMAKE_CURRENT_SOURCE_DIR "${LLAMAPACK_SOURCE}" NORMALIZE _inside)
    if(NOT _inside)
        llamapack_host_options("-ffile-prefix-map=${LLAMAPACK_SOURCE}=llamapack/llama.cpp")
    endif()
endif()
