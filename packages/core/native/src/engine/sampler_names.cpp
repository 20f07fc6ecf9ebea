#include "sampler_names.hpp"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "../status.hpp"
#include "common.h"
#include "sampling.h"

namespace {

using json = nlohmann::ordered_json;
using llamapack::invalid_input;

constexpr int most_types = 64; // upstream numbers them from 1, with gaps

struct sampler_kind {
    std::string name;
    char        letter;
};

std::vector<sampler_kind> sampler_kinds() {
    std::vector<sampler_kind> found;
    for (int type = 1; type < most_types; ++type) {
        const auto        kind = static_cast<common_sampler_type>(type);
        const std::string name = common_sampler_type_to_str(kind);
        if (!name.empty()) {
            found.push_back({ name, common_sampler_type_to_chr(kind) });
        }
    }
    return found;
}

// How many letters are to be added, removed or changed.
size_t distance(const std::string & from, const std::string & to) {
    std::vector<size_t> row(to.size() + 1);
    for (size_t i = 0; i < row.size(); ++i) {
        row[i] = i;
    }
    for (size_t i = 1; i <= from.size(); ++i) {
        size_t diagonal = row[0];
        row[0]          = i;
        for (size_t k = 1; k <= to.size(); ++k) {
            const size_t changed = diagonal + (from[i - 1] == to[k - 1] ? 0 : 1);
            diagonal             = row[k];
            row[k]               = std::min({ changed, row[k] + 1, row[k - 1] + 1 });
        }
    }
    return row.back();
}

std::string shown(const std::string & text) {
    constexpr size_t longest = 40;
    return text.size() <= longest ? text : text.substr(0, longest) + "...";
}

std::string suggestion(const std::string & name) {
    const std::vector<sampler_kind> kinds = sampler_kinds();
    const std::string               start = shown(name);
    const auto nearest = std::min_element(kinds.begin(), kinds.end(), [&](const auto & one, const auto & other) {
        return distance(start, one.name) < distance(start, other.name);
    });
    if (distance(start, nearest->name) <= nearest->name.size() / 2) {
        return "did you mean `" + nearest->name + "`?";
    }
    std::string all;
    for (const auto & each : kinds) {
        all += (all.empty() ? "" : ", ") + each.name;
    }
    return "there are " + all;
}

void check_sampler_name(const std::string & name) {
    if (common_sampler_types_from_names({ name }).empty()) {
        throw invalid_input("there is no sampler `" + shown(name) + "`: " + suggestion(name));
    }
}

void check_samplers(const json & samplers) {
    if (samplers.is_string()) {
        llamapack::check_sampler_letters(samplers.get<std::string>());
        return;
    }
    const auto is_text = [](const json & each) { return each.is_string(); };
    if (!samplers.is_array() || !std::all_of(samplers.begin(), samplers.end(), is_text)) {
        throw invalid_input("`samplers` is neither an array of names nor a text of letters");
    }
    for (const json & each : samplers) {
        check_sampler_name(each.get<std::string>());
    }
}

void check_token(int64_t token, const llama_vocab * vocab) {
    const int32_t count = llama_vocab_n_tokens(vocab);
    if (token < 0 || token >= count) {
        throw invalid_input("`logit_bias` names token " + std::to_string(token) + ", but the model has those from 0 to " +
                            std::to_string(count - 1));
    }
}

void check_bias(const json & bias) {
    if (!bias.is_number() && !(bias.is_boolean() && !bias.get<bool>())) {
        throw invalid_input("a bias in `logit_bias` is " + shown(bias.dump()) + ", which is neither a number nor false");
    }
}

void check_pair(const json & pair, const llama_vocab * vocab) {
    if (!pair.is_array() || pair.size() != 2 || !(pair[0].is_number_integer() || pair[0].is_string())) {
        throw invalid_input("`logit_bias` has " + shown(pair.dump()) + ", which is no pair of a token and a bias");
    }
    check_bias(pair[1]);
    if (pair[0].is_number_integer()) {
        // what is too large for the number becomes negative
        check_token(pair[0].get<int64_t>(), vocab);
    }
}

void check_logit_bias(const json & biases, const llama_vocab * vocab) {
    if (!biases.is_array() && !biases.is_object()) {
        throw invalid_input("`logit_bias` is neither an array of pairs nor an object");
    }
    for (const auto & [name, value] : biases.items()) {
        if (biases.is_array()) {
            check_pair(value, vocab);
            continue;
        }
        check_bias(value);
        char *          end   = nullptr;
        const long long token = std::strtoll(name.c_str(), &end, 10);
        if (*end == '\0') { // else it is a text
            check_token(token, vocab);
        }
    }
}

} // namespace

namespace llamapack {

void check_sampler_names(const std::string & names) {
    for (size_t begin = 0; begin <= names.size();) {
        const size_t end = std::min(names.find(';', begin), names.size());
        check_sampler_name(names.substr(begin, end - begin));
        begin = end + 1;
    }
}

void check_sampler_letters(const std::string & letters) {
    const std::vector<sampler_kind> kinds = sampler_kinds();
    for (const char letter : letters) {
        const auto is_it = [letter](const auto & each) { return each.letter == letter; };
        if (std::none_of(kinds.begin(), kinds.end(), is_it)) {
            throw invalid_input("no sampler has the letter `" + std::string(1, letter) + "`; names are given as an array");
        }
    }
}

void check_sampling_fields(const json & request, const llama_vocab * vocab) {
    const auto is_given = [&](const char * name) { return request.contains(name) && !request.at(name).is_null(); };
    if (is_given("samplers")) {
        check_samplers(request.at("samplers"));
    }
    if (is_given("logit_bias")) {
        check_logit_bias(request.at("logit_bias"), vocab);
    }
}

} // namespace llamapack
