// Listening to upstream's log from the thread that causes it.

#pragma once

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

} // namespace llamapack
