#include "routes.hpp"

#include <cctype>

namespace {

// As llama-server registers them (server.cpp), but for those of its router, its page, its tools and its proxy.
const std::vector<llamapack::route> table = {
    { "GET", "/health", &server_routes::get_health },
    { "GET", "/v1/health", &server_routes::get_health },
    { "GET", "/metrics", &server_routes::get_metrics },
    { "GET", "/props", &server_routes::get_props },
    { "POST", "/props", &server_routes::post_props },
    { "GET", "/models", &server_routes::get_models },
    { "GET", "/v1/models", &server_routes::get_models },
    { "POST", "/completion", &server_routes::post_completions },
    { "POST", "/completions", &server_routes::post_completions },
    { "POST", "/v1/completions", &server_routes::post_completions_oai },
    { "POST", "/chat/completions", &server_routes::post_chat_completions },
    { "POST", "/v1/chat/completions", &server_routes::post_chat_completions },
    { "POST", "/v1/chat/completions/control", &server_routes::post_control },
    { "POST", "/v1/responses", &server_routes::post_responses_oai },
    { "POST", "/responses", &server_routes::post_responses_oai },
    { "POST", "/v1/audio/transcriptions", &server_routes::post_transcriptions_oai },
    { "POST", "/audio/transcriptions", &server_routes::post_transcriptions_oai },
    { "POST", "/v1/messages", &server_routes::post_anthropic_messages },
    { "POST", "/infill", &server_routes::post_infill },
    { "POST", "/embedding", &server_routes::post_embeddings },
    { "POST", "/embeddings", &server_routes::post_embeddings },
    { "POST", "/v1/embeddings", &server_routes::post_embeddings_oai },
    { "POST", "/rerank", &server_routes::post_rerank },
    { "POST", "/reranking", &server_routes::post_rerank },
    { "POST", "/v1/rerank", &server_routes::post_rerank },
    { "POST", "/v1/reranking", &server_routes::post_rerank },
    { "POST", "/tokenize", &server_routes::post_tokenize },
    { "POST", "/detokenize", &server_routes::post_detokenize },
    { "POST", "/apply-template", &server_routes::post_apply_template },
    { "POST", "/chat/completions/input_tokens", &server_routes::post_chat_completions_tok },
    { "POST", "/v1/chat/completions/input_tokens", &server_routes::post_chat_completions_tok },
    { "POST", "/responses/input_tokens", &server_routes::post_responses_tok_oai },
    { "POST", "/v1/responses/input_tokens", &server_routes::post_responses_tok_oai },
    { "POST", "/v1/messages/count_tokens", &server_routes::post_anthropic_count_tokens },
    { "GET", "/lora-adapters", &server_routes::get_lora_adapters },
    { "POST", "/lora-adapters", &server_routes::post_lora_adapters },
    { "GET", "/slots", &server_routes::get_slots },
};

constexpr char slot_prefix[] = "/slots/"; // POST /slots/:id_slot

std::string decode(const std::string & text) {
    std::string result;
    for (size_t i = 0; i < text.size(); ++i) {
        const auto is_digit = [&](size_t at) {
            return at < text.size() && std::isxdigit(static_cast<unsigned char>(text[at])) != 0;
        };
        if (text[i] == '%' && is_digit(i + 1) && is_digit(i + 2)) {
            result += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
            i += 2;
        } else {
            result += text[i] == '+' ? ' ' : text[i];
        }
    }
    return result;
}

} // namespace

namespace llamapack {

target parse_target(const std::string & text) {
    const size_t mark = text.find('?');
    target       result;
    result.path  = text.substr(0, mark);
    result.query = mark == std::string::npos ? "" : text.substr(mark + 1);
    for (size_t begin = 0; begin < result.query.size();) {
        const size_t      end   = std::min(result.query.find('&', begin), result.query.size());
        const std::string part  = result.query.substr(begin, end - begin);
        const size_t      equal = std::min(part.find('='), part.size());
        result.parameters[decode(part.substr(0, equal))] = equal == part.size() ? "" : decode(part.substr(equal + 1));
        begin                                            = end + 1;
    }
    return result;
}

const std::vector<route> & plain_routes() {
    return table;
}

server_handler find_handler(const std::string & method, target & where) {
    for (const route & each : table) {
        if (method == each.method && where.path == each.path) {
            return each.handler;
        }
    }
    if (method == "POST" && where.path.rfind(slot_prefix, 0) == 0) {
        where.parameters["id_slot"] = where.path.substr(sizeof(slot_prefix) - 1);
        return &server_routes::post_slots;
    }
    return nullptr;
}

} // namespace llamapack
