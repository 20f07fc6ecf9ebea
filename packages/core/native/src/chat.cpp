#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "chat.h"
#include "chat_grammar.hpp"
#include "chat_json.hpp"
#include "status.hpp"

struct llamapack_chat_templates {
    common_chat_templates_ptr templates;
};

namespace {

using json = nlohmann::ordered_json; // the order of keys matters in schemas and templates
using llamapack::invalid_input;

common_json to_common(const json & value) {
    return common_json::parse(value.dump());
}

bool calls_in_parallel(const common_chat_templates * templates) {
    return common_chat_templates_get_caps(templates)["supports_parallel_tool_calls"];
}

common_chat_templates_inputs inputs_of(const common_chat_templates * templates, const json & request) {
    common_chat_templates_inputs inputs;
    if (!request.contains("messages") || !request["messages"].is_array()) {
        throw invalid_input("`messages` must be an array of objects with `role` and `content`");
    }
    try {
        inputs.messages = common_chat_msgs_parse_oaicompat(to_common(request["messages"]));
        if (request.contains("tools")) {
            inputs.tools = common_chat_tools_parse_oaicompat(to_common(request["tools"]));
        }
        if (request.contains("tool_choice")) {
            inputs.tool_choice = common_chat_tool_choice_parse_oaicompat(request["tool_choice"].get<std::string>());
        }
        inputs.reasoning_format = common_reasoning_format_from_name(request.value("reasoning_format", "auto"));
    } catch (const std::exception & problem) {
        throw invalid_input(problem.what());
    }
    inputs.parallel_tool_calls   = request.value("parallel_tool_calls", calls_in_parallel(templates));
    inputs.grammar               = request.value("grammar", "");
    inputs.add_generation_prompt = request.value("add_generation_prompt", true);
    inputs.enable_thinking       = request.value("enable_thinking", true);
    if (request.contains("kwargs")) {
        for (const auto & [name, value] : request["kwargs"].items()) {
            inputs.chat_template_kwargs[name] = value.dump();
        }
    }
    return inputs;
}

std::string text_at(const json & request, const std::string & key) {
    if (!request.is_object() || !request.contains(key) || !request[key].is_string()) {
        throw invalid_input("there is no text at `" + key + "`");
    }
    return request[key].get<std::string>();
}

struct rendered {
    common_chat_params params;
    bool               own_grammars; // false where a template has no place for them
};

// Render, with grammars of ours for the JSON of the answer or of the tools' arguments. Upstream knows what stands around
// them, such as thinking; it is asked once with the schemas, and once with others that stand for the grammars.
rendered render(const common_chat_templates * templates, const json & request) {
    common_chat_templates_inputs inputs = inputs_of(templates, request);
    rendered                     made   = { common_chat_templates_apply(templates, inputs), true };
    std::vector<std::string>     grammars;
    if (request.contains("json_grammar")) {
        inputs.json_schema = llamapack::stand_in_schema(grammars.size());
        grammars.push_back(text_at(request, "json_grammar"));
    } else if (request.contains("tool_grammars")) {
        for (auto & tool : inputs.tools) {
            tool.parameters = llamapack::stand_in_schema(grammars.size());
            grammars.push_back(text_at(request["tool_grammars"], tool.name));
        }
    }
    if (!grammars.empty()) {
        common_chat_params held = common_chat_templates_apply(templates, inputs);
        held.grammar            = llamapack::with_grammars(held.grammar, grammars);
        made.own_grammars       = !held.grammar.empty();
        if (made.own_grammars) {
            held.prompt = made.params.prompt;
            if (!inputs.tools.empty() && inputs.json_schema.empty()) {
                held.parser = made.params.parser; // it knows the parameters by name
            }
            made.params = std::move(held);
        }
    }
    return made;
}

json response_of(const rendered & made) {
    const common_chat_params & params = made.params;
    json triggers = json::array();
    for (const auto & trigger : params.grammar_triggers) {
        triggers.push_back({ { "type", static_cast<int>(trigger.type) },
                             { "value", trigger.value },
                             { "token", trigger.token } });
    }
    return {
        { "prompt", params.prompt },
        { "grammar", params.grammar },
        { "grammar_lazy", params.grammar_lazy },
        { "grammar_triggers", triggers },
        { "additional_stops", params.additional_stops },
        { "preserved_tokens", params.preserved_tokens },
        { "thinking_start", params.thinking_start_tag },
        { "thinking_ends", params.thinking_end_tags },
        { "format", common_chat_format_name(params.format) },
        { "parser", params.parser },
        { "generation_prompt", params.generation_prompt },
        { "own_grammars", made.own_grammars },
    };
}

} // namespace

llamapack_status llamapack_chat_templates_init(
    const llama_model * model, const char * template_override, llamapack_chat_templates ** out, char ** error) {
    return llamapack::guarded(error, [&] {
        if (model == nullptr || out == nullptr) {
            throw invalid_input("the model or the place for the result is missing");
        }
        *out = nullptr;
        auto handle       = std::make_unique<llamapack_chat_templates>();
        handle->templates = common_chat_templates_init(model, template_override == nullptr ? "" : template_override);
        *out              = handle.release();
    });
}

void llamapack_chat_templates_free(llamapack_chat_templates * templates) {
    delete templates;
}

bool llamapack_chat_templates_explicit(const llamapack_chat_templates * templates) {
    return templates != nullptr && common_chat_templates_was_explicit(templates->templates.get());
}

llamapack_status llamapack_chat_templates_facts(
    const llamapack_chat_templates * templates, char ** facts, char ** error) {
    return llamapack::guarded(error, [&] {
        if (templates == nullptr || facts == nullptr) {
            throw invalid_input("the templates or the place for the facts is missing");
        }
        *facts             = nullptr;
        const auto * known = templates->templates.get();
        json         sources = json::array({ common_chat_templates_source(known) });
        const auto   other   = common_chat_templates_source(known, "tool_use");
        if (!other.empty() && other != sources[0]) {
            sources.push_back(other);
        }
        const json made = { { "sources", sources }, { "capabilities", common_chat_templates_get_caps(known) } };
        *facts          = llamapack::copy_json(made);
    });
}

llamapack_status llamapack_chat_apply(
    const llamapack_chat_templates * templates, const char * request, char ** response, char ** error) {
    return llamapack::guarded(error, [&] {
        if (templates == nullptr || response == nullptr) {
            throw invalid_input("the templates or the place for the response is missing");
        }
        *response       = nullptr;
        const auto made = render(templates->templates.get(), llamapack::parse_request(request));
        *response       = llamapack::copy_json(response_of(made));
    });
}
