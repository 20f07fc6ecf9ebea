// Upstream's log: listening to it from the thread that causes it, and adding to it.

#pragma once

#include <cstdint>

#include "ggml.h"

namespace llamapack {

// Hears every piece of text that the present thread logs, whatever its level. What `hear` throws passes through upstream
// to whoever called it.
class log_listener {
  public:
    log_listener();
    virtual ~log_listener();
    log_listener(const log_listener &) = delete;
    log_listener & operator=(const log_listener &) = delete;

    virtual void hear(const char * text) = 0;
};

// The lowest level that llamapack_log_set's callback wants; GGML_LOG_LEVEL_NONE if there is none.
int32_t wanted_log_level();

// Log text as upstream's hook does it: lines end with their end, and fragments are joined.
void log_text(ggml_log_level level, const char * text);

} // namespace llamapack
