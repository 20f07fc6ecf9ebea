#include "request_check.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "../deep_stack.hpp"
#include "../grammar.hpp"
#include "../status.hpp"
#include "sampler_names.hpp"

namespace {

using json = nlohmann::ordered_json;
using llamapack::invalid_input;

constexpr size_t deepest = 256; // upstream recurses into arrays and objects

// Reads a request once, without keeping it.
class reader : public nlohmann::json_sax<json> {
  public:
    size_t      stack = 0;
    std::string grammar;
    bool        has_sampling = false; // fields of which upstream passes over parts

    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t &) override { return true; }
    bool binary(binary_t &) override { return true; }

    bool string(string_t & text) override {
        const std::string & key = keys.empty() ? none : keys.back();
        if (keys.size() == 1 && key == "grammar") {
            grammar = text;
        }
        if (is_media(key)) {
            refuse_address(text);
        } else {
            stack = std::max(stack, llamapack::stack_for_splitting(text.data(), text.size()));
        }
        return true;
    }

    bool start_object(size_t) override { return enter(); }
    bool start_array(size_t) override { return enter(); }
    bool end_object() override { return leave(); }
    bool end_array() override { return leave(); }

    bool key(string_t & name) override {
        keys.back() = name;
        has_sampling |= keys.size() == 1 && (name == "samplers" || name == "logit_bias");
        return true;
    }

    bool parse_error(size_t position, const std::string &, const nlohmann::detail::exception & problem) override {
        const std::string what = problem.what();
        throw invalid_input(
            "the body is not JSON, from byte " + std::to_string(position) + ": " + what.substr(what.find(']') + 2));
    }

  private:
    const std::string        none;
    std::vector<std::string> keys; // the present key of each object around, "" for arrays

    bool enter() {
        if (keys.size() == deepest) {
            throw invalid_input("the body nests more than " + std::to_string(deepest) + " arrays and objects");
        }
        // the elements of an array belong to the key that the array has
        keys.push_back(keys.empty() ? "" : keys.back());
        return true;
    }

    bool leave() {
        keys.pop_back();
        return true;
    }

    // Upstream takes pictures, sounds and videos from these keys of messages, in the spellings of three interfaces.
    bool is_media(const std::string & key) const {
        static const std::vector<std::string> talk = { "messages", "input", "content", "prompt", "system" };
        static const std::vector<std::string> media = { "url", "data", "image_url", "video_url", "audio_url", "file_data" };
        return !keys.empty() && std::find(talk.begin(), talk.end(), keys.front()) != talk.end() &&
               std::find(media.begin(), media.end(), key) != media.end();
    }

    static void refuse_address(const std::string & text) {
        if (text.rfind("http", 0) == 0) {
            throw invalid_input(
                "an engine loads nothing from the network: `" + text.substr(0, 200) +
                "`; send the file itself, as a data: address with base64");
        }
    }
};

} // namespace

namespace llamapack {

size_t check_request(const std::string & path, const std::string & body, const llama_vocab * vocab) {
    reader found;
    json::sax_parse(body, &found);
    // Upstream takes the keys of whatever it gets, and a text has no keys to take.
    const char begin = body[body.find_first_not_of(" \t\r\n")];
    if (begin != (path == "/lora-adapters" ? '[' : '{')) {
        throw invalid_input(std::string("the body is not a JSON ") + (path == "/lora-adapters" ? "array" : "object"));
    }
    if (found.has_sampling) {
        check_sampling_fields(json::parse(body), vocab);
    }
    if (!found.grammar.empty()) {
        const parsed_grammar checked(vocab, found.grammar, "root");
    }
    return found.stack;
}

} // namespace llamapack
