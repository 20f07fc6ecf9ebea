#include "deep_stack.hpp"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "status.hpp"
#include "worker_thread.hpp"

#ifdef _WIN32
#    include <windows.h>
#else
#    include <pthread.h>
#endif

namespace llamapack {

namespace {

#ifdef _WIN32
size_t stack_left() {
    ULONG_PTR lowest  = 0;
    ULONG_PTR highest = 0;
    GetCurrentThreadStackLimits(&lowest, &highest);
    const char here = 0;
    return static_cast<size_t>(reinterpret_cast<ULONG_PTR>(&here) - lowest);
}
#else
// The lowest address of the calling thread's stack. Asking for it is slow in a main thread, so each thread asks once.
const char * stack_end() {
#    ifdef __APPLE__
    return static_cast<const char *>(pthread_get_stackaddr_np(pthread_self())) - pthread_get_stacksize_np(pthread_self());
#    else
    void *         lowest = nullptr;
    size_t         size   = 0;
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &lowest, &size);
        pthread_attr_destroy(&attributes);
    }
    return static_cast<const char *>(lowest);
#    endif
}

// How much of the calling thread's stack is left, in bytes; 0 where that is not known.
size_t stack_left() {
    static thread_local const char * const end  = stack_end();
    const char                             here = 0;
    return end == nullptr || &here < end ? 0 : static_cast<size_t>(&here - end);
}
#endif

std::unique_ptr<worker_thread> start(size_t stack_size, std::function<void()> body) {
    try {
        return std::make_unique<worker_thread>(stack_size, std::move(body));
    } catch (const std::runtime_error &) {
        throw invalid_input("there is no memory for a stack of " + std::to_string(stack_size) + " bytes");
    }
}

} // namespace

void run_with_stack(size_t size, const std::function<void()> & body) {
    if (size < stack_left()) {
        body();
        return;
    }
    std::exception_ptr error;
    start(size, [&] {
        try {
            body();
        } catch (...) {
            error = std::current_exception();
        }
    }).reset(); // waits for its end
    if (error) {
        std::rethrow_exception(error);
    }
}

size_t stack_for_splitting(const char * text, size_t length) {
    size_t longest = 0;
    size_t run     = 0;
    for (size_t i = 0; i < length; ++i) {
        const bool same = i > 0 && (std::isspace(static_cast<uint8_t>(text[i])) != 0) ==
                                       (std::isspace(static_cast<uint8_t>(text[i - 1])) != 0);
        run             = same ? run + 1 : 1;
        longest         = std::max(longest, run);
    }
    return longest * 1024;
}

} // namespace llamapack
