// Upstream has one logger per process, set from anywhere. This makes lines of its fragments and drops those below the
// wanted level before they cost the caller anything.

#include <chrono>
#include <mutex>
#include <string>

#include "log.h"
#include "log.hpp"
#include "llamapack.h"
#include "mtmd-helper.h"

namespace {

struct destination {
    llamapack_log_callback callback  = nullptr;
    int32_t                min_level = GGML_LOG_LEVEL_NONE;
};

std::mutex  mutex;
destination current;

// Held while the callback runs. With a limit, because a forked child may find it taken by a thread that is not there.
std::recursive_timed_mutex turn;
constexpr auto             longest_wait = std::chrono::seconds(2);

destination read_destination() {
    const std::lock_guard<std::mutex> lock(mutex);
    return current;
}

// One unfinished line a thread: upstream writes a line in several calls, the later ones at level CONT.
struct pending_line {
    int32_t     level = GGML_LOG_LEVEL_INFO;
    std::string text;
};

thread_local pending_line pending;

thread_local llamapack::log_listener * listening = nullptr;

void flush(const destination & to) {
    if (!pending.text.empty() && to.callback != nullptr && pending.level >= to.min_level) {
        const std::unique_lock<std::recursive_timed_mutex> lock(turn, longest_wait);
        const llamapack_log_line                           line = { pending.level, pending.text.c_str() };
        if (lock.owns_lock()) {
            to.callback(&line);
        }
    }
    pending.text.clear();
}

void forward(ggml_log_level level, const char * text, void *) {
    if (listening != nullptr && text != nullptr) {
        listening->hear(text);
    }
    try {
        const destination to = read_destination();
        if (to.callback == nullptr || text == nullptr) {
            return;
        }
        if (level != GGML_LOG_LEVEL_CONT) {
            if (!pending.text.empty()) {
                flush(to);
            }
            pending.level = level;
        }
        for (const char * c = text; *c != '\0'; ++c) {
            if (*c == '\n') {
                flush(to);
            } else {
                pending.text.push_back(*c);
            }
        }
    } catch (...) {
        // a log line that cannot be kept is not worth the process
    }
}

} // namespace

llamapack::log_listener::log_listener() {
    listening = this;
}

llamapack::log_listener::~log_listener() {
    listening = nullptr;
}

int32_t llamapack::wanted_log_level() {
    const destination to = read_destination();
    return to.callback == nullptr ? static_cast<int32_t>(GGML_LOG_LEVEL_NONE) : to.min_level;
}

void llamapack::log_text(ggml_log_level level, const char * text) {
    forward(level, text, nullptr);
}

void llamapack_log_set(llamapack_log_callback callback, int32_t min_level) {
    {
        const std::lock_guard<std::mutex> lock(mutex);
        current = { callback, min_level };
    }
    llama_log_set(forward, nullptr);
    mtmd_helper_log_set(forward, nullptr);
    common_log_set_verbosity_thold(-1); // llama-common has a logger and a thread of its own
}
