// ggml ends the process where one of its assertions fails. While a caught_aborts lives, on its thread, it throws instead.
//
// For calls that build something from a file: what was half built is destroyed on the way up, and nobody has seen it. Not
// for calls that change what the caller keeps. Assertions on threads that the call starts end the process still.

#pragma once

#include <stdexcept>

namespace llamapack {

struct aborted : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class caught_aborts {
  public:
    caught_aborts();
    ~caught_aborts();
    caught_aborts(const caught_aborts &) = delete;
    caught_aborts & operator=(const caught_aborts &) = delete;
};

} // namespace llamapack
