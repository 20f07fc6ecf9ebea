#include "engine.hpp"

#include <algorithm>
#include <exception>
#include <functional>
#include <new>
#include <stdexcept>
#include <typeinfo>
#include <utility>
#include <vector>

#include "../aborts.hpp"
#include "../deep_stack.hpp"
#include "../status.hpp"
#include "llama.h"
#include "options.hpp"
#include "request_check.hpp"
#include "request_errors.hpp"
#include "routes.hpp"
#include "server-common.h"
#include "slot_files.hpp"

namespace llamapack {

namespace {

constexpr size_t most_requests  = 512;                 // at once; more of them wait
constexpr size_t loop_stack     = 64u * 1024 * 1024;   // grammars and std::regex recurse with what was generated
constexpr size_t request_stack  = 8u * 1024 * 1024;    // for a request, but for splitting its texts
constexpr size_t largest_stack  = 1024u * 1024 * 1024; // for splitting them

// Upstream keeps tables without a lock for which memory a model will need.
std::mutex loading;

struct load_stopped : std::runtime_error {
    load_stopped() : std::runtime_error("stopped by the callback") {}
};

void write_error(response & to, const std::string & message, error_type type) {
    const request_error error = describe_error(message, type);
    if (to.begin(error.status, "application/json; charset=utf-8")) {
        to.add(std::string(error.body));
    } else {
        to.add("data: " + error.body + "\n\n"); // after other events of a stream
    }
}

// Run `body`, which writes an error; where there is no memory even for that, the response just ends.
void try_to(const std::function<void()> & body) noexcept {
    try {
        body();
    } catch (...) {
    }
}

// The file that a request saves a slot to, or restores it from; empty for other requests, and for names that upstream
// refuses.
std::string file_of_slot(const server_http_req & asked, const common_params & params) {
    const std::string action = asked.get_param("action");
    if (asked.params.count("id_slot") == 0 || params.slot_save_path.empty() || (action != "save" && action != "restore")) {
        return "";
    }
    const std::string name = json::parse(asked.body).at("filename").get<std::string>();
    return fs_validate_filename(name) ? params.slot_save_path + name : "";
}

// Upstream's handlers throw plain runtime_error for most of what is wrong in a request, and its HTTP server calls that a
// fault of its own. Only what the model wrote is no mistake of the caller: a handler reads it, if it is to return it whole.
void report_wrong_requests(const std::function<void()> & handle) {
    static const std::string of_model = "The model produced output";
    try {
        handle();
    } catch (const std::runtime_error & problem) {
        const std::string message = problem.what();
        if (typeid(problem) != typeid(std::runtime_error) || message.compare(0, of_model.size(), of_model) == 0) {
            throw;
        }
        throw invalid_input(message);
    } catch (const std::out_of_range &) { // such as a token that the vocabulary does not have
        throw invalid_input("a number in the request is out of range");
    }
}

// All of a response, when it has ended.
std::string read(response & from) {
    std::string     text;
    llamapack_piece piece = {};
    for (from.next(-1, piece); piece.kind != LLAMAPACK_PIECE_END; from.next(-1, piece)) {
        text.append(reinterpret_cast<const char *>(piece.data), piece.size);
    }
    return text;
}

} // namespace

engine::engine(const char * options, llamapack_load_callback progress) : pool(most_requests) {
    const c_numbers     numbers;
    const caught_aborts guard;
    llama_backend_init();
    params = read_engine_options(options);
    load(progress);
    try {
        start();
    } catch (...) {
        stop();
        throw;
    }
}

void engine::load(llamapack_load_callback progress) {
    bool stopped = false;
    core.set_state_callback([&](server_state, const json & payload) {
        if (progress == nullptr || !payload.contains("current")) {
            return;
        }
        const auto                stages = payload.at("stages").get<std::vector<std::string>>();
        const std::string         stage  = payload.at("current").get<std::string>();
        const auto                place  = std::find(stages.begin(), stages.end(), stage) - stages.begin();
        const llamapack_load_step step   = { stage.c_str(), static_cast<int32_t>(place) + 1,
                                             static_cast<int32_t>(stages.size()), payload.at("value").get<float>() };
        if (stopped || !progress(&step)) {
            stopped = true;
            throw load_stopped(); // upstream's callbacks return nothing, and where it calls them it catches this
        }
    });
    routes.emplace(params, core);
    bool loaded = false;
    try {
        const std::lock_guard<std::mutex> one_at_a_time(loading);
        loaded = core.load_model(params);
    } catch (const load_stopped &) {
        // the very first call comes from outside of what catches
    }
    core.set_state_callback([](server_state, const json &) {});
    if (stopped) {
        throw cancelled("loading was stopped by the callback");
    }
    if (!loaded) {
        throw std::runtime_error("llama.cpp cannot load the model; its log says why");
    }
}

void engine::start() {
    routes->update_meta(core);
    model = llama_get_model(core.get_llama_context());
    vocab = llama_model_get_vocab(model);
    loop  = std::make_unique<worker_thread>(loop_stack, [this] { compute(); });
    // Upstream's loop forgets that it was terminated before it began: wait until it answers something.
    const json slots = json::parse(read(*begin({ "GET", "/slots", "", {} }, {}, 0)));
    // Upstream goes on without the speculation that was asked for: a draft of another vocabulary, a table that is not there.
    const bool wanted = params.speculative.types != std::vector{ COMMON_SPECULATIVE_TYPE_NONE };
    if (wanted && slots.is_array() && !slots.at(0).at("speculative").get<bool>()) {
        throw conflict("the speculation that the options ask for does not work with this model");
    }
}

bool engine::can_roll_back() const {
    const bool windowed = llama_model_n_swa(model) > 0 && !params.swa_full;
    return !windowed && !llama_model_is_recurrent(model) && !llama_model_is_hybrid(model);
}

void engine::compute() noexcept {
    const caught_aborts guard;
    try {
        core.start_loop();
    } catch (const std::exception & problem) {
        fail(problem.what());
    } catch (...) {
        fail("an exception of unknown type");
    }
}

void engine::fail(const std::string & why) noexcept {
    try {
        const std::lock_guard<std::mutex> lock(mutex);
        failure = "the engine has stopped computing, close it: " + why;
        for (const auto & each : active) {
            each->stop(/* cancel */ false, [this] { wake(); });
        }
    } catch (...) {
        // there is not even memory for saying so
    }
}

void engine::wake() {
    core.get_response_reader().queue_results.interrupt();
}

std::shared_ptr<response> engine::begin(request what, std::weak_ptr<inbox> reader, uint64_t tag) {
    const std::shared_ptr<response> to    = std::make_shared<response>(std::move(reader), tag);
    const std::shared_ptr<request>  moved = std::make_shared<request>(std::move(what));

    const std::lock_guard<std::mutex> lock(mutex);
    if (stopping) {
        throw conflict("the engine was stopped");
    }
    active.insert(to);
    try {
        pool.run([this, to, moved] { work(to, *moved); });
    } catch (...) {
        active.erase(to);
        throw;
    }
    return to;
}

void engine::work(const std::shared_ptr<response> & to, request & what) noexcept {
    const caught_aborts guard;
    const auto write = [&](const std::string & message, error_type type) { write_error(*to, message, type); };
    try_to([&] { report_errors_of([&] { answer(*to, what); }, write); });
    try_to([&] {
        if (const std::string why = leave(to); !why.empty()) {
            write_error(*to, why, ERROR_TYPE_UNAVAILABLE);
        }
    });
    to->end();
}

std::string engine::why_failed() {
    const std::lock_guard<std::mutex> lock(mutex);
    return failure;
}

std::string engine::leave(const std::shared_ptr<response> & done) {
    const std::lock_guard<std::mutex> lock(mutex);
    active.erase(done);
    return failure;
}

void engine::answer(response & to, request & what) {
    {
        const std::lock_guard<std::mutex> lock(mutex);
        if (!failure.empty()) {
            return;
        }
    }
    if (to.should_stop()) {
        return;
    }
    target               where   = parse_target(what.target);
    const server_handler handler = find_handler(what.method, where);
    if (handler == nullptr) {
        write_error(to, "there is no " + what.method + " " + where.path, ERROR_TYPE_NOT_FOUND);
        return;
    }
    const server_http_req asked = { std::move(where.parameters), {}, std::move(where.path), std::move(where.query),
                                    std::move(what.body), std::move(what.files), to.should_stop };
    const std::unique_ptr<server_http_res> result = handle(handler, asked);
    stream(to, *result);
    result->on_complete();
}

std::unique_ptr<server_http_res> engine::handle(server_handler handler, const server_http_req & asked) {
    const size_t stack = asked.body.empty() ? 0 : check_request(asked.path, asked.body, vocab);
    if (stack > largest_stack) {
        throw invalid_input("a text in the request has too long a run without blanks");
    }
    const std::string slot_file = file_of_slot(asked, params);
    if (!slot_file.empty() && asked.get_param("action") == "restore") {
        check_slot_file(slot_file, model);
    }
    std::unique_ptr<server_http_res> result;
    run_with_stack(stack + request_stack, [&] {
        const caught_aborts guard;
        report_wrong_requests([&] { result = ((*routes).*handler)(asked); });
    });
    if (!slot_file.empty() && asked.get_param("action") == "save" && result->status == 200) {
        seal_slot_file(slot_file, model);
    }
    return result;
}

void engine::stream(response & to, server_http_res & from) {
    if (to.should_stop()) {
        return; // what upstream returns then is no answer
    }
    to.begin(from.status, from.content_type);
    if (!from.is_stream()) {
        to.add(std::move(from.data));
        return;
    }
    for (bool more = true; more;) {
        std::string data;
        more = from.next(data);
        to.add(std::move(data));
    }
}

void engine::cancel(const std::weak_ptr<engine> & from, response & of) {
    const std::shared_ptr<engine> whole = from.lock();
    of.stop(/* cancel */ true, [&] {
        if (whole != nullptr) {
            whole->wake();
        }
    });
}

void engine::stop() {
    const std::lock_guard<std::mutex> once(stop_once);
    {
        const std::lock_guard<std::mutex> lock(mutex);
        stopping = true;
        for (const auto & each : active) {
            each->stop(/* cancel */ true, [this] { wake(); });
        }
    }
    pool.finish();
    if (loop != nullptr) {
        core.terminate();
        loop.reset();
    }
}

} // namespace llamapack
