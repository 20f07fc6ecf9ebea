#include "server_log.hpp"

#include <cstdarg>
#include <cstdio>
#include <string>

#include "../log.hpp"

namespace {

// Upstream's numbers for the lines it writes, by the lowest of ggml's levels that somebody wants. Errors are always
// wanted: they explain why a model cannot be loaded.
int verbosity(int32_t min_level) {
    switch (min_level) {
        case GGML_LOG_LEVEL_DEBUG:
            return 4; // all but what is computed for debugging upstream alone
        case GGML_LOG_LEVEL_INFO:
            return 3;
        case GGML_LOG_LEVEL_WARN:
            return 2;
        default:
            return 1;
    }
}

int (*other_verbosity)()                  = nullptr;
void (*other_log)(ggml_log_level, const char *) = nullptr;

} // namespace

void llamapack::give_server_log_to(int (*verbosity)(), void (*add)(ggml_log_level level, const char * text)) {
    other_verbosity = verbosity;
    other_log       = add;
}

int llamapack_server_verbosity() {
    return other_verbosity != nullptr ? other_verbosity() : verbosity(llamapack::wanted_log_level());
}

common_log * llamapack_server_log_main() {
    return nullptr;
}

void llamapack_server_log(common_log *, ggml_log_level level, const char * format, ...) {
    std::va_list arguments;
    va_start(arguments, format);
    std::va_list again;
    va_copy(again, arguments);
    const int length = std::vsnprintf(nullptr, 0, format, arguments);
    va_end(arguments);
    try {
        std::string text(length < 0 ? 0 : static_cast<size_t>(length), '\0');
        if (std::vsnprintf(text.data(), text.size() + 1, format, again) >= 0) {
            other_log != nullptr ? other_log(level, text.c_str()) : llamapack::log_text(level, text.c_str());
        }
    } catch (...) {
        // a line that there is no memory for
    }
    va_end(again);
}

extern "C" void llamapack_server_keeps_log(ggml_log_callback, void *) {}
