# llamapack_backend(NAME [UPSTREAM NAME] [TARGETS KIND:NAME…] [PRELOAD FILE…] [DRIVER_FLOOR VERSION]): the whole build of
# a plug-in.
#   NAME          the backend's name, in small letters, which its library has too
#   UPSTREAM      ggml's name of it, where that is another
#   TARGETS       the GPU architectures that it has code for: real:90, ptx:120, gfx:gfx1100; none means any device
#   PRELOAD       runtime libraries that the core opens first
#   DRIVER_FLOOR  the oldest driver that it works with
#
# Llamapack<Name>.cmake beside this file, where there is one, says what one backend has beside the others. It may set
#   LLAMAPACK_PRELOAD         more runtime libraries, and LLAMAPACK_RUNTIME_FOLDER, where they are, from lib/
#   LLAMAPACK_COMPILED_IN     what of that is in the library, for the bill of materials: NAME=VERSION=LICENCE
#   LLAMAPACK_TOOLKIT         the version of what it is compiled with: the runtime must be of that major one and no older
#
# The package then has lib/ with one library and backend.json, which tells the core all of this and the ABI id.
# This file and its neighbours are copied from packages/core/native/shared; edit them there.

list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}")
set(LLAMAPACK_SHARED "${CMAKE_CURRENT_LIST_DIR}")
set(LLAMAPACK_SOURCE "${CMAKE_CURRENT_SOURCE_DIR}/llama.cpp" CACHE PATH
    "ggml's source, with llamapack-manifest.json beside it")

set(LLAMAPACK_LICENCES "" CACHE STRING
    "Licences of what is compiled in beside ggml, NAME=FILE and so on: the wheel gets each file under that name")

include(LlamapackIdentity)  # the pin and the ABI id
include(LlamapackLibrary)   # how every library of ours is linked
include(LlamapackLinker)    # by what, where it is not the compiler
include(LlamapackHardening) # what all of it is compiled with
include(LlamapackProcessor) # for whose processors
include(LlamapackGgml)      # how ggml is built
include(LlamapackSbom)      # the wheel's bill of materials

function(llamapack_backend name)
    cmake_parse_arguments(PARSE_ARGV 1 ARG "" "UPSTREAM;DRIVER_FLOOR" "TARGETS;PRELOAD")
    if(NOT SKBUILD_PROJECT_VERSION_FULL)
        message(FATAL_ERROR "${PROJECT_NAME} is built as a Python package.\nRun: python -m pip wheel --no-deps .")
    endif()
    set(_ggml "${name}")
    if(ARG_UPSTREAM)
        set(_ggml "${ARG_UPSTREAM}")
    endif()
    set(_target "ggml-${_ggml}")
    string(TOUPPER "${_ggml}" _upper)
    set(GGML_CPU OFF CACHE INTERNAL "")
    set(GGML_${_upper} ON CACHE INTERNAL "")
    string(SUBSTRING "${name}" 1 -1 _rest)
    string(SUBSTRING "${name}" 0 1 _first)
    string(TOUPPER "${_first}" _first)
    include("Llamapack${_first}${_rest}" OPTIONAL)   # what this backend has beside the others
    add_subdirectory("${LLAMAPACK_SOURCE}/ggml" ggml EXCLUDE_FROM_ALL)
    if(NOT TARGET ${_target})
        message(FATAL_ERROR "ggml's build has no target ${_target}, so there is no backend of that name.")
    endif()

    # ggml-base is the core's: this one of the same name, with the same exports, is linked with, and stays behind.
    llamapack_library(ggml-base STEM ggml-base EXPORTS "${LLAMAPACK_SHARED}/ggml-base-exports.txt")
    llamapack_library(${_target} EXPORTS "${LLAMAPACK_SHARED}/backend-exports.txt")
    set_property(TARGET ${_target} PROPERTY OUTPUT_NAME "ggml-${name}")
    set_property(TARGET ${_target} APPEND PROPERTY
        INSTALL_RPATH "$<IF:$<PLATFORM_ID:Darwin>,@loader_path,$ORIGIN>/../../llamapack/lib")
    if(LLAMAPACK_RUNTIME_FOLDER)
        set_property(TARGET ${_target} APPEND PROPERTY INSTALL_RPATH "$ORIGIN/${LLAMAPACK_RUNTIME_FOLDER}")
    endif()

    if(LLAMAPACK_CPU_LEVELS STREQUAL "custom")
        llamapack_processor_flags(ggml-${name} _)
    endif()

    add_library(llamapack-abi-id OBJECT "${LLAMAPACK_SHARED}/backend.c")
    target_compile_definitions(llamapack-abi-id PRIVATE "LLAMAPACK_ABI_ID=\"${LLAMAPACK_ABI_ID}\"")
    target_sources(${_target} PRIVATE $<TARGET_OBJECTS:llamapack-abi-id>)
    llamapack_link_older(${_target})

    string(REPLACE "-" "_" _package "${PROJECT_NAME}")
    _llamapack_compiled_targets(${_target} ARG_TARGETS)
    _llamapack_name_targets(${_target})
    _llamapack_describe_backend(${name} ${_target})
    add_custom_target(llamapack-backend ALL DEPENDS ${_target})
    install(TARGETS ${_target} LIBRARY DESTINATION ${_package}/lib COMPONENT llamapack)
    install(FILES "${CMAKE_BINARY_DIR}/backend.json" DESTINATION ${_package}/lib COMPONENT llamapack)
    foreach(_licence IN LISTS LLAMAPACK_LICENCES)
        string(REGEX MATCH "^([^=]+)=(.+)$" _ "${_licence}")
        install(FILES "${CMAKE_MATCH_2}" DESTINATION "${SKBUILD_METADATA_DIR}/licenses" RENAME "${CMAKE_MATCH_1}"
            COMPONENT llamapack)
    endforeach()
    llamapack_sbom(PARTS ${LLAMAPACK_COMPILED_IN})
endfunction()

# Adds to the list what CMake compiles CUDA or HIP for, after ggml's build has had its say: 90 is 90-real and 90-virtual.
function(_llamapack_compiled_targets target list)
    get_target_property(_archs ${target} CUDA_ARCHITECTURES)
    foreach(_arch IN LISTS _archs)
        if(_arch MATCHES "^([0-9]+[af]?)(-real|-virtual)?$")
            if(NOT CMAKE_MATCH_2 STREQUAL "-virtual")
                list(APPEND ${list} "real:${CMAKE_MATCH_1}")
            endif()
            if(NOT CMAKE_MATCH_2 STREQUAL "-real")
                list(APPEND ${list} "ptx:${CMAKE_MATCH_1}")
            endif()
        elseif(_arch)
            message(FATAL_ERROR "Nobody knows what `${_arch}` is compiled for: is there a GPU on this machine?\n"
                "Name the architectures, such as LLAMAPACK_CUDA_ARCHS=90-real.")
        endif()
    endforeach()
    get_target_property(_archs ${target} HIP_ARCHITECTURES)
    foreach(_arch IN LISTS _archs)
        if(_arch)
            list(APPEND ${list} "gfx:${_arch}")
        endif()
    endforeach()
    set(${list} ${${list}} PARENT_SCOPE)
endfunction()

# CMake cannot tell clang to leave out machine code, so a compiler that joins nvcc's device code with clang's host part is
# told the architectures in CMake's own notation. Its version is there for Ninja and compiler caches.
function(_llamapack_name_targets target)
    if(LLAMAPACK_CUDA_JOINED)
        get_target_property(_archs ${target} CUDA_ARCHITECTURES)
        list(JOIN _archs "," _archs)
        set(_told "--llamapack-targets=${_archs};--llamapack-version=${LLAMAPACK_CUDA_JOINED}")
        target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CUDA>:${_told}>")
    endif()
endfunction()

function(_llamapack_describe_backend name target)
    set(_targets ${ARG_TARGETS})
    list(TRANSFORM _targets REPLACE "^([a-z]+):(.+)$" "{\"kind\": \"\\1\", \"name\": \"\\2\"}")
    list(JOIN _targets ", " _targets)
    set(_preload ${ARG_PRELOAD} ${LLAMAPACK_PRELOAD})
    list(TRANSFORM _preload REPLACE "^(.+)$" "\"\\1\"")
    list(JOIN _preload ", " _preload)
    set(_floor "null")
    if(ARG_DRIVER_FLOOR)
        set(_floor "\"${ARG_DRIVER_FLOOR}\"")
    endif()
    set(_toolkit "null")
    if(LLAMAPACK_TOOLKIT)
        set(_toolkit "\"${LLAMAPACK_TOOLKIT}\"")
    endif()
    file(GENERATE OUTPUT "${CMAKE_BINARY_DIR}/backend.json" CONTENT "{
  \"name\": \"${name}\",
  \"package\": \"${PROJECT_NAME}\",
  \"version\": \"${SKBUILD_PROJECT_VERSION_FULL}\",
  \"library\": \"$<TARGET_FILE_NAME:${target}>\",
  \"abi_id\": \"${LLAMAPACK_ABI_ID}\",
  \"llama_commit\": \"${LLAMAPACK_PIN_COMMIT}\",
  \"targets\": [${_targets}],
  \"driver_floor\": ${_floor},
  \"toolkit\": ${_toolkit},
  \"preload\": [${_preload}]
}
")
endfunction()
