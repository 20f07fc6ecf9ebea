# llamapack-runner: llama.cpp's HTTP server in libllamapack, and a program that calls it. The files are those of upstream's
# `llama-server-impl`, and the two of `server-context` that start programs, which here never do. The one of its HTTP server
# is compiled as part of http_access.cpp.

set(_server "${LLAMAPACK_SOURCE}/tools/server")
add_library(llamapack-http OBJECT
    runner/http_access.cpp
    "${_server}/server-mcp.cpp"
    "${_server}/server-models.cpp"
    "${_server}/server-tools.cpp"
    "${_server}/server.cpp")
target_include_directories(llamapack-http PRIVATE runner) # ui.h
target_include_directories(llamapack-http SYSTEM PRIVATE "${_server}")

add_library(llamapack-runner-impl OBJECT
    runner/backends.cpp
    runner/http_server.cpp
    runner/memory.cpp
    runner/process.cpp
    runner/reports.cpp
    runner/requirements.cpp
    runner/runner.cpp
    runner/supervised.cpp)
target_compile_definitions(llamapack-runner-impl PRIVATE
    LLAMAPACK_ABI_ID="${LLAMAPACK_ABI_ID}"
    LLAMAPACK_BUILD)
target_include_directories(llamapack-runner-impl PRIVATE ../include)
target_include_directories(llamapack-runner-impl SYSTEM PRIVATE "${_server}")
if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
    target_compile_options(llamapack-runner-impl PRIVATE -Wall -Wextra)
endif()

foreach(_target llamapack-http llamapack-runner-impl)
    target_compile_features(${_target} PRIVATE cxx_std_17)
    target_link_libraries(${_target} PRIVATE llama-common mtmd cpp-httplib Threads::Threads)
    if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
        target_compile_options(${_target} PRIVATE -fvisibility=hidden)
    endif()
endforeach()

add_executable(llamapack-runner runner/main.cpp)
target_compile_features(llamapack-runner PRIVATE cxx_std_17)
target_include_directories(llamapack-runner PRIVATE "${LLAMAPACK_SOURCE}/include" "${LLAMAPACK_SOURCE}/ggml/include")
target_link_libraries(llamapack-runner PRIVATE llamapack)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    # What it needs is found beside it, whatever LD_LIBRARY_PATH says: that comes after a DT_RPATH, and before a DT_RUNPATH.
    # As libllamapack has the latter, the program names the other libraries, too.
    target_link_libraries(llamapack-runner PRIVATE ggml ggml-base)
    target_link_options(llamapack-runner PRIVATE -pie "LINKER:--disable-new-dtags" "LINKER:--no-as-needed")
endif()
llamapack_library(llamapack-runner)
