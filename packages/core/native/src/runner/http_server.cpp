#include "http_server.hpp"

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "../aborts.hpp"
#include "../engine/request_errors.hpp"
#include "http_access.hpp"

namespace llamapack {

namespace {

constexpr size_t watcher_stack = 256u * 1024;
constexpr auto   between_looks = std::chrono::milliseconds(20);

// The message is upstream's where upstream has one: clients look for it.
std::string unavailable(const std::string & message, json more) {
    more["error"] = format_error_response(message, ERROR_TYPE_UNAVAILABLE);
    return safe_json_to_str(more);
}

} // namespace

// A response of the server core, as the HTTP server takes it. Upstream's waiting requests look up once a second whether
// their client is still there; the server's watcher does it for them.
class watched_response : public server_http_res {
  public:
    watched_response(http_server & server, const server_http_req & from)
        : server(server), is_closed(from.should_stop),
          asked{ from.params, {}, from.path, from.query_string, from.body, from.files, should_stop } {
        server.enter(this);
    }

    ~watched_response() override { leave(); }

    void begin(server_handler handler) {
        const caught_aborts guard;
        report_errors_of([&] { inner = server.core->handle(handler, asked); }, write_whole());
        if (inner != nullptr) {
            status       = inner->status;
            content_type = inner->content_type;
            headers      = inner->headers;
            data         = std::move(inner->data);
            if (inner->is_stream()) {
                inner->data = std::move(data); // its first piece, which its `next` returns
                next        = [this](std::string & piece) { return add(piece); };
            }
        }
        if (const std::string why = server.core->why_failed(); !why.empty()) {
            next = nullptr;
            write_whole()(why, ERROR_TYPE_UNAVAILABLE);
        }
    }

    void on_complete() override {
        if (inner != nullptr) {
            inner->on_complete();
        }
        leave();
    }

    // True once, when its client has gone or it is to end for another reason.
    bool has_news() { return should_stop() && !told.exchange(true); }

  private:
    using writer = std::function<void(const std::string & message, error_type type)>;

    writer write_whole() {
        return [this](const std::string & message, error_type type) {
            const request_error error = describe_error(message, type);
            status                    = error.status;
            content_type              = "application/json; charset=utf-8";
            data                      = error.body;
        };
    }

    bool add(std::string & piece) {
        const caught_aborts guard;
        bool                more  = false;
        const writer        write = [&](const std::string & message, error_type type) {
            piece += "data: " + describe_error(message, type).body + "\n\n"; // after other events of the stream
        };
        report_errors_of([&] { more = inner->next(piece); }, write);
        if (!more) {
            if (const std::string why = server.core->why_failed(); !why.empty()) {
                write(why, ERROR_TYPE_UNAVAILABLE);
            }
        }
        return more;
    }

    void leave() {
        if (!std::exchange(left, true)) {
            server.leave(this);
        }
    }

    http_server &               server;
    const std::function<bool()> is_closed; // asks the connection
    std::atomic<bool>           stopped = false;
    std::atomic<bool>           told    = false;
    bool                        left    = false;

    // true once, true for ever
    const std::function<bool()> should_stop = [this] {
        if (!stopped && (server.ending || is_closed())) {
            stopped = true;
        }
        return stopped.load();
    };
    const server_http_req            asked;
    std::unique_ptr<server_http_res> inner; // refers to `asked`
};

http_server::http_server(const std::string & host, int port, const std::string & api_key, std::function<void()> failed)
    : failed(std::move(failed)) {
    params.hostnames    = { host };
    params.port         = port;
    params.ui           = false;
    params.cors_origins = ""; // no page of another origin may read answers
    if (!api_key.empty()) {
        params.api_keys = { api_key };
    }
    if (!http.init(params)) {
        throw std::runtime_error("llama.cpp's HTTP server cannot be set up");
    }
    adapt_http(http, [this] { return why_not_ready(); });
    for (const route & each : plain_routes()) {
        const auto handler = [this, which = each.handler](const server_http_req & asked) { return answer(which, asked); };
        std::string(each.method) == "GET" ? http.get(each.path, handler) : http.post(each.path, handler);
    }
    http.post("/slots/:id_slot", [this](const server_http_req & asked) { return answer(&server_routes::post_slots, asked); });
    if (!http.start()) {
        throw std::runtime_error("it cannot listen on " + host + (port == 0 ? "" : ", port " + std::to_string(port)));
    }
}

http_server::~http_server() {
    drain(0);
}

void http_server::serve(engine & core) {
    this->core = &core;
    watcher    = std::make_unique<worker_thread>(watcher_stack, [this] { watch(); });
    http.is_ready.store(true);
}

void http_server::tell_progress(const std::string & stage, double done) {
    const std::lock_guard<std::mutex> lock(mutex);
    this->stage = stage;
    this->done  = done;
}

std::string http_server::why_not_ready() {
    const std::lock_guard<std::mutex> lock(mutex);
    if (draining) {
        return unavailable("The server is ending", { { "status", "draining" } });
    }
    return unavailable("Loading model", { { "status", "loading" }, { "stage", stage }, { "progress", done } });
}

void http_server::drain(int seconds) {
    {
        const std::lock_guard<std::mutex> lock(mutex);
        draining = true;
    }
    http.is_ready.store(false); // to stop it would cut off what is being sent
    {
        std::unique_lock<std::mutex> lock(mutex);
        changed.wait_for(lock, std::chrono::seconds(seconds), [this] { return active.empty(); });
        ending = true;
        changed.notify_all();
    }
    http.stop();
    http.join();
    {
        const std::lock_guard<std::mutex> lock(mutex);
        over = true;
        changed.notify_all();
    }
    watcher.reset();
}

server_http_res_ptr http_server::answer(server_handler handler, const server_http_req & asked) {
    auto response = std::make_unique<watched_response>(*this, asked);
    response->begin(handler);
    return response;
}

void http_server::watch() {
    std::unique_lock<std::mutex> lock(mutex);
    bool                         told = false;
    while (!over) {
        changed.wait(lock, [this] { return over || !active.empty(); });
        bool news = false;
        for (watched_response * each : active) {
            news = each->has_news() || news;
        }
        if (news) {
            core->wake();
        }
        if (!told && !core->why_failed().empty()) {
            told   = true;
            ending = true;
            failed();
        }
        changed.wait_for(lock, between_looks, [this] { return over; });
    }
}

void http_server::enter(watched_response * response) {
    const std::lock_guard<std::mutex> lock(mutex);
    active.insert(response);
    changed.notify_all();
}

void http_server::leave(watched_response * response) {
    const std::lock_guard<std::mutex> lock(mutex);
    active.erase(response);
    changed.notify_all();
}

} // namespace llamapack
