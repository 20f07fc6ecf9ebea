# What ends the process at a mistake in native code, before someone makes use of it: canaries behind the arrays on the
# stack, and the C library's checked functions where the compiler knows the size of what is written to.
# `nox -s audit` looks for both. On Windows neither means the same with every compiler, so they are left to it.

if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    add_compile_options(-fstack-protector-strong
                        "$<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>")
elseif(APPLE)
    add_compile_options(-fstack-protector-strong)
endif()
