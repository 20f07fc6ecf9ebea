#include <string>

#include "build-info.h"
#include "generated/abi_table.hpp"
#include "llamapack.h"

const char * llamapack_abi_table(void) {
    try {
        static const std::string text = llamapack::build_abi_json();
        return text.c_str();
    } catch (...) {
        return nullptr;
    }
}

const char * llamapack_abi_id(void) {
    return LLAMAPACK_ABI_ID;
}

const char * llamapack_layout_hash(void) {
    return llamapack::layout_hash;
}

size_t llamapack_struct_sizes(const uint32_t ** sizes) {
    *sizes = llamapack::struct_sizes;
    return llamapack::struct_count;
}

const char * llamapack_build_info(void) {
    return llama_build_info();
}
