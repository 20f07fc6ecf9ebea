# LLAMAPACK_CPU_LEVELS=custom: for one kind of machine, with the compiler's flags of LLAMAPACK_CPU_FLAGS (such as
# -march=native) or with none. The core has one CPU level then, and a plug-in's code for the CPU is compiled with them.

set(LLAMAPACK_CPU_LEVELS "all" CACHE STRING
    "CPU levels to build, by ggml's names, separated by commas; `all` builds every one of the target, `custom` one alone")
set(LLAMAPACK_CPU_FLAGS "" CACHE STRING
    "The compiler's flags for `custom`, such as -march=native; with none it is the baseline")

if(LLAMAPACK_CPU_FLAGS AND NOT LLAMAPACK_CPU_LEVELS STREQUAL "custom")
    message(FATAL_ERROR "LLAMAPACK_CPU_FLAGS is for the level `custom`, and LLAMAPACK_CPU_LEVELS is "
        "`${LLAMAPACK_CPU_LEVELS}`.\nSet LLAMAPACK_CPU_LEVELS=custom, or unset LLAMAPACK_CPU_FLAGS.")
endif()

# llamapack_processor_flags(TARGET MACROS): compiles the target for that processor, and gives the macros that the compiler
# then defines. Code for GPUs is left as it is.
function(llamapack_processor_flags target macros)
    if(MSVC)
        message(FATAL_ERROR "LLAMAPACK_CPU_LEVELS=custom needs a compiler that lists its macros: clang or gcc, not MSVC.")
    endif()
    separate_arguments(_flags NATIVE_COMMAND "${LLAMAPACK_CPU_FLAGS}")
    separate_arguments(_first NATIVE_COMMAND "${CMAKE_C_COMPILER_ARG1}")
    file(WRITE "${CMAKE_BINARY_DIR}/empty.c" "")
    execute_process(
        COMMAND "${CMAKE_C_COMPILER}" ${_first} ${_flags} -dM -E "${CMAKE_BINARY_DIR}/empty.c"
        OUTPUT_VARIABLE _macros ERROR_VARIABLE _error RESULT_VARIABLE _status)
    if(NOT _status EQUAL 0)
        message(FATAL_ERROR "The compiler refuses LLAMAPACK_CPU_FLAGS=${LLAMAPACK_CPU_FLAGS}\n${_error}"
            "Name flags that ${CMAKE_C_COMPILER} knows, or none.")
    endif()
    foreach(_flag IN LISTS _flags)
        target_compile_options(${target} PRIVATE
            "$<$<COMPILE_LANGUAGE:C,CXX>:${_flag}>"
            "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=${_flag}>"
            "$<$<COMPILE_LANGUAGE:HIP>:SHELL:-Xarch_host ${_flag}>")
    endforeach()
    set(${macros} "${_macros}" PARENT_SCOPE)
endfunction()
