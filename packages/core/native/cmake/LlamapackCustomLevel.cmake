# LLAMAPACK_CPU_LEVELS=custom: one level alone, for people who compile for one kind of machine. It takes the place of the
# plainest level. The compiler says which of ggml's features the flags switch on; the level's score asks the processor
# for those.

set(_x86 "SSE42=__SSE4_2__" "AVX=__AVX__" "F16C=__F16C__" "FMA=__FMA__" "AVX2=__AVX2__" "BMI2=__BMI2__"
    "AVX_VNNI=__AVXVNNI__" "AVX512=__AVX512F__,__AVX512CD__,__AVX512BW__,__AVX512DQ__,__AVX512VL__"
    "AVX512_VBMI=__AVX512VBMI__" "AVX512_VNNI=__AVX512VNNI__" "AVX512_BF16=__AVX512BF16__"
    "AMX_TILE=__AMX_TILE__" "AMX_INT8=__AMX_INT8__")
set(_arm "USE_DOTPROD=__ARM_FEATURE_DOTPROD" "USE_SVE=__ARM_FEATURE_SVE" "USE_SVE2=__ARM_FEATURE_SVE2"
    "USE_FP16_VECTOR_ARITHMETIC=__ARM_FEATURE_FP16_VECTOR_ARITHMETIC"
    "USE_MATMUL_INT8=__ARM_FEATURE_MATMUL_INT8" "USE_SME=__ARM_FEATURE_SME")

list(GET LLAMAPACK_CPU_TARGETS 0 _custom)
llamapack_processor_flags(${_custom} _macros)

set(_features)
foreach(_pair IN LISTS _x86 _arm)
    string(REPLACE "=" ";" _pair "${_pair}")
    list(POP_FRONT _pair _feature)
    string(REPLACE "," ";" _needed "${_pair}")
    foreach(_macro IN LISTS _needed)
        if(NOT _macros MATCHES "#define ${_macro} ")
            set(_feature)
        endif()
    endforeach()
    if(_feature)
        list(APPEND _features "GGML_${_feature}")
    endif()
endforeach()
message(STATUS "llamapack: one CPU level, custom: ${LLAMAPACK_CPU_FLAGS} (${_features})")

llamapack_level(${_custom} LLAMAPACK_CPU_LEVELS)
include(LlamapackFewLevels)
set_property(TARGET ${_custom} PROPERTY OUTPUT_NAME ggml-cpu-custom)
target_compile_definitions(${_custom} PRIVATE ${_features})
if(TARGET ${_custom}-feats)
    target_compile_definitions(${_custom}-feats PRIVATE ${_features})
endif()
