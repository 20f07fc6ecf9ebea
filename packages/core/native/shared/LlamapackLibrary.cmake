# llamapack_library(TARGET [EXPORTS FILE] [STEM NAME]): how every library that ships is named and linked.
#   EXPORTS  a list of symbols, one a line; nothing else is visible. Without it everything is, for linking only
#   STEM     the file is lib<STEM>-<ABI id>, and so is its soname; without it the target's own name stays

function(llamapack_library target)
    cmake_parse_arguments(PARSE_ARGV 1 ARG "" "EXPORTS;STEM" "")
    set_property(TARGET ${target} PROPERTY VERSION)
    set_property(TARGET ${target} PROPERTY SOVERSION)
    if(ARG_STEM)
        set_target_properties(${target} PROPERTIES OUTPUT_NAME "${ARG_STEM}-${LLAMAPACK_ABI_ID}")
    endif()
    set_target_properties(${target} PROPERTIES
        BUILD_WITH_INSTALL_RPATH ON
        INSTALL_RPATH "$<IF:$<PLATFORM_ID:Darwin>,@loader_path,$ORIGIN>"
        MACOSX_RPATH ON)
    if(ARG_EXPORTS)
        _llamapack_exports(${target} "${ARG_EXPORTS}")
    endif()
    _llamapack_link_options(${target})
endfunction()

# One list, three spellings: version script, .def file, exported-symbols list.
function(_llamapack_exports target list)
    set_property(DIRECTORY "${PROJECT_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${list}")
    file(STRINGS "${list}" _symbols REGEX "^[A-Za-z_]")
    set(_out "${CMAKE_BINARY_DIR}/exports/${target}")
    if(APPLE)
        list(TRANSFORM _symbols PREPEND "_")
        list(JOIN _symbols "\n" _text)
        file(CONFIGURE OUTPUT "${_out}.exp" CONTENT "${_text}\n" @ONLY)
        target_link_options(${target} PRIVATE "LINKER:-exported_symbols_list,${_out}.exp")
        set(_file "${_out}.exp")
    elseif(WIN32)
        list(JOIN _symbols "\n    " _text)
        file(CONFIGURE OUTPUT "${_out}.def" CONTENT "EXPORTS\n    ${_text}\n" @ONLY)
        target_sources(${target} PRIVATE "${_out}.def")
        set(_file "${_out}.def")
    else()
        list(JOIN _symbols "; " _text)
        file(CONFIGURE OUTPUT "${_out}.map" CONTENT "{ global: ${_text}; local: *; };\n" @ONLY)
        target_link_options(${target} PRIVATE "LINKER:--version-script=${_out}.map")
        set(_file "${_out}.map")
    endif()
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS "${_file}")
endfunction()

function(_llamapack_link_options target)
    if(APPLE)
        target_link_options(${target} PRIVATE "LINKER:-x,-S") # -S: no map to the object files, which has their paths
    elseif(NOT MSVC)
        target_link_options(${target} PRIVATE "LINKER:-s")
    endif()
    if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
        target_link_options(${target} PRIVATE "LINKER:-z,relro" "LINKER:-z,now" "LINKER:-z,noexecstack" "LINKER:-z,defs")
    endif()
endfunction()
