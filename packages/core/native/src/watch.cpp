// Long calls that can be stopped. Upstream asks its abort callback after every node of the graph, about a thousand
// times a token; a Python callback there would cost more than the token. So the callback is this file's: it reads a
// flag, and asks the caller's own callback only a few times a second.

#include <atomic>
#include <chrono>
#include <memory>

#include "llama-context.h"
#include "llamapack.h"
#include "status.hpp"

using llamapack::invalid_input;
using clock_type = std::chrono::steady_clock;

struct llamapack_watch {
    llamapack_poll_callback poll      = nullptr;
    void *                  user_data = nullptr;
    clock_type::duration    interval  = {};

    std::atomic<bool> stop = false; // the one member that other threads touch

    bool                   armed   = false; // a call is running that may be stopped
    bool                   polled  = false; // the callback may be asked during this call
    bool                   stopped = false; // it was, and wants the call to end
    int                    stride  = 1;     // nodes between two looks at the clock
    int                    left    = 1;
    clock_type::time_point asked   = {};

    void begin(bool may_poll) {
        armed   = true;
        polled  = may_poll && poll != nullptr;
        stopped = false;
        stride  = 1;
        left    = 1;
        if (polled) {
            asked = clock_type::now();
        }
    }

    bool check() {
        if (!armed) {
            return false;
        }
        if (stopped || stop.load(std::memory_order_relaxed)) {
            return true;
        }
        if (!polled || --left > 0) {
            return false;
        }
        const auto waited = clock_type::now() - asked;
        if (waited < interval) {
            // nodes of a large batch take milliseconds, of a single token microseconds: look as seldom as that allows
            stride = waited * 8 < interval ? (stride < 128 ? stride * 2 : 128) : 1;
            left   = stride;
            return false;
        }
        stride = left = 1;
        stopped = poll(user_data);
        asked   = clock_type::now();
        return stopped;
    }
};

namespace {

bool on_abort(void * watch) {
    return static_cast<llamapack_watch *>(watch)->check();
}

struct armed_watch {
    llamapack_watch & watch;

    armed_watch(llamapack_watch & watch, bool poll) : watch(watch) { watch.begin(poll); }
    ~armed_watch() { watch.armed = false; }
    armed_watch(const armed_watch &) = delete;
};

constexpr int32_t aborted = 2; // llama_decode's status

using process_function = int32_t (*)(llama_context *, llama_batch);

llamapack_status run(
    process_function process, llama_context * ctx, const llama_batch * batch, llamapack_watch * watch, bool poll,
    int32_t * result, char ** error) noexcept {
    return llamapack::guarded(error, [&] {
        if (ctx == nullptr || batch == nullptr || watch == nullptr || result == nullptr) {
            throw invalid_input("the context, the batch, the watch or the place for the result is missing");
        }
        // A shift that was stopped half-way would leave some layers shifted and some not: it runs unwatched.
        ctx->memory_update(false);
        const armed_watch armed(*watch, poll);
        *result = watch->check() ? aborted : process(ctx, *batch);
    });
}

} // namespace

llamapack_status llamapack_watch_new(
    llama_context * ctx, llamapack_poll_callback poll, void * user_data, int32_t interval_ms, llamapack_watch ** out,
    char ** error) {
    return llamapack::guarded(error, [&] {
        if (ctx == nullptr || out == nullptr || interval_ms < 0) {
            throw invalid_input("the context or the place for the result is missing, or the interval is negative");
        }
        *out             = nullptr;
        auto watch       = std::make_unique<llamapack_watch>();
        watch->poll      = poll;
        watch->user_data = user_data;
        watch->interval  = std::chrono::milliseconds(interval_ms);
        llama_set_abort_callback(ctx, on_abort, watch.get());
        *out = watch.release();
    });
}

void llamapack_watch_free(llamapack_watch * watch) {
    delete watch;
}

void llamapack_watch_stop(llamapack_watch * watch, bool stop) {
    if (watch != nullptr) {
        watch->stop.store(stop, std::memory_order_relaxed);
    }
}

llamapack_status llamapack_decode(
    llama_context * ctx, const llama_batch * batch, llamapack_watch * watch, bool poll, int32_t * result, char ** error) {
    return run(llama_decode, ctx, batch, watch, poll, result, error);
}

llamapack_status llamapack_encode(
    llama_context * ctx, const llama_batch * batch, llamapack_watch * watch, bool poll, int32_t * result, char ** error) {
    return run(llama_encode, ctx, batch, watch, poll, result, error);
}

llamapack_status llamapack_memory_update(llama_context * ctx, char ** error) {
    return llamapack::guarded(error, [&] {
        if (ctx == nullptr) {
            throw invalid_input("the context is missing");
        }
        ctx->memory_update(false);
    });
}
