#include "aborts.hpp"

#include <cstdio>
#include <mutex>

#include "ggml.h"

namespace {

thread_local int depth = 0;

// Called by ggml_abort, which is C. It can be thrown through: compilers write unwind tables for C on every platform we
// build for, and a test sees to it.
void on_abort(const char * message) {
    if (depth > 0) {
        throw llamapack::aborted(message);
    }
    std::fprintf(stderr, "%s\n", message);
}

} // namespace

namespace llamapack {

caught_aborts::caught_aborts() {
    static std::once_flag once;
    std::call_once(once, [] { ggml_set_abort_callback(on_abort); });
    ++depth;
}

caught_aborts::~caught_aborts() {
    --depth;
}

} // namespace llamapack
