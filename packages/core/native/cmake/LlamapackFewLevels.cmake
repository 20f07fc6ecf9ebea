# LLAMAPACK_CPU_LEVELS=x64,haswell: a quick build for one developer's machine. Upstream's list of levels is fixed and
# ggml depends on each, so a level that is not wanted is emptied: it compiles one line and is not installed.

string(REPLACE "," ";" _wanted "${LLAMAPACK_CPU_LEVELS}")
set(_known)
foreach(_target IN LISTS LLAMAPACK_CPU_TARGETS)
    llamapack_level(${_target} _level)
    list(APPEND _known "${_level}")
endforeach()
foreach(_level IN LISTS _wanted)
    if(NOT _level IN_LIST _known)
        list(JOIN _known ", " _names)
        message(FATAL_ERROR "LLAMAPACK_CPU_LEVELS names `${_level}`, which this target does not have.\nIt has: ${_names}\n"
            "`custom` stands alone: it is one level with the flags of LLAMAPACK_CPU_FLAGS.")
    endif()
endforeach()

file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/no-level.c" CONTENT "typedef int llamapack_level_not_built;\n")
set(_all ${LLAMAPACK_CPU_TARGETS})
set(LLAMAPACK_CPU_TARGETS)
foreach(_target _level IN ZIP_LISTS _all _known)
    if(_level IN_LIST _wanted)
        list(APPEND LLAMAPACK_CPU_TARGETS ${_target})
    else()
        set_target_properties(${_target} PROPERTIES SOURCES "${CMAKE_BINARY_DIR}/no-level.c" LINKER_LANGUAGE CXX)
    endif()
endforeach()
