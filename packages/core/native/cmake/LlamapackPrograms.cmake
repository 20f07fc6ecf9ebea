# Upstream's own programs from a full checkout, linked with the very libraries that ship: the reference that tests and
# benchmarks compare with. Never installed. They become one program, llamapack-reference, which loads the backend it is
# told; upstream's would search folders for one.

foreach(_tool completion llama-bench perplexity tokenize)
    set(_folder "${LLAMAPACK_UPSTREAM_PROGRAMS}/tools/${_tool}")
    if(NOT EXISTS "${_folder}/CMakeLists.txt")
        message(FATAL_ERROR "${_folder} does not exist.\nLLAMAPACK_UPSTREAM_PROGRAMS needs a full llama.cpp checkout.")
    endif()
    add_subdirectory("${_folder}" "reference/${_tool}" EXCLUDE_FROM_ALL)
endforeach()

# The multimodal program is no library upstream: its main becomes a function as those of the others are.
add_library(llamapack-mtmd-cli STATIC EXCLUDE_FROM_ALL "${LLAMAPACK_UPSTREAM_PROGRAMS}/tools/mtmd/mtmd-cli.cpp")
target_compile_features(llamapack-mtmd-cli PRIVATE cxx_std_17)
target_compile_definitions(llamapack-mtmd-cli PRIVATE main=llama_mtmd_cli)
target_link_libraries(llamapack-mtmd-cli PUBLIC llama-common mtmd)

add_executable(llamapack-reference EXCLUDE_FROM_ALL reference/main.cpp)
target_compile_features(llamapack-reference PRIVATE cxx_std_17)
target_link_libraries(llamapack-reference PRIVATE
    llama-completion-impl llama-bench-impl llama-perplexity-impl llamapack-mtmd-cli)
set_target_properties(llamapack-reference llama-tokenize PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/reference")

# Upstream's test of a backend's operations, whose main becomes a function, too.
add_executable(llamapack-backend-ops EXCLUDE_FROM_ALL
    reference/backend_ops.cpp "${LLAMAPACK_UPSTREAM_PROGRAMS}/tests/test-backend-ops.cpp")
set_source_files_properties("${LLAMAPACK_UPSTREAM_PROGRAMS}/tests/test-backend-ops.cpp" PROPERTIES
    COMPILE_DEFINITIONS main=test_backend_ops)
target_compile_features(llamapack-backend-ops PRIVATE cxx_std_17)
target_link_libraries(llamapack-backend-ops PRIVATE ggml)
set_target_properties(llamapack-backend-ops PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/reference")
