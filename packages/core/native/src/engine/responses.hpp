// Requests and what comes of them: a worker writes a response piece by piece, one reader takes the pieces.

#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "llamapack.h"

namespace llamapack {

// Tags of requests that have something to take, each at most once.
class inbox {
  public:
    void post(uint64_t tag);
    bool next(int32_t timeout_ms, uint64_t & tag);
    void wake();

  private:
    std::mutex              mutex;
    std::condition_variable changed;
    std::deque<uint64_t>    tags;
    bool                    woken = false;
};

// The worker's side of a response, and the reader's. The worker calls begin, add any number of times, and end.
class response {
  public:
    response(std::weak_ptr<inbox> reader, uint64_t tag) : reader(std::move(reader)), tag(tag) {}

    // Asked by upstream, on the worker's thread: true once, true for ever.
    const std::function<bool()> should_stop = [this] { return stopped.load(std::memory_order_relaxed); };

    // Returns false, and changes nothing, if it had begun.
    bool begin(int status, const std::string & content_type);
    void add(std::string && data);
    void end();

    // Ask the worker to stop, and call `wake` if it is still at work, which ends its waiting. `cancel` drops what it has
    // added, and what it will add.
    void stop(bool cancel, const std::function<void()> & wake);

    void next(int32_t timeout_ms, llamapack_piece & piece);

  private:
    void tell();

    const std::weak_ptr<inbox> reader;
    const uint64_t             tag;

    std::atomic<bool> stopped = false;

    std::mutex              mutex;
    std::condition_variable changed;
    int                     status = 0;
    std::string             content_type;
    std::string             waiting; // added, and not taken
    bool                    over      = false;
    bool                    cancelled = false;
    bool                    told = false; // the inbox knows, and the reader did not come yet

    std::string taken; // the reader's: what its last piece points to
    std::string taken_type;
};

} // namespace llamapack
