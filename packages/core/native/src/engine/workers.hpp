// Threads for calls that wait: one for each request that is under way, kept for later ones.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "../worker_thread.hpp"

namespace llamapack {

class workers {
  public:
    // At most `most` threads; further jobs wait for one.
    explicit workers(size_t most) : most(most) {}
    ~workers() { finish(); }
    workers(const workers &) = delete;
    workers & operator=(const workers &) = delete;

    // Let a thread run `job`, which must not throw. Throws std::runtime_error where there is no thread to do it.
    void run(std::function<void()> job);

    // Return when all jobs are done and the threads are gone.
    void finish();

  private:
    void work();

    const size_t                                most;
    std::mutex                                  mutex;
    std::condition_variable                     changed;
    std::deque<std::function<void()>>           jobs;
    size_t                                      idle      = 0;
    bool                                        finishing = false;
    std::vector<std::unique_ptr<worker_thread>> threads;
};

} // namespace llamapack
