// The string arrays of GGUF files, walked before upstream reads them: a vocabulary has a hundred thousand strings, too
// many to be walked in Python each time a model is loaded.

#include <cstring>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

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

// Tokens as upstream takes them: up to a NUL, and named after their index if they are empty.
class token_set {
  public:
    explicit token_set(uint64_t count) {
        texts.reserve(count);
        size_t size = 16;
        while (size < 2 * count) {
            size *= 2;
        }
        slots.assign(size, none);
    }

    // Returns the index of the token that is the same, or -1.
    int64_t add(const uint8_t * data, uint64_t length) {
        const char *     begin = reinterpret_cast<const char *>(data);
        std::string_view text(begin, strnlen(begin, length));
        if (text.empty()) {
            names.push_back("[EMPTY_" + std::to_string(texts.size()) + "]");
            text = names.back();
        }
        size_t slot = std::hash<std::string_view>()(text) & (slots.size() - 1);
        while (slots[slot] != none) {
            if (texts[slots[slot]] == text) {
                return slots[slot];
            }
            slot = (slot + 1) & (slots.size() - 1);
        }
        slots[slot] = static_cast<uint32_t>(texts.size());
        texts.push_back(text);
        return -1;
    }

  private:
    static constexpr uint32_t none = UINT32_MAX;

    std::vector<std::string_view> texts;
    std::vector<uint32_t>         slots; // open addressing; at most half are taken
    std::deque<std::string>       names;
};

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
        if (count > size / prefix || count >= UINT32_MAX) {
            throw llamapack::invalid_input("there cannot be so many strings");
        }
        token_set seen(count);
        uint64_t  at = 0;
        for (uint64_t i = 0; i < count; ++i) {
            if (size - at < prefix || read_length(data + at) > size - at - prefix) {
                throw llamapack::invalid_input("string " + std::to_string(i) + " does not lie in the data");
            }
            const uint64_t length = read_length(data + at);
            const int64_t  same   = seen.add(data + at + prefix, length);
            if (same >= 0) {
                *first  = same;
                *second = static_cast<int64_t>(i);
                return;
            }
            at += prefix + length;
        }
    });
}
