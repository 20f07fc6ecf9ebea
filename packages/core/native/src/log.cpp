// Upstream has one logger per process, set from anywhere. This makes lines of its fragments and drops those below the
// wanted level before they cost the caller anything.

#include <mutex>
#include <string>

#include "log.h"
#include "llamapack.h"
#include "mtmd-helper.h"

namespace {

struct destination {
    llamapack_log_callback callback  = nullptr;
    void *                 user_data = nullptr;
    int32_t                min_level = GGML_LOG_LEVEL_NONE;
};

std::mutex  mutex;
destination current;

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

void flush(const destination & to) {
    if (!pending.text.empty() && to.callback != nullptr && pending.level >= to.min_level) {
        to.callback(pending.level, pending.text.c_str(), to.user_data);
    }
    pending.text.clear();
}

void forward(ggml_log_level level, const char * text, void *) {
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

void llamapack_log_set(llamapack_log_callback callback, void * user_data, int32_t min_level) {
    {
        const std::lock_guard<std::mutex> lock(mutex);
        current = { callback, user_data, min_level };
    }
    llama_log_set(forward, nullptr);
    mtmd_helper_log_set(forward, nullptr);
    common_log_set_verbosity_thold(-1); // llama-common has a logger and a thread of its own
}
