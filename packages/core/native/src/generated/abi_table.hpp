// What the generated abi_table.cpp defines; see llamapack.h for the meaning.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace llamapack {

std::string build_abi_json();

extern const char layout_hash[];
extern const std::uint32_t struct_sizes[];
extern const std::size_t struct_count;

} // namespace llamapack
