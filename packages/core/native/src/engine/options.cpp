#include "options.hpp"

#include <cctype>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <map>
#include <optional>
#include <stdexcept>
#include <vector>

#include <nlohmann/json.hpp>

#include "../status.hpp"
#include "arg.h"
#include "chat.h"
#include "llama.h"
#include "option_rules.hpp"
#include "sampler_names.hpp"
#include "speculative.h"

namespace {

using json = nlohmann::ordered_json;
using llamapack::invalid_input;

std::string without_dashes(const std::string & spelling) {
    const size_t begin = spelling.find_first_not_of('-');
    return begin == std::string::npos ? "" : spelling.substr(begin);
}

// The parser's options for the server. Making them changes some defaults of `params`, as the server wants it.
common_params_context parser_for(common_params & params) {
    return common_params_parser_init(params, LLAMA_EXAMPLE_SERVER);
}

json long_spellings(const std::vector<const char *> & spellings) {
    json names = json::array();
    for (const char * spelling : spellings) {
        if (std::string(spelling).rfind("--", 0) == 0) {
            names.push_back(without_dashes(spelling));
        }
    }
    return names;
}

const char * kind_of(const common_arg & option) {
    if (option.handler_void != nullptr) {
        return "flag";
    }
    if (option.handler_bool != nullptr) {
        return "bool";
    }
    if (option.handler_int != nullptr) {
        return "int";
    }
    return option.handler_str_str != nullptr ? "pair" : "text";
}

json optional_text(const char * text) {
    return text == nullptr ? json(nullptr) : json(text);
}

json describe(const common_arg & option) {
    std::string hint = option.value_hint == nullptr ? "" : option.value_hint;
    if (option.value_hint_2 != nullptr) {
        hint += std::string(" ") + option.value_hint_2;
    }
    return {
        { "name", llamapack::option_name(option) },
        { "names", long_spellings(option.args) },
        { "negations", long_spellings(option.args_neg) },
        { "kind", kind_of(option) },
        { "hint", hint.empty() ? json(nullptr) : json(hint) },
        { "group", option.is_sampling ? "sampling" : option.is_spec ? "speculation" : "general" },
        { "help", option.help },
        { "refused", optional_text(llamapack::refusal_of(option)) },
    };
}

// One option as the caller named it.
struct named_option {
    const common_arg * option;
    bool               negated;
};

std::map<std::string, named_option> options_by_name(const common_params_context & parser) {
    std::map<std::string, named_option> found;
    for (const common_arg & option : parser.options) {
        for (const auto & name : long_spellings(option.args)) {
            found[name] = { &option, false };
        }
        for (const auto & name : long_spellings(option.args_neg)) {
            found[name] = { &option, true };
        }
    }
    return found;
}

// The errors of one value: what does not fit, as the caller wrote it.
invalid_input wrong(const std::string & name, const json & value, std::string why) {
    if (why.rfind("error: ", 0) == 0) {
        why.erase(0, 7);
    }
    why.erase(why.find_last_not_of(" \n") + 1);
    return invalid_input("the option `" + name + "` cannot be " + value.dump() + ": " + why);
}

// A number with something behind it, which upstream's functions would read as the number.
bool is_number_and_more(const std::string & text) {
    if (text.empty() || !(std::isdigit(static_cast<unsigned char>(text[0])) || text[0] == '-' || text[0] == '.')) {
        return false;
    }
    char * end = nullptr;
    std::strtod(text.c_str(), &end);
    return end != text.c_str() && *end != '\0';
}

std::string text_of(const std::string & name, const json & value) {
    if (value.is_string()) {
        return value.get<std::string>();
    }
    if (value.is_number()) {
        return value.dump();
    }
    throw wrong(name, value, "it takes a text or a number");
}

int integer_of(const std::string & name, const json & value) {
    const std::string text = text_of(name, value);
    char *            end  = nullptr;
    errno                  = 0;
    const long number      = std::strtol(text.c_str(), &end, 10);
    if (end == text.c_str() || *end != '\0' || errno != 0 || number < INT_MIN || number > INT_MAX) {
        throw wrong(name, value, "it takes a whole number");
    }
    return static_cast<int>(number);
}

bool truth_of(const std::string & name, const json & value) {
    if (value.is_boolean()) {
        return value.get<bool>();
    }
    if (value.is_string() && common_arg_utils::is_truthy(value.get<std::string>())) {
        return true;
    }
    if (value.is_string() && common_arg_utils::is_falsey(value.get<std::string>())) {
        return false;
    }
    throw wrong(name, value, "it takes true or false");
}

bool takes_numbers(const common_arg & option) {
    const std::string hint = option.value_hint == nullptr ? "" : option.value_hint;
    return hint == "N" || hint == "P" || hint == "SIMILARITY" || hint == "SEED" || hint == "INDEX";
}

// Names and letters that upstream passes over.
void check_samplers(
    const common_arg & option, const std::string & name, const json & value, const std::string & text) {
    const std::string which = llamapack::option_name(option);
    try {
        if (which == "samplers") {
            llamapack::check_sampler_names(text);
        } else if (which == "sampler-seq") {
            llamapack::check_sampler_letters(text);
        }
    } catch (const invalid_input & problem) {
        throw wrong(name, value, problem.what());
    }
}

void apply_pair(common_params & params, const common_arg & option, const std::string & name, const json & value) {
    if (!value.is_array() || value.size() != 2) {
        throw wrong(name, value, "it takes two values");
    }
    option.handler_str_str(params, text_of(name, value[0]), text_of(name, value[1]));
}

void apply_value(common_params & params, const named_option & given, const std::string & name, const json & value) {
    const common_arg & option = *given.option;
    if (option.handler_void != nullptr) {
        if (truth_of(name, value)) {
            option.handler_void(params);
        }
    } else if (option.handler_bool != nullptr) {
        option.handler_bool(params, truth_of(name, value) != given.negated);
    } else if (option.handler_int != nullptr) {
        option.handler_int(params, integer_of(name, value));
    } else if (option.handler_string != nullptr) {
        const std::string text = text_of(name, value);
        if (takes_numbers(option) && is_number_and_more(text)) {
            throw wrong(name, value, "it takes a number");
        }
        check_samplers(option, name, value, text);
        option.handler_string(params, text);
    } else {
        apply_pair(params, option, name, value);
    }
}

void apply(common_params & params, const named_option & given, const std::string & name, const json & value) {
    try {
        if (value.is_array() && given.option->handler_string != nullptr) {
            for (const json & each : value) {
                apply_value(params, given, name, each);
            }
        } else {
            apply_value(params, given, name, value);
        }
    } catch (const invalid_input &) {
        throw;
    } catch (const std::out_of_range &) {
        throw wrong(name, value, "it is out of range");
    } catch (const std::exception & problem) {
        const std::string why = problem.what();
        // what the functions for numbers of the standard library throw is their name
        throw wrong(name, value, why.rfind("sto", 0) == 0 ? "it takes a number" : why);
    }
}

void apply_all(common_params & params, const json & options) {
    const common_params_context               parser = parser_for(params);
    const std::map<std::string, named_option> known  = options_by_name(parser);
    std::map<const common_arg *, std::string> given;
    for (const auto & [name, value] : options.items()) {
        const auto found = known.find(name);
        if (found == known.end()) {
            throw invalid_input("there is no option `" + name + "`");
        }
        const common_arg * option = found->second.option;
        if (const char * reason = llamapack::refusal_of(*option)) {
            throw invalid_input("an engine does not take the option `" + name + "`: " + reason);
        }
        if (!given.emplace(option, name).second) {
            throw invalid_input("`" + given[option] + "` and `" + name + "` are the same option");
        }
        apply(params, found->second, name, value);
    }
}

// What llama.cpp's server does as a program of its own, and an engine does otherwise.
void set_defaults(common_params & params) {
    params.sse_ping_interval  = -1; // there is no connection to keep open
    params.sleep_idle_seconds = -1; // an engine is closed instead
    params.cache_ram_mib      = 1024;
    params.endpoint_metrics   = true;
    params.ui                 = false;
}

// common_params_parse_ex does this after the options of the command line.
void complete_as_parser(common_params & params) {
    postprocess_cpu_params(params.cpuparams, nullptr);
    postprocess_cpu_params(params.cpuparams_batch, &params.cpuparams);
    postprocess_cpu_params(params.speculative.draft.cpuparams, &params.cpuparams);
    postprocess_cpu_params(params.speculative.draft.cpuparams_batch, &params.cpuparams_batch);
    if (params.mmproj_use_gpu && params.mmproj_device == nullptr && !params.devices.empty()) {
        params.mmproj_device  = params.devices.front();
        params.mmproj_use_gpu = params.mmproj_device != nullptr;
    }
    if (params.escape) {
        for (auto & breaker : params.sampling.dry_sequence_breakers) {
            string_process_escapes(breaker);
        }
    }
    if (!params.kv_overrides.empty()) {
        params.kv_overrides.emplace_back();
        params.kv_overrides.back().key[0] = 0;
    }
    while (params.tensor_buft_overrides.size() < llama_max_tensor_buft_overrides()) {
        params.tensor_buft_overrides.push_back({ nullptr, nullptr });
    }
    if (!params.speculative.draft.tensor_buft_overrides.empty()) {
        params.speculative.draft.tensor_buft_overrides.push_back({ nullptr, nullptr });
    }
    if (!params.chat_template.empty() && !common_chat_verify_template(params.chat_template, params.use_jinja)) {
        throw invalid_input("llama.cpp does not understand the chat template that is given");
    }
    if (params.default_template_kwargs.count("preserve_reasoning") == 0) {
        params.default_template_kwargs["preserve_reasoning"] = "true";
    }
}

// llama.cpp's server does this before it loads a model.
void complete_as_server(common_params & params) {
    if (params.embedding && params.n_batch > params.n_ubatch) {
        params.n_batch = params.n_ubatch;
    }
    if (params.n_parallel < 0) {
        params.n_parallel = 4;
        params.kv_unified = true;
    }
    if (params.kv_unified_per_slot > 0 && params.n_ctx == 0 &&
        static_cast<uint32_t>(params.fit_params_min_ctx) != UINT32_MAX) {
        params.n_ctx = params.n_parallel * params.kv_unified_per_slot;
    }
}

// A draft model without a kind of speculation would be loaded and not used: upstream looks into its file only where it
// downloads.
void complete_speculation(common_params & params) {
    auto & speculative = params.speculative;
    const bool unset   = speculative.types == std::vector{ COMMON_SPECULATIVE_TYPE_NONE };
    if (!unset || speculative.draft.mparams.path.empty()) {
        return;
    }
    speculative.types = common_speculative_types_from_gguf(speculative.draft.mparams.path);
    if (speculative.types.empty() || speculative.types == std::vector{ COMMON_SPECULATIVE_TYPE_NONE }) {
        speculative.types = { COMMON_SPECULATIVE_TYPE_DRAFT_SIMPLE };
    }
}

} // namespace

namespace llamapack {

common_params read_engine_options(const char * options) {
    const json given = json::parse(options == nullptr ? "" : options, nullptr, /* allow_exceptions */ false);
    if (!given.is_object()) {
        throw invalid_input("the options are not a JSON object");
    }
    common_params params;
    set_defaults(params);
    apply_all(params, given);
    if (params.model.path.empty()) {
        throw invalid_input("the option `model` is missing");
    }
    complete_speculation(params);
    complete_as_parser(params);
    complete_as_server(params);
    return params;
}

std::string describe_engine_options() {
    common_params params;
    set_defaults(params);
    json table = json::array();
    for (const common_arg & option : parser_for(params).options) {
        table.push_back(describe(option));
    }
    return table.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace llamapack
