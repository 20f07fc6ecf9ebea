# Who we are: the pin that the source was synced from, and the id of the ABI between core and plug-ins.
# Both come from the manifest beside the source, never from the git repository around this one.

set(LLAMAPACK_MANIFEST "${LLAMAPACK_SOURCE}/llamapack-manifest.json")
if(NOT EXISTS "${LLAMAPACK_MANIFEST}")
    message(FATAL_ERROR
        "llama.cpp's source is not in ${LLAMAPACK_SOURCE} (no llamapack-manifest.json).\n"
        "Run: inv vendor.sync   (or any Nox session, which gets the source by itself)")
endif()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${LLAMAPACK_MANIFEST}")

file(READ "${LLAMAPACK_MANIFEST}" _manifest)
foreach(_key commit tree ggml_tree build_number)
    string(JSON _value ERROR_VARIABLE _error GET "${_manifest}" ${_key})
    if(_error)
        message(FATAL_ERROR "${LLAMAPACK_MANIFEST} has no `${_key}`.\nRun: inv vendor.sync")
    endif()
    string(TOUPPER "LLAMAPACK_PIN_${_key}" _name)
    set(${_name} "${_value}")
endforeach()

string(SUBSTRING "${LLAMAPACK_PIN_COMMIT}" 0 9 LLAMA_BUILD_COMMIT)
set(LLAMA_BUILD_NUMBER "${LLAMAPACK_PIN_BUILD_NUMBER}")
set(GGML_BUILD_COMMIT "${LLAMA_BUILD_COMMIT}")

# Upstream asks the repository around it for a commit; that would be ours. A value that is neither a path
# nor NOTFOUND keeps it from looking.
set(GIT_EXE OFF CACHE INTERNAL "")
set(GIT_EXECUTABLE OFF CACHE INTERNAL "")
set(CMAKE_DISABLE_FIND_PACKAGE_Git ON)

# Everything that changes a structure or a call between ggml-base and its backends, beside the source itself.
# Plug-ins compute the same id from the same file.
set(GGML_SCHED_MAX_COPIES 4 CACHE STRING "How many copies of its inputs ggml's scheduler keeps at most")
set(LLAMAPACK_LAYOUT_DEFINES
    "GGML_BACKEND_DL=1"
    "GGML_MAX_NAME=64"
    "GGML_SCHED_MAX_COPIES=${GGML_SCHED_MAX_COPIES}")
list(JOIN LLAMAPACK_LAYOUT_DEFINES "\n" _defines)
string(SHA256 _id "${LLAMAPACK_PIN_GGML_TREE}\n${_defines}\n")
string(SUBSTRING "${_id}" 0 8 LLAMAPACK_ABI_ID)
message(STATUS "llamapack: llama.cpp ${LLAMA_BUILD_COMMIT}, ABI ${LLAMAPACK_ABI_ID}")
