# llama.cpp's server core, and the engine around it. Upstream's own target would bring its HTTP server, its page and its
# programs; the files here are those of `server-context` but for two that start programs, which nothing here needs.

set(_server "${LLAMAPACK_SOURCE}/tools/server")
add_library(llamapack-server OBJECT
    "${_server}/server-chat.cpp"
    "${_server}/server-common.cpp"
    "${_server}/server-context.cpp"
    "${_server}/server-queue.cpp"
    "${_server}/server-schema.cpp"
    "${_server}/server-stream.cpp"
    "${_server}/server-task.cpp")

add_library(llamapack-engine OBJECT
    engine/engine.cpp
    engine/interface.cpp
    engine/option_rules.cpp
    engine/options.cpp
    engine/request_check.cpp
    engine/request_errors.cpp
    engine/responses.cpp
    engine/routes.cpp
    engine/sampler_names.cpp
    engine/server_log.cpp
    engine/slot_files.cpp
    engine/workers.cpp)
target_compile_definitions(llamapack-engine PRIVATE LLAMAPACK_BUILD)
target_include_directories(llamapack-engine PRIVATE ../include "${LLAMAPACK_SOURCE}/src")
target_include_directories(llamapack-engine SYSTEM PRIVATE "${_server}")
target_link_libraries(llamapack-engine PRIVATE vendor::hash)
if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
    target_compile_options(llamapack-engine PRIVATE -Wall -Wextra)
endif()

foreach(_target llamapack-server llamapack-engine)
    target_compile_features(${_target} PRIVATE cxx_std_17)
    # server_log.hpp says why
    target_compile_definitions(${_target} PRIVATE
        common_log_get_verbosity_thold=llamapack_server_verbosity
        common_log_main=llamapack_server_log_main
        common_log_add=llamapack_server_log
        mtmd_helper_log_set=llamapack_server_keeps_log)
    target_link_libraries(${_target} PRIVATE llama-common mtmd Threads::Threads)
    if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
        target_compile_options(${_target} PRIVATE -fvisibility=hidden)
    endif()
endforeach()
