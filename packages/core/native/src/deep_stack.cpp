#include "deep_stack.hpp"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <exception>

#include "status.hpp"

#ifndef _WIN32
#include <pthread.h>
#endif

namespace {

struct call {
    const std::function<void()> & body;
    std::exception_ptr            error;

    static void * run(void * self) {
        call & it = *static_cast<call *>(self);
        try {
            it.body();
        } catch (...) {
            it.error = std::current_exception();
        }
        return nullptr;
    }
};

} // namespace

namespace llamapack {

#ifdef _WIN32
size_t stack_left() {
    return SIZE_MAX; // the libraries used there do not recurse
}
#else
namespace {

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

} // namespace

size_t stack_left() {
    static thread_local const char * const end  = stack_end();
    const char                             here = 0;
    return end == nullptr || &here < end ? 0 : static_cast<size_t>(&here - end);
}
#endif

void run_on_stack(size_t size, const std::function<void()> & body) {
    call it = { body, nullptr };
#ifdef _WIN32
    (void) size; // the libraries used there do not recurse
    call::run(&it);
#else
    pthread_t      thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    const bool started = pthread_attr_setstacksize(&attributes, size) == 0 &&
                         pthread_create(&thread, &attributes, call::run, &it) == 0;
    pthread_attr_destroy(&attributes);
    if (!started) {
        throw invalid_input("there is no memory for a stack of " + std::to_string(size) + " bytes");
    }
    pthread_join(thread, nullptr);
#endif
    if (it.error) {
        std::rethrow_exception(it.error);
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
