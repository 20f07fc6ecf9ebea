// Requests and responses of the chat layer, which are JSON.

#pragma once

#include <nlohmann/json.hpp>

#include "status.hpp"

namespace llamapack {

// Read a JSON object; throws invalid_input for anything else.
inline nlohmann::ordered_json parse_request(const char * request) {
    if (request == nullptr) {
        throw invalid_input("the request is missing");
    }
    auto parsed = nlohmann::ordered_json::parse(request, nullptr, /* allow_exceptions */ false);
    if (!parsed.is_object()) {
        throw invalid_input("the request is not a JSON object");
    }
    return parsed;
}

// JSON as a text that llamapack_string_free takes back; what is not UTF-8 is replaced.
inline char * copy_json(const nlohmann::ordered_json & value) {
    return copy_string(value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

} // namespace llamapack
