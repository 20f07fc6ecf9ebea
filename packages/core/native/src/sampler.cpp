#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "grammar.hpp"
#include "status.hpp"

using llamapack::conflict;
using llamapack::invalid_input;

namespace {

int32_t length_of(const llama_sampler * chain) {
    return llama_sampler_chain_n(chain);
}

llama_sampler * stage_at(llama_sampler * chain, int32_t i) {
    return llama_sampler_chain_get(chain, i);
}

bool is(const llama_sampler * stage, const char * name) {
    return std::strcmp(llama_sampler_name(stage), name) == 0;
}

// A dynamic temperature near 0 overflows what it divides; its limit is the likeliest token alone.
void settle(llama_token_data_array & candidates) {
    llama_token_data * end  = candidates.data + candidates.size;
    llama_token_data * best = std::find_if(candidates.data, end, [](const auto & c) { return c.logit == INFINITY; });
    if (best != end) {
        *best           = { best->id, 0.0f, 1.0f };
        *candidates.data = *best;
        candidates.size  = 1;
    }
}

// Drop what has no chance in single precision: 0 * log(0) makes the entropy, and with it every score, not a number.
void drop_impossible(llama_token_data_array & candidates) {
    float most = -INFINITY;
    for (size_t i = 0; i < candidates.size; ++i) {
        most = std::max(most, candidates.data[i].logit);
    }
    const auto hopeless = [&](const auto & candidate) { return candidate.logit < most - 80.0f; };
    candidates.size     = static_cast<size_t>(
        std::remove_if(candidates.data, candidates.data + candidates.size, hopeless) - candidates.data);
}

void apply_stage(llama_sampler * stage, llama_token_data_array & candidates) {
    if (stage->iface->apply == nullptr) {
        return;
    }
    if (is(stage, "typical") || is(stage, "mirostat")) {
        drop_impossible(candidates);
    }
    llama_sampler_apply(stage, &candidates);
    if (is(stage, "temp-ext")) {
        settle(candidates);
    } else if (is(stage, "logit-bias")) {
        candidates.sorted = false; // upstream leaves the flag as it was
    }
}

[[noreturn]] void refuse_numbers() {
    throw conflict("a logit is infinite or not a number");
}

void check_numbers(const llama_token_data_array & candidates) {
    for (size_t i = 0; i < candidates.size; ++i) {
        if (!(candidates.data[i].logit < INFINITY)) { // not a number, too
            refuse_numbers();
        }
    }
}

void apply_stages(llama_sampler * chain, int32_t first, llama_token_data_array & candidates) {
    llama_token_data * const begin = candidates.data;
    for (int32_t i = first; i < length_of(chain); ++i) {
        if (candidates.size == 0) {
            throw conflict("the stages before '" + std::string(llama_sampler_name(stage_at(chain, i))) +
                           "' leave no token");
        }
        apply_stage(stage_at(chain, i), candidates);
    }
    if (candidates.data != begin) { // xtc moves the pointer
        std::memmove(begin, candidates.data, candidates.size * sizeof(llama_token_data));
        candidates.data = begin;
    }
}

llama_token choice_of(const llama_token_data_array & candidates) {
    if (candidates.selected < 0 || static_cast<size_t>(candidates.selected) >= candidates.size) {
        throw conflict("no stage of the chain chooses a token");
    }
    const llama_token_data & choice = candidates.data[candidates.selected];
    if (!(choice.logit > -INFINITY) || std::isnan(choice.p)) {
        throw conflict("no token is left to choose: the grammar or the bias refuses all of them");
    }
    return choice.id;
}

// Grammars first: they may refuse the token, and nothing must have changed then.
void accept(llama_sampler * chain, llama_token token) {
    std::vector<llama_sampler *> grammars;
    std::vector<llama_sampler *> others;
    for (int32_t i = 0; i < length_of(chain); ++i) {
        llama_sampler * stage = stage_at(chain, i);
        (llamapack::is_grammar(stage) ? grammars : others).push_back(stage);
    }
    for (llama_sampler * grammar : grammars) {
        if (!llamapack::grammar_allows(grammar, token)) {
            llamapack::grammar_refuse(grammar, token);
        }
    }
    for (llama_sampler * grammar : grammars) {
        llamapack::grammar_accept(grammar, token);
    }
    for (llama_sampler * other : others) {
        llama_sampler_accept(other, token);
    }
}

// What a context gives to choose from: logits of the whole vocabulary, or of the candidates that a backend left.
struct output {
    const float *       logits;
    const llama_token * ids; // NULL: 0, 1, 2 ...
    size_t              count;
};

output output_of(llama_context * ctx, int32_t index) {
    output found{ llama_get_sampled_logits_ith(ctx, index), nullptr, 0 };
    if (found.logits != nullptr) {
        found.ids   = llama_get_sampled_candidates_ith(ctx, index);
        found.count = llama_get_sampled_logits_count_ith(ctx, index);
        return found;
    }
    found.logits = llama_get_logits_ith(ctx, index);
    found.count  = static_cast<size_t>(llama_vocab_n_tokens(llama_model_get_vocab(llama_get_model(ctx))));
    if (found.logits == nullptr || found.count == 0) {
        throw conflict("there are no logits at " + std::to_string(index));
    }
    return found;
}

// The place of the highest logit, the first one of several. Logits are compared as whole numbers of the same order, which
// compilers do several at a time; what is infinite or not a number lies outside of the others.
size_t highest(const float * logits, size_t count) {
    const auto bits = [&](size_t i) {
        int32_t value;
        std::memcpy(&value, logits + i, sizeof(value));
        return value;
    };
    const auto key  = [](int32_t value) { return value ^ ((value >> 31) & INT32_MAX); };
    int32_t    most = INT32_MIN;
    int32_t    least = INT32_MAX;
    for (size_t i = 0; i < count; ++i) {
        const int32_t each = key(bits(i));
        most               = each > most ? each : most;
        least              = each < least ? each : least;
    }
    constexpr int32_t infinity = 0x7F800000; // as bits of a float
    if (most >= infinity || least < key(infinity | INT32_MIN)) {
        refuse_numbers();
    }
    constexpr size_t block = 64;
    size_t           start = 0;
    for (bool found = false; start + block <= count; start += block) {
        for (size_t i = start; i < start + block; ++i) {
            found |= key(bits(i)) == most;
        }
        if (found) {
            break;
        }
    }
    while (key(bits(start)) != most) {
        ++start;
    }
    return start;
}

llama_token likeliest(const output & from) {
    const size_t at = highest(from.logits, from.count);
    if (from.logits[at] == -INFINITY) {
        throw conflict("no token is left to choose");
    }
    return from.ids == nullptr ? static_cast<llama_token>(at) : from.ids[at];
}

llama_token choose(llama_sampler * chain, const output & from, int32_t first, llama_token_data_array candidates) {
    if (from.count > candidates.size) {
        throw invalid_input("there is no room for " + std::to_string(from.count) + " candidates");
    }
    bool good = true; // looked at here because it costs nothing beside the stores
    for (size_t i = 0; i < from.count; ++i) {
        const float logit  = from.logits[i];
        candidates.data[i] = { from.ids == nullptr ? static_cast<llama_token>(i) : from.ids[i], logit, 0.0f };
        good &= logit < INFINITY;
    }
    if (!good) {
        refuse_numbers();
    }
    candidates.size     = from.count;
    candidates.selected = -1;
    candidates.sorted   = false;
    apply_stages(chain, first, candidates);
    return choice_of(candidates);
}

bool has(llama_sampler * chain, const char * name) {
    for (int32_t i = 0; i < length_of(chain); ++i) {
        if (is(stage_at(chain, i), name)) {
            return true;
        }
    }
    return false;
}

llama_token sample(llama_sampler * chain, llama_context * ctx, int32_t index, const llama_token_data_array & room) {
    const llama_token sampled = llama_get_sampled_token_ith(ctx, index);
    if (sampled != LLAMA_TOKEN_NULL) {
        return sampled; // a backend has done it
    }
    const output  from  = output_of(ctx, index);
    const int32_t count = length_of(chain);
    if (count == 1 && is(stage_at(chain, 0), "greedy")) {
        return likeliest(from);
    }
    // Checking one token against a grammar is a thousand times cheaper than all; mirostat learns from every choice.
    const bool after = count > 1 && llamapack::is_grammar(stage_at(chain, 0)) && !has(chain, "mirostat") &&
                       !has(chain, "mirostat-v2");
    if (after) {
        const llama_token token = choose(chain, from, 1, room);
        if (llamapack::grammar_allows(stage_at(chain, 0), token)) {
            return token;
        }
    }
    return choose(chain, from, 0, room);
}

template <typename... Pointers>
void check_given(const Pointers *... pointers) {
    if (((pointers == nullptr) || ...)) {
        throw invalid_input("an argument is missing");
    }
}

std::vector<llama_token> tokens_of(const llamapack_token_run & run) {
    return { run.tokens, run.tokens + run.n_tokens };
}

llamapack::grammar_beginning beginning_of(const llamapack_grammar_beginning & given) {
    llamapack::grammar_beginning beginning;
    beginning.lazy           = given.lazy;
    beginning.patterns       = { given.patterns, given.patterns + given.n_patterns };
    beginning.triggers       = tokens_of(given.triggers);
    beginning.begun          = tokens_of(given.begun);
    beginning.thinking.start = tokens_of(given.thinking_start);
    for (size_t i = 0; i < given.n_thinking_ends; ++i) {
        beginning.thinking.ends.push_back(tokens_of(given.thinking_ends[i]));
    }
    return beginning;
}

} // namespace

llamapack_status llamapack_sampler_init_grammar(
    const llama_vocab * vocab, const char * grammar, const char * root, const llamapack_grammar_beginning * beginning,
    llama_sampler ** out, char ** error) {
    return llamapack::guarded(error, [&] {
        check_given(vocab, grammar, root, beginning, out);
        *out = nullptr;
        const llamapack::parsed_grammar parsed(vocab, grammar, root);
        *out = llamapack::new_grammar_sampler(parsed, beginning_of(*beginning));
    });
}

llamapack_status llamapack_sampler_apply(llama_sampler * chain, llama_token_data_array * candidates, char ** error) {
    return llamapack::guarded(error, [&] {
        check_given(chain, candidates);
        check_numbers(*candidates);
        apply_stages(chain, 0, *candidates);
    });
}

llamapack_status llamapack_sampler_accept(llama_sampler * chain, int32_t token, char ** error) {
    return llamapack::guarded(error, [&] {
        check_given(chain);
        accept(chain, token);
    });
}

llamapack_status llamapack_sampler_accept_prompt(
    llama_sampler * chain, const int32_t * tokens, size_t n_tokens, char ** error) {
    return llamapack::guarded(error, [&] {
        check_given(chain, tokens);
        for (int32_t i = 0; i < length_of(chain); ++i) {
            for (size_t t = 0; t < n_tokens && !llamapack::is_grammar(stage_at(chain, i)); ++t) {
                llama_sampler_accept(stage_at(chain, i), tokens[t]);
            }
        }
    });
}

llamapack_status llamapack_sampler_sample(
    llama_sampler * chain, llama_context * ctx, int32_t index, const llama_token_data_array * candidates,
    int32_t * token, char ** error) {
    return llamapack::guarded(error, [&] {
        check_given(chain, ctx, candidates, token);
        const llama_token chosen = sample(chain, ctx, index, *candidates);
        accept(chain, chosen);
        *token = chosen;
    });
}

llamapack_status llamapack_sampler_copy(const llama_sampler * chain, llama_sampler ** out, char ** error) {
    return llamapack::guarded(error, [&] {
        check_given(chain, out);
        *out = nullptr;
        *out = llama_sampler_clone(chain);
    });
}

llamapack_status llamapack_sampler_reset(llama_sampler * chain, char ** error) {
    return llamapack::guarded(error, [&] {
        check_given(chain);
        llama_sampler_reset(chain);
    });
}
