#include "status.hpp"

namespace llamapack {

char * copy_string(const std::string & text) {
    char * copy = static_cast<char *>(std::malloc(text.size() + 1));
    if (copy == nullptr) {
        throw std::bad_alloc();
    }
    std::memcpy(copy, text.c_str(), text.size() + 1);
    return copy;
}

void store_error(char ** error, const char * message) noexcept {
    if (error == nullptr) {
        return;
    }
    try {
        *error = copy_string(message);
    } catch (...) {
        *error = nullptr;
    }
}

} // namespace llamapack

void llamapack_string_free(char * text) {
    std::free(text);
}
