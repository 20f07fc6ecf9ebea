// One model with llama.cpp's server core around it: a thread that computes, and threads that wait for it.

#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "common.h"
#include "llamapack.h"
#include "responses.hpp"
#include "routes.hpp"
#include "server-context.h"
#include "../worker_thread.hpp"
#include "workers.hpp"

namespace llamapack {

struct request {
    std::string                          method;
    std::string                          target;
    std::string                          body;
    std::map<std::string, uploaded_file> files;
};

class engine {
  public:
    // Load, and start; throws as read_engine_options does, `cancelled` where the callback stops it, and std::exception.
    engine(const char * options, llamapack_load_callback progress);
    ~engine() { stop(); }
    engine(const engine &) = delete;
    engine & operator=(const engine &) = delete;

    // Begin to work on a request; throws `conflict` after `stop`.
    std::shared_ptr<response> begin(request what, std::weak_ptr<inbox> reader, uint64_t tag);

    // Let `of` end as soon as may be, whether the engine still is or not.
    static void cancel(const std::weak_ptr<engine> & from, response & of);

    // Answer a request on the calling thread, whose stack may be small. `asked` must outlive what is returned, and is asked
    // whether to stop: after it begins to say so, call `wake`. Throws what report_errors_of takes.
    std::unique_ptr<server_http_res> handle(server_handler handler, const server_http_req & asked);

    // Whether what is remembered of a prompt can be cut off at any token: it has neither a recurrent state nor a window.
    bool can_roll_back() const;

    // Make all requests that wait ask whether to stop.
    void wake();

    // Why nothing is computed any more; empty as long as it is.
    std::string why_failed();

    void stop();

  private:
    void load(llamapack_load_callback progress);
    void start();
    void compute() noexcept;
    void fail(const std::string & why) noexcept;

    void work(const std::shared_ptr<response> & to, request & what) noexcept;
    std::string leave(const std::shared_ptr<response> & done); // returns `failure`
    void answer(response & to, request & what);
    void stream(response & to, server_http_res & from);

    common_params                params; // the core refers to it: it is to be destroyed last
    server_context               core;
    std::optional<server_routes> routes;
    const llama_model *          model = nullptr;
    const llama_vocab *          vocab = nullptr;

    std::mutex                          mutex;
    std::set<std::shared_ptr<response>> active;
    bool                                stopping = false;
    std::string                         failure; // why the computing thread ended

    std::mutex                     stop_once;
    workers                        pool;
    std::unique_ptr<worker_thread> loop;
};

} // namespace llamapack
