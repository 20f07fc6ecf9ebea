#include "worker_thread.hpp"

#include <clocale>
#include <stdexcept>
#include <utility>

#ifdef _WIN32
#    include <process.h>
#    include <windows.h>
#else
#    include <csignal>
#    include <locale.h>
#    include <pthread.h>
#    ifdef __APPLE__
#        include <xlocale.h>
#    endif
#endif

namespace llamapack {

#ifdef _WIN32

struct worker_thread::handle {
    std::function<void()> body;
    HANDLE                thread = nullptr;

    static unsigned __stdcall run(void * self) {
        const c_numbers numbers;
        static_cast<handle *>(self)->body();
        return 0;
    }
};

worker_thread::worker_thread(size_t stack_size, std::function<void()> body) : thread(std::make_unique<handle>()) {
    thread->body   = std::move(body);
    thread->thread = reinterpret_cast<HANDLE>(_beginthreadex(
        nullptr, static_cast<unsigned>(stack_size), handle::run, thread.get(), STACK_SIZE_PARAM_IS_A_RESERVATION, nullptr));
    if (thread->thread == nullptr) {
        throw std::runtime_error("the system starts no further thread");
    }
}

worker_thread::~worker_thread() {
    WaitForSingleObject(thread->thread, INFINITE);
    CloseHandle(thread->thread);
}

c_numbers::c_numbers() {
    _configthreadlocale(_ENABLE_PER_THREAD_LOCALE);
    std::setlocale(LC_NUMERIC, "C");
}

c_numbers::~c_numbers() {
    _configthreadlocale(_DISABLE_PER_THREAD_LOCALE);
}

#else

struct worker_thread::handle {
    std::function<void()> body;
    pthread_t             thread = {};

    static void * run(void * self) {
        const c_numbers numbers;
        static_cast<handle *>(self)->body();
        return nullptr;
    }
};

worker_thread::worker_thread(size_t stack_size, std::function<void()> body) : thread(std::make_unique<handle>()) {
    thread->body = std::move(body);

    sigset_t others;
    sigset_t previous;
    sigfillset(&others);
    for (const int own : { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS }) {
        sigdelset(&others, own); // a thread's own mistakes: whoever reports them still shall
    }
    constexpr size_t page = 64u * 1024; // or several: macOS takes no parts of one
    stack_size            = (stack_size + page - 1) / page * page;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_sigmask(SIG_SETMASK, &others, &previous); // a new thread has the mask of the one that makes it
    const bool started = pthread_attr_setstacksize(&attributes, stack_size) == 0 &&
                         pthread_create(&thread->thread, &attributes, handle::run, thread.get()) == 0;
    pthread_sigmask(SIG_SETMASK, &previous, nullptr);
    pthread_attr_destroy(&attributes);
    if (!started) {
        throw std::runtime_error("the system starts no further thread");
    }
}

worker_thread::~worker_thread() {
    pthread_join(thread->thread, nullptr);
}

c_numbers::c_numbers() {
    static const locale_t c = newlocale(LC_NUMERIC_MASK, "C", static_cast<locale_t>(nullptr));
    previous                = c == static_cast<locale_t>(nullptr) ? nullptr : uselocale(c);
}

c_numbers::~c_numbers() {
    if (previous != nullptr) {
        uselocale(static_cast<locale_t>(previous));
    }
}

#endif

} // namespace llamapack
