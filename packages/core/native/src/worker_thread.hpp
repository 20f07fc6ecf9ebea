// Threads of ours: with room for deep recursion, deaf to signals from outside, and with numbers written as in C.

#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace llamapack {

class worker_thread {
  public:
    // Start `body`, which must not throw, with a stack of `stack_size` bytes, taken as they are used; throws
    // std::runtime_error where the system has no such thread.
    worker_thread(size_t stack_size, std::function<void()> body);
    ~worker_thread(); // waits for the end of `body`
    worker_thread(const worker_thread &) = delete;
    worker_thread & operator=(const worker_thread &) = delete;

  private:
    struct handle;
    std::unique_ptr<handle> thread;
};

// While it lives, the present thread reads and writes numbers as in C, whatever the process does: llama.cpp uses
// functions that depend on it.
class c_numbers {
  public:
    c_numbers();
    ~c_numbers();
    c_numbers(const c_numbers &) = delete;
    c_numbers & operator=(const c_numbers &) = delete;

  private:
    [[maybe_unused]] void * previous = nullptr; // not on Windows
};

} // namespace llamapack
