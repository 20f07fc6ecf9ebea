# What ends the process at a mistake in native code, before someone makes use of it: canaries behind the arrays on the
# stack, and the C library's checked functions where the compiler knows the size of what is written to.
# `nox -s audit` looks for both. On Windows neither means the same with every compiler, so they are left to it.

# Gives options to the C and C++ compilers, and through nvcc to the one behind it, which it calls for the host's part.
# Ours for Windows, which LlamapackCuda.cmake tells of, takes them as they are.
function(llamapack_host_options)
    foreach(_option IN LISTS ARGN)
        add_compile_options("$<IF:$<AND:$<COMPILE_LANGUAGE:CUDA>,$<NOT:$<BOOL:${LLAMAPACK_CUDA_JOINED}>>>,-Xcompiler=${_option},${_option}>")
    endforeach()
endfunction()

if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    llamapack_host_options(-fstack-protector-strong)
    if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
        llamapack_host_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    endif()
elseif(APPLE)
    llamapack_host_options(-fstack-protector-strong)
endif()
