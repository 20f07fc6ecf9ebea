# How a plug-in is linked for an older C library than that of this machine, whose compiler it is compiled with.
#   LLAMAPACK_LINKER  a script that calls zig for a target such as x86_64-linux-gnu.2.28. Nox passes it for backends that
#                     zig cannot compile; without it the compilers link, and the library needs a C library as new as theirs
#
# libstdc++ is linked in, because older systems have an older one. libgcc_s is not: exceptions go through frames of several
# libraries, so that all of them must be unwound by the same code, and every system has it.

set(LLAMAPACK_LINKER "" CACHE STRING "What links the plug-in for an older C library: a script that calls zig")

if(LLAMAPACK_LINKER)
    separate_arguments(_first NATIVE_COMMAND "${CMAKE_CXX_COMPILER_ARG1}")
    set(_runtime "")
    foreach(_name IN ITEMS libstdc++.a libgcc.a libgcc_s.so.1)
        execute_process(
            COMMAND "${CMAKE_CXX_COMPILER}" ${_first} "-print-file-name=${_name}"
            OUTPUT_VARIABLE _file OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
        if(NOT IS_ABSOLUTE "${_file}")
            message(FATAL_ERROR "${CMAKE_CXX_COMPILER} has no ${_name}, which the plug-in is linked with.\n"
                "Install it: Debian has it in the compiler's own packages, Fedora libstdc++.a in libstdc++-static.")
        endif()
        string(APPEND _runtime " \"${_file}\"")
    endforeach()
    # Modules only: ggml-base stays behind.
    foreach(_language IN ITEMS C CXX CUDA)
        set(CMAKE_${_language}_CREATE_SHARED_MODULE
            "\"${LLAMAPACK_LINKER}\" -shared <LINK_FLAGS> -o <TARGET> <OBJECTS> <LINK_LIBRARIES>${_runtime}")
    endforeach()
    set(CMAKE_LINK_DEPENDS_USE_LINKER OFF)   # zig has no option for it
endif()

# llamapack_link_older(TARGET): adds to a module what it is compiled with and that C library does not have.
function(llamapack_link_older target)
    if(LLAMAPACK_LINKER)
        add_library(llamapack-newer-glibc OBJECT "${LLAMAPACK_SHARED}/newer_glibc.c")
        target_sources(${target} PRIVATE $<TARGET_OBJECTS:llamapack-newer-glibc>)
    endif()
endfunction()
