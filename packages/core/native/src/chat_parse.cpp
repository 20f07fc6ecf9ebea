// Answers taken apart: what is text, thinking and calls of tools.

#include <algorithm>
#include <cstddef>
#include <string>

#include <nlohmann/json.hpp>

#include "chat.h"
#include "chat_json.hpp"
#include "deep_stack.hpp"
#include "status.hpp"

namespace {

using json = nlohmann::ordered_json;
using llamapack::conflict;
using llamapack::invalid_input;

// Upstream's parser recurses for every array and object within another.
constexpr size_t stack_per_level = 16 * 1024;
constexpr size_t other_stack     = 256 * 1024;
constexpr size_t most_levels     = 60000; // a stack of almost 1 GiB, which is taken as it is used

common_chat_format format_of(const std::string & name) {
    for (int format = 0; format < COMMON_CHAT_FORMAT_COUNT; ++format) {
        if (name == common_chat_format_name(static_cast<common_chat_format>(format))) {
            return static_cast<common_chat_format>(format);
        }
    }
    throw invalid_input("there is no format '" + name + "'");
}

common_chat_parser_params params_of(const json & request) {
    common_chat_parser_params params;
    try {
        params.format            = format_of(request.value("format", ""));
        params.generation_prompt = request.value("generation_prompt", "");
        const std::string parser = request.value("parser", "");
        if (!parser.empty()) {
            params.parser.load(parser);
        }
    } catch (const std::exception & problem) {
        throw invalid_input(problem.what());
    }
    return params;
}

common_chat_msg parse(const std::string & text, bool partial, const common_chat_parser_params & params) {
    const auto   opens  = [](char letter) { return letter == '[' || letter == '{'; };
    const size_t levels = static_cast<size_t>(std::count_if(text.begin(), text.end(), opens));
    if (levels > most_levels) {
        throw invalid_input("the text has " + std::to_string(levels) + " opening brackets, which are too many");
    }
    common_chat_msg message;
    llamapack::run_with_stack(other_stack + levels * stack_per_level, [&] {
        try {
            message = common_chat_parse(text, partial, params);
        } catch (const std::bad_alloc &) {
            throw;
        } catch (const std::exception & problem) {
            throw conflict(problem.what());
        }
    });
    return message;
}

json response_of(const common_chat_msg & message) {
    json calls = json::array();
    for (const auto & call : message.tool_calls) {
        calls.push_back({ { "id", call.id }, { "name", call.name }, { "arguments", call.arguments } });
    }
    return {
        { "content", message.content },
        { "thinking", message.reasoning_content },
        { "tool_calls", calls },
    };
}

} // namespace

llamapack_status llamapack_chat_parse(const char * request, char ** response, char ** error) {
    return llamapack::guarded(error, [&] {
        if (response == nullptr) {
            throw invalid_input("the place for the response is missing");
        }
        *response        = nullptr;
        const json given = llamapack::parse_request(request);
        if (!given.contains("text") || !given["text"].is_string()) {
            throw invalid_input("there is no text at `text`");
        }
        const auto message = parse(given["text"].get<std::string>(), given.value("partial", false), params_of(given));
        *response          = llamapack::copy_json(response_of(message));
    });
}
