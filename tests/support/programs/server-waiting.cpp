// A request that waits for its result, while another one gets results all the time.
//
//   deadline   its should_stop says yes: prints whether it left while the other went on
//   interrupt  its should_stop says yes from now on, and it is told to ask

#include <atomic>
#include <cstdio>
#include <cstring>

#include "server-task.h"

#include "server-queue.h"

static int deadline() {
    server_queue          tasks;
    server_response       results;
    server_response_reader reader(tasks, results, 1);
    reader.post_task([] { server_task task; task.id = 1; return task; }());
    results.add_waiting_task_id(2);

    std::atomic<bool> left = false;
    std::thread       waiting([&] {
        reader.next([] { return true; });
        left = true;
    });
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(4);
    while (!left && std::chrono::steady_clock::now() < end) {
        auto result = std::make_unique<server_task_result>();
        result->id  = 2;
        results.send(std::move(result));
        results.recv(2);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    std::puts(left ? "left while the other went on" : "waited for the other");
    waiting.join();
    return 0;
}

#ifdef HAS_INTERRUPT
static int interrupt() {
    server_queue           tasks;
    server_response        results;
    server_response_reader reader(tasks, results, 3600);
    reader.post_task([] { server_task task; task.id = 1; return task; }());

    std::atomic<int>  asked = 0;
    std::atomic<bool> stop  = false;
    std::thread       waiting([&] { reader.next([&] { ++asked; return stop.load(); }); });
    results.interrupt(); // perhaps before it waits
    while (asked == 0) {
        std::this_thread::yield();
    }
    stop = true;
    results.interrupt();
    waiting.join();
    std::puts("asked twice");
    return asked == 2 ? 0 : 1;
}
#endif

int main(int, char ** argv) {
#ifdef HAS_INTERRUPT
    if (std::strcmp(argv[1], "interrupt") == 0) {
        return interrupt();
    }
#endif
    return std::strcmp(argv[1], "deadline") == 0 ? deadline() : 2;
}
