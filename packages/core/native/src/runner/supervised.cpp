#include "supervised.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "../engine/engine.hpp"
#include "../status.hpp"
#include "backends.hpp"
#include "http_server.hpp"
#include "llamapack.h"
#include "memory.hpp"
#include "process.hpp"
#include "reports.hpp"

namespace {

using json = nlohmann::ordered_json;
using llamapack::invalid_input;

constexpr int log_descriptor    = 2;
constexpr int default_drain     = 30; // seconds
constexpr int failed_status     = 1;
constexpr int interrupted_after = 2;  // requests to terminate

// Levels as syslog numbers them, by ggml's.
void log_line(const llamapack_log_line * line) {
    const int level = line->level >= GGML_LOG_LEVEL_ERROR  ? 3
                      : line->level == GGML_LOG_LEVEL_WARN ? 4
                      : line->level == GGML_LOG_LEVEL_INFO ? 6
                                                           : 7;
    llamapack::write_all(log_descriptor, "<" + std::to_string(level) + ">" + line->text + "\n");
}

struct configuration {
    std::string              options;
    std::vector<std::string> libraries;
    std::vector<std::string> preload;
    std::string              host;
    bool                     own_folder;
    int                      port;
    std::string              api_key;
    int                      log_level;
    int                      drain_seconds;
    bool                     asks; // says what memory it will take, and waits for the word to load
};

configuration read_configuration(const std::string & line) {
    try {
        const json        given = json::parse(line);
        const std::string key   = given.at("api_key");
        if (key.empty()) {
            throw invalid_input("api_key is empty: everybody on this machine could ask");
        }
        return {
            given.at("options").dump(),
            given.at("libraries").get<std::vector<std::string>>(),
            given.value("preload", std::vector<std::string>()),
            given.value("host", "127.0.0.1"),
            given.value("own_folder", false),
            given.value("port", 0),
            key,
            given.value("log_level", static_cast<int>(GGML_LOG_LEVEL_WARN)),
            given.value("drain_seconds", default_drain),
            given.value("ask", false),
        };
    } catch (const json::exception & problem) {
        throw invalid_input(std::string("the configuration cannot be read: ") + problem.what());
    }
}

// One runner; there is one in a process.
class runner {
  public:
    explicit runner(int descriptor) : out(descriptor) {}

    int run();
    void terminate();

  private:
    static bool on_progress(const llamapack_load_step * step);
    void        serve(const configuration & wanted);
    void        ask(const configuration & wanted);
    void        hear(const std::string & line);
    void        remove_own_socket(const configuration & wanted) const noexcept;
    void        fail(const char * kind, const std::string & why);

    llamapack::reports      out;
    std::mutex              mutex;
    std::condition_variable changed;
    llamapack::http_server * http        = nullptr; // while it serves
    std::atomic<bool>       listens      = false;
    std::atomic<int>        terminations = 0;
    bool                    failed       = false; // the engine computes no more
    std::string             word;                 // the last line from the supervisor
};

runner * the_runner = nullptr;

void runner::terminate() {
    const std::lock_guard<std::mutex> lock(mutex);
    if (++terminations >= interrupted_after) {
        std::_Exit(failed_status);
    }
    changed.notify_all();
}

bool runner::on_progress(const llamapack_load_step * step) {
    const double done = (step->number - 1 + step->part) / std::max(step->count, 1);
    the_runner->http->tell_progress(step->stage, std::min(done, 1.0));
    the_runner->out.tell({ { "state", "loading" },
                           { "stage", step->stage },
                           { "number", step->number },
                           { "count", step->count },
                           { "part", step->part } });
    return the_runner->terminations == 0;
}

void runner::serve(const configuration & wanted) {
    llamapack::http_server http(wanted.host, wanted.port, wanted.api_key, [this] {
        const std::lock_guard<std::mutex> lock(mutex);
        failed = true;
        changed.notify_all();
    });
    this->http = &http;
    listens    = true;
    out.tell({ { "state", "listening" }, { "address", http.address() } });
    llamapack::load_backends(wanted.preload, wanted.libraries);
    if (wanted.asks) {
        ask(wanted);
    }
    llamapack::engine engine(wanted.options.c_str(), on_progress);
    http.serve(engine);
    out.tell({ { "state", "ready" }, { "can_roll_back", engine.can_roll_back() } });
    {
        std::unique_lock<std::mutex> lock(mutex);
        changed.wait(lock, [this] { return failed || terminations > 0; });
    }
    if (failed) {
        http.drain(1); // its requests get the reason
        throw std::runtime_error(engine.why_failed());
    }
    out.tell({ { "state", "draining" } });
    http.drain(wanted.drain_seconds);
    remove_own_socket(wanted);
}

void runner::hear(const std::string & line) {
    const std::lock_guard<std::mutex> lock(mutex);
    word = line;
    changed.notify_all();
}

// Say what memory there is, and how much of it the model will take, as often as the supervisor wants to know it; return
// when it says to load.
void runner::ask(const configuration & wanted) {
    const llamapack::memory_needs needs(wanted.options);
    for (std::string heard = "measure"; heard == "measure";) {
        out.tell({ { "state", "measured" }, { "devices", needs.describe() }, { "error", needs.failure() } });
        std::unique_lock<std::mutex> lock(mutex);
        changed.wait(lock, [this] { return !word.empty() || terminations > 0; });
        if (terminations > 0) {
            throw llamapack::cancelled("stopped before it was to load");
        }
        heard = std::exchange(word, "");
    }
}

void runner::remove_own_socket(const configuration & wanted) const noexcept {
    if (listens) { // or it is another's
        llamapack::remove_socket(wanted.host, wanted.own_folder);
    }
}

void runner::fail(const char * kind, const std::string & why) {
    out.tell({ { "state", "failed" }, { "kind", kind }, { "error", why } });
}

int runner::run() {
    try {
        for (const char * name : { "AIP_MODE", "AIP_HTTP_PORT", "AIP_HEALTH_ROUTE", "AIP_PREDICT_ROUTE" }) {
            llamapack::forget_variable(name); // upstream's HTTP server reads them, and would take their port
        }
        llamapack::on_terminate([this] { terminate(); });
        const configuration wanted = read_configuration(llamapack::read_line_of_standard_input());
        llamapack::listen_to_supervisor([this](const std::string & line) { hear(line); },
                                        [this, wanted] {
                                            remove_own_socket(wanted);
                                            std::_Exit(failed_status);
                                        });
        llamapack_log_set(log_line, wanted.log_level);
        serve(wanted);
    } catch (const llamapack::cancelled &) {
        // it was to terminate while it loaded
    } catch (const invalid_input & problem) {
        fail("options", problem.what());
        return failed_status;
    } catch (const llamapack::conflict & problem) {
        fail("conflict", problem.what());
        return failed_status;
    } catch (const std::bad_alloc &) {
        fail("memory", "out of memory");
        return failed_status;
    } catch (const std::exception & problem) {
        fail("internal", problem.what());
        return failed_status;
    }
    out.tell({ { "state", "stopped" } });
    return 0;
}

} // namespace

namespace llamapack {

int run_supervised() {
    try {
        static runner one(take_over_standard_output());
        the_runner = &one;
        return one.run();
    } catch (...) {
        return failed_status;
    }
}

} // namespace llamapack
