# What goes into the wheel: llamapack/lib with the libraries and abi.json, nothing of upstream's own install rules.

llamapack_library(ggml-base STEM ggml-base EXPORTS "${CMAKE_CURRENT_SOURCE_DIR}/shared/ggml-base-exports.txt")
llamapack_library(ggml STEM ggml EXPORTS "${CMAKE_CURRENT_SOURCE_DIR}/exports/ggml.txt")
foreach(_level IN LISTS LLAMAPACK_CPU_TARGETS)
    llamapack_library(${_level} EXPORTS "${CMAKE_CURRENT_SOURCE_DIR}/exports/ggml-cpu.txt")
endforeach()

# Each level with the features that its score asks for, by ggml's names.
set(_levels)
foreach(_target IN LISTS LLAMAPACK_CPU_TARGETS)
    set(_features)
    if(TARGET ${_target}-feats)
        get_target_property(_features ${_target}-feats COMPILE_DEFINITIONS)
        list(FILTER _features INCLUDE REGEX "^GGML_")
        list(FILTER _features EXCLUDE REGEX "^GGML_BACKEND_")
        list(TRANSFORM _features REPLACE "^GGML_(USE_)?(.+)$" "\"\\2\"")
    endif()
    list(JOIN _features ", " _features)
    llamapack_level(${_target} _level)
    list(APPEND _levels "\"${_level}\": [${_features}]")
endforeach()
list(JOIN _levels ",\n    " _levels)
set(_defines ${LLAMAPACK_LAYOUT_DEFINES})
list(TRANSFORM _defines REPLACE "^(.+)$" "\"\\1\"")
list(JOIN _defines ", " _defines)
file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/abi.json" @ONLY CONTENT [[{
  "abi_id": "@LLAMAPACK_ABI_ID@",
  "ggml_tree": "@LLAMAPACK_PIN_GGML_TREE@",
  "layout_defines": [@_defines@],
  "llama_commit": "@LLAMAPACK_PIN_COMMIT@",
  "cpu_levels": {
    @_levels@
  }
}
]])

set_property(TARGET ggml PROPERTY PUBLIC_HEADER)
set(LLAMAPACK_LIBRARIES ggml-base ggml llamapack llamapack-runner ${LLAMAPACK_CPU_TARGETS})
add_custom_target(llamapack-all ALL DEPENDS ${LLAMAPACK_LIBRARIES})
install(TARGETS ${LLAMAPACK_LIBRARIES}
    LIBRARY DESTINATION llamapack/lib COMPONENT llamapack NAMELINK_SKIP
    RUNTIME DESTINATION llamapack/lib COMPONENT llamapack
    ARCHIVE DESTINATION llamapack/lib COMPONENT llamapack-development EXCLUDE_FROM_ALL)
install(FILES "${CMAKE_BINARY_DIR}/abi.json" DESTINATION llamapack/lib COMPONENT llamapack)

# llama.cpp's web page, which tools/building/page.py has built before: there need be no npm where CMake runs.
if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/page/static/index.html.gz")
    install(DIRECTORY page/static DESTINATION llamapack/server/page COMPONENT llamapack)
else()
    message(WARNING "llamapack is built without the web page of `llamapack serve`: native/page is not there")
endif()
llamapack_sbom(PAGE "${CMAKE_CURRENT_SOURCE_DIR}/page")
