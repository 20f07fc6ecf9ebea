# Upstream's own programs from a full checkout, linked with the very libraries that ship: the reference that tests and
# benchmarks compare with. Never installed.

foreach(_tool completion llama-bench tokenize perplexity)
    set(_folder "${LLAMAPACK_UPSTREAM_PROGRAMS}/tools/${_tool}")
    if(NOT EXISTS "${_folder}/CMakeLists.txt")
        message(FATAL_ERROR "${_folder} does not exist.\nLLAMAPACK_UPSTREAM_PROGRAMS needs a full llama.cpp checkout.")
    endif()
    set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/upstream")
    add_subdirectory("${_folder}" "upstream/${_tool}" EXCLUDE_FROM_ALL)
endforeach()
foreach(_program llama-completion llama-bench llama-tokenize llama-perplexity)
    set_target_properties(${_program} PROPERTIES BUILD_RPATH "$<TARGET_FILE_DIR:ggml-base>")
endforeach()
