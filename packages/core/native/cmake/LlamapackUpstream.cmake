# llama.cpp as we build it: ggml's own folder first, as shared libraries with one module per CPU level, then the
# root with static libraries, which finds the targets of ggml already there.

include(LlamapackGgml)

# `nox -s bench-compilers` turns these on to compare: docs/decisions/0005-compiler-of-the-levels.md.
option(LLAMAPACK_OPENMP "CPU levels share their work by OpenMP, not by ggml's own threads" OFF)
option(LLAMAPACK_LTO "Each CPU level is optimized as a whole when it is linked" OFF)

set(GGML_OPENMP ${LLAMAPACK_OPENMP} CACHE INTERNAL "")
set(GGML_CPU ON CACHE INTERNAL "")
if(WIN32 AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(arm64|ARM64|aarch64)$")
    set(GGML_CPU_ALL_VARIANTS OFF CACHE INTERNAL "")   # upstream has no levels there: ours is one of Linux'
    set(GGML_CPU_ARM_ARCH "armv8.2-a+dotprod" CACHE INTERNAL "")
else()
    set(GGML_CPU_ALL_VARIANTS ON CACHE INTERNAL "")
endif()

set(LLAMA_BUILD_COMMON ON CACHE INTERNAL "")
set(LLAMA_BUILD_MTMD ON CACHE INTERNAL "")
foreach(_part TESTS TOOLS EXAMPLES SERVER APP UI)
    set(LLAMA_BUILD_${_part} OFF CACHE INTERNAL "")
endforeach()
set(LLAMA_USE_PREBUILT_UI OFF CACHE INTERNAL "")
set(LLAMA_OPENSSL OFF CACHE INTERNAL "")
set(LLAMA_SUBPROCESS OFF CACHE INTERNAL "")      # a library starts no programs
set(LLAMA_TOOLS_INSTALL OFF CACHE INTERNAL "")
set(MTMD_VIDEO OFF CACHE INTERNAL "")

add_subdirectory("${LLAMAPACK_SOURCE}/ggml" ggml EXCLUDE_FROM_ALL)
set(BUILD_SHARED_LIBS OFF)
add_subdirectory("${LLAMAPACK_SOURCE}" llama.cpp EXCLUDE_FROM_ALL)
if(APPLE)
    # The static parts have export marks, too, where the marks are what counts.
    foreach(_target llama mtmd)
        target_compile_definitions(${_target} PUBLIC LLAMA_SHARED PRIVATE LLAMA_BUILD)
    endforeach()
endif()

# The levels upstream has for this target, by its own names.
get_property(_targets DIRECTORY "${LLAMAPACK_SOURCE}/ggml/src" PROPERTY BUILDSYSTEM_TARGETS)
set(LLAMAPACK_CPU_TARGETS)
foreach(_target IN LISTS _targets)
    get_target_property(_type ${_target} TYPE)
    if(_type STREQUAL "MODULE_LIBRARY" AND _target MATCHES "^ggml-cpu")
        list(APPEND LLAMAPACK_CPU_TARGETS ${_target})
    endif()
endforeach()

if(LLAMAPACK_OPENMP AND NOT GGML_OPENMP_ENABLED)
    message(FATAL_ERROR "LLAMAPACK_OPENMP is on, and CMake finds no OpenMP for ${CMAKE_CXX_COMPILER}.\n"
        "Install the one of that compiler, or turn LLAMAPACK_OPENMP off.")
endif()
if(LLAMAPACK_LTO)
    set_property(TARGET ${LLAMAPACK_CPU_TARGETS} PROPERTY INTERPROCEDURAL_OPTIMIZATION ON)
endif()

if(NOT GGML_CPU_ALL_VARIANTS)
    set_property(TARGET ggml-cpu PROPERTY OUTPUT_NAME ggml-cpu-armv8.2_1)
    add_library(ggml-cpu-feats OBJECT "${LLAMAPACK_SOURCE}/ggml/src/ggml-cpu/arch/arm/cpu-feats.cpp")
    target_include_directories(ggml-cpu-feats PRIVATE "${LLAMAPACK_SOURCE}/ggml/src" "${LLAMAPACK_SOURCE}/ggml/include")
    target_compile_features(ggml-cpu-feats PRIVATE cxx_std_17)
    target_compile_definitions(ggml-cpu-feats PRIVATE
        GGML_USE_DOTPROD GGML_BACKEND_DL GGML_BACKEND_BUILD GGML_BACKEND_SHARED)
    target_link_libraries(ggml-cpu PRIVATE ggml-cpu-feats)
endif()

# The name of a level's target as files and people call it.
function(llamapack_level target out)
    get_target_property(_file ${target} OUTPUT_NAME)
    if(NOT _file)
        set(_file ${target})
    endif()
    string(REGEX REPLACE "^ggml-cpu-?" "" _level "${_file}")
    set(${out} "${_level}" PARENT_SCOPE)
endfunction()

if(LLAMAPACK_CPU_LEVELS STREQUAL "custom")
    include(LlamapackCustomLevel)
elseif(NOT LLAMAPACK_CPU_LEVELS STREQUAL "all")
    include(LlamapackFewLevels)
endif()
