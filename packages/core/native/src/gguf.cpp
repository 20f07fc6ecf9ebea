// The string arrays of GGUF files, walked before upstream reads them: a vocabulary has a hundred thousand strings, too
// many to be walked in Python each time a model is loaded.

#include <cstring>
#include <string>
#include <unordered_map>

#include "llamapack.h"
#include "status.hpp"

namespace {

constexpr uint64_t prefix = sizeof(uint64_t);

// The format is little-endian, and so is every machine this is built for.
uint64_t read_length(const uint8_t * data) {
    uint64_t length;
    std::memcpy(&length, data, sizeof(length));
    return length;
}

// A token as upstream takes it: up to a NUL, and named after its index if it is empty.
std::string token_text(const uint8_t * data, uint64_t length, uint64_t index) {
    const char * text = reinterpret_cast<const char *>(data);
    std::string  token(text, strnlen(text, length));
    return token.empty() ? "[EMPTY_" + std::to_string(index) + "]" : token;
}

} // namespace

uint64_t llamapack_gguf_skip_strings(const uint8_t * data, uint64_t size, uint64_t count, uint64_t * end) {
    uint64_t at = 0;
    while (count > 0 && at <= size && size - at >= prefix) {
        const uint64_t length = read_length(data + at);
        at += prefix;
        if (length > UINT64_MAX - at) {
            at = UINT64_MAX;
            --count;
            break;
        }
        at += length;
        --count;
    }
    *end = at;
    return count;
}

llamapack_status llamapack_gguf_find_duplicate(
    const uint8_t * data, uint64_t size, uint64_t count, int64_t * first, int64_t * second, char ** error) {
    *first  = -1;
    *second = -1;
    return llamapack::guarded(error, [&] {
        std::unordered_map<std::string, int64_t> seen;
        seen.reserve(count);
        uint64_t at = 0;
        for (uint64_t i = 0; i < count; ++i) {
            const uint64_t room = at <= size ? size - at : 0;
            if (room < prefix || read_length(data + at) > room - prefix) {
                throw llamapack::invalid_input("string " + std::to_string(i) + " does not lie in the data");
            }
            const uint64_t length = read_length(data + at);
            const auto     added  = seen.emplace(token_text(data + at + prefix, length, i), static_cast<int64_t>(i));
            if (!added.second) {
                *first  = added.first->second;
                *second = static_cast<int64_t>(i);
                return;
            }
            at += prefix + length;
        }
    });
}
