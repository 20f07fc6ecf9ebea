// The C interface of engines, requests and inboxes.

#include <memory>
#include <string>
#include <utility>

#include "../status.hpp"
#include "engine.hpp"
#include "llamapack.h"
#include "options.hpp"
#include "responses.hpp"

struct llamapack_engine {
    std::shared_ptr<llamapack::engine> engine;
};

struct llamapack_request {
    std::weak_ptr<llamapack::engine>     engine;
    std::shared_ptr<llamapack::response> response;
};

struct llamapack_inbox {
    std::shared_ptr<llamapack::inbox> inbox = std::make_shared<llamapack::inbox>();
};

namespace {

using llamapack::invalid_input;

std::string text_or_empty(const char * text) {
    return text == nullptr ? "" : text;
}

std::map<std::string, uploaded_file> files_of(const llamapack_upload * uploads, size_t count) {
    std::map<std::string, uploaded_file> files;
    for (size_t i = 0; i < count; ++i) {
        const llamapack_upload & each = uploads[i];
        files[text_or_empty(each.field)] = { raw_buffer(each.data, each.data + each.size), text_or_empty(each.file_name),
                                             text_or_empty(each.content_type) };
    }
    return files;
}

} // namespace

const char * llamapack_engine_options(void) {
    static const std::unique_ptr<const std::string> table = []() -> std::unique_ptr<const std::string> {
        try {
            return std::make_unique<const std::string>(llamapack::describe_engine_options());
        } catch (...) {
            return nullptr;
        }
    }();
    return table == nullptr ? nullptr : table->c_str();
}

llamapack_status llamapack_engine_new(
    const char * options, llamapack_load_callback progress, llamapack_engine ** out, char ** error) {
    return llamapack::guarded(error, [&] {
        if (options == nullptr || out == nullptr) {
            throw invalid_input("the options or the place for the result is missing");
        }
        *out        = nullptr;
        auto handle = std::make_unique<llamapack_engine>();
        handle->engine = std::make_shared<llamapack::engine>(options, progress);
        *out           = handle.release();
    });
}

void llamapack_engine_stop(llamapack_engine * engine) {
    if (engine != nullptr) {
        llamapack::guarded(nullptr, [&] { engine->engine->stop(); });
    }
}

void llamapack_engine_free(llamapack_engine * engine) {
    llamapack_engine_stop(engine);
    delete engine;
}

llamapack_status llamapack_inbox_new(llamapack_inbox ** out, char ** error) {
    return llamapack::guarded(error, [&] {
        if (out == nullptr) {
            throw invalid_input("the place for the result is missing");
        }
        *out = new llamapack_inbox();
    });
}

bool llamapack_inbox_next(llamapack_inbox * inbox, int32_t timeout_ms, uint64_t * tag) {
    bool found = false;
    llamapack::guarded(nullptr, [&] { found = inbox->inbox->next(timeout_ms, *tag); });
    return found;
}

void llamapack_inbox_wake(llamapack_inbox * inbox) {
    llamapack::guarded(nullptr, [&] { inbox->inbox->wake(); });
}

void llamapack_inbox_free(llamapack_inbox * inbox) {
    delete inbox;
}

llamapack_status llamapack_request_new(
    llamapack_engine * engine, const char * method, const char * target, const char * body, size_t body_size,
    const llamapack_upload * uploads, size_t n_uploads, llamapack_inbox * inbox, uint64_t tag, llamapack_request ** out,
    char ** error) {
    return llamapack::guarded(error, [&] {
        if (engine == nullptr || method == nullptr || target == nullptr || out == nullptr) {
            throw invalid_input("the engine, the method, the path or the place for the result is missing");
        }
        *out                    = nullptr;
        llamapack::request what = { method, target, std::string(body == nullptr ? "" : body, body_size),
                                    files_of(uploads, n_uploads) };
        auto handle      = std::make_unique<llamapack_request>();
        handle->engine   = engine->engine;
        handle->response = engine->engine->begin(
            std::move(what), inbox == nullptr ? std::weak_ptr<llamapack::inbox>() : inbox->inbox, tag);
        *out = handle.release();
    });
}

void llamapack_request_next(llamapack_request * request, int32_t timeout_ms, llamapack_piece * piece) {
    *piece = { LLAMAPACK_PIECE_END, 0, nullptr, nullptr, 0 };
    llamapack::guarded(nullptr, [&] { request->response->next(timeout_ms, *piece); });
}

void llamapack_request_cancel(llamapack_request * request) {
    llamapack::guarded(nullptr, [&] { llamapack::engine::cancel(request->engine, *request->response); });
}

void llamapack_request_free(llamapack_request * request) {
    if (request != nullptr) {
        llamapack_request_cancel(request);
        delete request;
    }
}
