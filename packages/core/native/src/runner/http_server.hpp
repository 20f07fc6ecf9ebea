// An engine behind llama.cpp's HTTP server: its sockets, its keys and its streams, and the engine's checks and answers.

#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "../engine/engine.hpp"
#include "../worker_thread.hpp"
#include "server-http.h"

namespace llamapack {

class watched_response;

class http_server {
  public:
    // Listen; requests are answered with 503 until `serve`. `host` may be the path of a Unix socket. Throws
    // std::runtime_error where that is not possible. `failed` is called, on any thread, when the engine computes no more.
    http_server(const std::string & host, int port, const std::string & api_key, std::function<void()> failed);
    ~http_server();
    http_server(const http_server &) = delete;
    http_server & operator=(const http_server &) = delete;

    std::string address() const { return http.listening_addresses.at(0); }

    // Give requests to `core`, which must outlive this.
    void serve(engine & core);

    // Say in answers that a model is loaded: what of it, and how much of all is done, from 0 to 1.
    void tell_progress(const std::string & stage, double done);

    // Take no more requests, and wait for those under way; after so many seconds, end them.
    void drain(int seconds);

  private:
    friend class watched_response;

    server_http_res_ptr answer(server_handler handler, const server_http_req & asked);
    void watch();
    void enter(watched_response * response);
    void leave(watched_response * response);
    std::string why_not_ready();

    common_params         params; // `http` refers to it
    server_http_context   http;
    engine *              core = nullptr;
    std::function<void()> failed;

    std::mutex                   mutex;
    std::condition_variable      changed;
    std::set<watched_response *> active;
    std::atomic<bool>            ending = false; // all requests are to end
    bool                         over   = false;
    std::string                  stage;        // of loading
    double                       done = 0;
    bool                         draining = false;

    std::unique_ptr<worker_thread> watcher;
};

} // namespace llamapack
