#include "responses.hpp"

#include <utility>

namespace llamapack {

namespace {

constexpr int cancelled_status = 499; // as proxies write it of a client that went away

// Wait until `ready`, or so many milliseconds; for ever where they are negative.
template <typename Ready>
bool wait_until(
    std::condition_variable & changed, std::unique_lock<std::mutex> & lock, int32_t timeout_ms, const Ready & ready) {
    if (timeout_ms < 0) {
        changed.wait(lock, ready);
        return true;
    }
    return changed.wait_for(lock, std::chrono::milliseconds(timeout_ms), ready);
}

} // namespace

void inbox::post(uint64_t tag) {
    const std::lock_guard<std::mutex> lock(mutex);
    tags.push_back(tag);
    changed.notify_one();
}

bool inbox::next(int32_t timeout_ms, uint64_t & tag) {
    std::unique_lock<std::mutex> lock(mutex);
    wait_until(changed, lock, timeout_ms, [this] { return woken || !tags.empty(); });
    if (std::exchange(woken, false) || tags.empty()) {
        return false;
    }
    tag = tags.front();
    tags.pop_front();
    return true;
}

void inbox::wake() {
    const std::lock_guard<std::mutex> lock(mutex);
    woken = true;
    changed.notify_all();
}

bool response::begin(int status, const std::string & content_type) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (this->status != 0) {
        return false;
    }
    // The reader learns of it with the first data: a status alone is nothing to wake up for.
    this->status       = status;
    this->content_type = content_type;
    return true;
}

void response::add(std::string && data) {
    if (data.empty()) {
        return;
    }
    const std::lock_guard<std::mutex> lock(mutex);
    if (waiting.empty()) {
        waiting = std::move(data);
    } else {
        waiting += data;
    }
    tell();
}

void response::end() {
    const std::lock_guard<std::mutex> lock(mutex);
    if (cancelled) {
        status = cancelled_status;
        waiting.clear();
    }
    over = true;
    tell();
}

void response::stop(bool cancel, const std::function<void()> & wake) {
    const std::lock_guard<std::mutex> lock(mutex);
    cancelled = cancelled || (cancel && !over);
    if (!over && !stopped.exchange(true)) {
        wake();
    }
}

void response::next(int32_t timeout_ms, llamapack_piece & piece) {
    std::unique_lock<std::mutex> lock(mutex);
    const bool found = wait_until(changed, lock, timeout_ms, [this] { return over || !waiting.empty(); });
    told             = false;
    taken.clear();
    taken.swap(waiting);
    taken_type = content_type;
    piece.kind = !found ? LLAMAPACK_PIECE_TIMEOUT : taken.empty() ? LLAMAPACK_PIECE_END : LLAMAPACK_PIECE_DATA;
    piece.status       = status;
    piece.content_type = taken_type.empty() ? nullptr : taken_type.c_str();
    piece.data         = reinterpret_cast<const uint8_t *>(taken.data());
    piece.size         = taken.size();
}

void response::tell() {
    changed.notify_all();
    const std::shared_ptr<inbox> who = reader.lock();
    if (who != nullptr && !std::exchange(told, true)) {
        who->post(tag);
    }
}

} // namespace llamapack
