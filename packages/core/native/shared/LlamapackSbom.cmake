# llamapack_sbom([PARTS NAME=VERSION=LICENCE…] [PAGE FOLDER]): write the wheel's software bill of materials, and put it
# where PEP 770 says. What Python's package needs is read from its pyproject.toml.
#   PARTS  what is compiled in beside llama.cpp, such as headers
#   PAGE   the folder of the web page, if it was built

set(LLAMAPACK_PARTS "" CACHE STRING
    "What is compiled in beside llama.cpp: NAME=VERSION=LICENCE and so on, for the bill of materials")

set(_llamapack_sbom_folder "${CMAKE_CURRENT_LIST_DIR}")

function(llamapack_sbom)
    cmake_parse_arguments(PARSE_ARGV 0 ARG "" "PAGE" "PARTS")
    if(NOT SKBUILD_METADATA_DIR)
        return()  # these are the libraries alone, not a wheel
    endif()
    if(NOT Python_EXECUTABLE)  # scikit-build-core names its own
        find_package(Python REQUIRED COMPONENTS Interpreter)
    endif()
    set(_words "--tool=CMake=${CMAKE_VERSION}")
    foreach(_language IN ITEMS C CXX CUDA HIP)
        if(CMAKE_${_language}_COMPILER_ID)
            set(_tool "${CMAKE_${_language}_COMPILER_ID}=${CMAKE_${_language}_COMPILER_VERSION}")
            list(APPEND _words "--tool=${_tool}")
        endif()
    endforeach()
    if(CMAKE_CXX_COMPILER MATCHES "zig")
        execute_process(COMMAND "${CMAKE_CXX_COMPILER}" version OUTPUT_VARIABLE _zig OUTPUT_STRIP_TRAILING_WHITESPACE)
        list(APPEND _words "--tool=zig=${_zig}")
    endif()
    list(REMOVE_DUPLICATES _words)
    foreach(_part IN LISTS ARG_PARTS LLAMAPACK_PARTS)
        list(APPEND _words "--part=${_part}")
    endforeach()
    if(ARG_PAGE)
        list(APPEND _words "--page=${ARG_PAGE}")
    endif()
    list(APPEND _words
        "--fact=abi-id=${LLAMAPACK_ABI_ID}"
        "--fact=system=${CMAKE_SYSTEM_NAME}"
        "--fact=processor=${CMAKE_SYSTEM_PROCESSOR}"
        "--fact=build-type=${CMAKE_BUILD_TYPE}")

    set(_project "${CMAKE_SOURCE_DIR}/../pyproject.toml")
    set(_script "${_llamapack_sbom_folder}/sbom.py")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${_project}" "${_script}")
    string(REPLACE "-" "_" _name "${PROJECT_NAME}")
    set(_file "${CMAKE_BINARY_DIR}/${_name}.cdx.json")
    execute_process(
        COMMAND "${Python_EXECUTABLE}" "${_script}" "--project=${_project}" "--source=${LLAMAPACK_SOURCE}" ${_words}
            "--output=${_file}"
        RESULT_VARIABLE _status ERROR_VARIABLE _error)
    if(_status)
        message(FATAL_ERROR "${_error}")
    endif()
    install(FILES "${_file}" DESTINATION "${SKBUILD_METADATA_DIR}/sboms" COMPONENT llamapack)
endfunction()
