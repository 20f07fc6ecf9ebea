# LLAMAPACK_CPU_LEVELS=x64,haswell: a quick build for one developer's machine. Upstream's list of levels is fixed and
# ggml depends on each, so a level that is not wanted is emptied: it compiles one line and is not installed.

string(REPLACE "," ";" _wanted "${LLAMAPACK_CPU_LEVELS}")
set(_known ${LLAMAPACK_CPU_TARGETS})
list(TRANSFORM _known REPLACE "^ggml-cpu-?" "")
foreach(_level IN LISTS _wanted)
    if(NOT _level IN_LIST _known)
        list(JOIN _known ", " _names)
        message(FATAL_ERROR "LLAMAPACK_CPU_LEVELS names `${_level}`, which this target does not have.\nIt has: ${_names}\n"
            "`custom` stands alone: it is one level with the flags of LLAMAPACK_CPU_FLAGS.")
    endif()
endforeach()

file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/no-level.c" CONTENT "typedef int llamapack_level_not_built;\n")
set(LLAMAPACK_CPU_TARGETS)
foreach(_level IN LISTS _known)
    if(_level IN_LIST _wanted)
        list(APPEND LLAMAPACK_CPU_TARGETS ggml-cpu-${_level})
    else()
        set_target_properties(ggml-cpu-${_level} PROPERTIES SOURCES "${CMAKE_BINARY_DIR}/no-level.c" LINKER_LANGUAGE CXX)
    endif()
endforeach()
