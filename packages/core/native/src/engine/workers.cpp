#include "workers.hpp"

#include <utility>

namespace llamapack {

namespace {

// Upstream parses JSON, templates and grammars by recursion; it should be more than engine.cpp's request_stack.
constexpr size_t stack_size = 16 * 1024 * 1024;

} // namespace

void workers::run(std::function<void()> job) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (jobs.size() >= idle && threads.size() < most) {
        try {
            threads.push_back(std::make_unique<worker_thread>(stack_size, [this] { work(); }));
        } catch (const std::exception &) {
            if (threads.empty()) {
                throw;
            }
            // then it waits for one of those there are
        }
    }
    jobs.push_back(std::move(job));
    changed.notify_one();
}

void workers::finish() {
    std::vector<std::unique_ptr<worker_thread>> ending;
    {
        const std::lock_guard<std::mutex> lock(mutex);
        finishing = true;
        ending.swap(threads);
        changed.notify_all();
    }
    ending.clear(); // waits for each
}

void workers::work() {
    std::unique_lock<std::mutex> lock(mutex);
    while (true) {
        ++idle;
        changed.wait(lock, [this] { return finishing || !jobs.empty(); });
        --idle;
        if (jobs.empty()) {
            return;
        }
        const std::function<void()> job = std::move(jobs.front());
        jobs.pop_front();
        lock.unlock();
        job();
        lock.lock();
    }
}

} // namespace llamapack
