#include <algorithm>
#include <cmath>
#include <memory>
#include <regex>
#include <utility>

#include "grammar.hpp"
#include "status.hpp"

namespace llamapack {

namespace {

// std::regex recurses once a character, and upstream searches all the text again after every token: beyond this many
// bytes only the last ones are looked at.
constexpr size_t max_watched = 2000;

struct free_grammar {
    void operator()(llama_grammar * grammar) const { llama_grammar_free_impl(grammar); }
};

using grammar_ptr = std::unique_ptr<llama_grammar, free_grammar>;

struct start_state {
    grammar_ptr    grammar;
    thinking_marks marks; // none for a grammar that is not lazy: it has the thinking in it
    thinking_watch thinking;
};

struct state {
    std::shared_ptr<const start_state> start; // never advanced
    grammar_ptr                        now;
    thinking_watch                     thinking;
};

state & state_of(const llama_sampler * stage) {
    return *static_cast<state *>(stage->ctx);
}

llama_grammar & grammar_of(const llama_sampler * stage) {
    return *state_of(stage).now;
}

grammar_ptr copy_of(const llama_grammar & grammar) {
    return grammar_ptr(llama_grammar_clone_impl(grammar));
}

const char * name(const llama_sampler *) {
    return "grammar";
}

void accept(llama_sampler * stage, llama_token token) {
    grammar_accept(stage, token);
}

void apply(llama_sampler * stage, llama_token_data_array * candidates) {
    const llama_grammar & grammar = grammar_of(stage);
    if (!grammar.awaiting_trigger && !state_of(stage).thinking.inside()) {
        llama_grammar_apply_impl(grammar, candidates);
        candidates->sorted = false; // upstream leaves the flag, and the next stage takes a refused token for the likeliest
    }
}

void reset(llama_sampler * stage) {
    auto & current   = state_of(stage);
    current.now      = copy_of(*current.start->grammar);
    current.thinking = current.start->thinking;
}

llama_sampler * clone(const llama_sampler * stage);

void free_state(llama_sampler * stage) {
    delete static_cast<state *>(stage->ctx);
}

llama_sampler_i make_interface() {
    llama_sampler_i made = {};
    made.name   = name;
    made.accept = accept;
    made.apply  = apply;
    made.reset  = reset;
    made.clone  = clone;
    made.free   = free_state;
    return made;
}

llama_sampler_i grammar_interface = make_interface();

llama_sampler * wrap(std::unique_ptr<state> made) {
    llama_sampler * stage = llama_sampler_init(&grammar_interface, made.get());
    made.release();
    return stage;
}

llama_sampler * clone(const llama_sampler * stage) {
    const auto & from = state_of(stage);
    return wrap(std::make_unique<state>(state{ from.start, copy_of(*from.now), from.thinking }));
}

// What accepting a token changes, to be put back where it fails.
struct snapshot {
    llama_grammar_stacks                  stacks;
    llama_partial_utf8                    partial_utf8;
    bool                                  awaiting;
    std::string                           buffer;
    std::vector<llama_grammar::token_pos> positions;

    explicit snapshot(const llama_grammar & grammar)
        : stacks(grammar.stacks), partial_utf8(grammar.partial_utf8), awaiting(grammar.awaiting_trigger),
          buffer(grammar.trigger_buffer), positions(grammar.trigger_buffer_positions) {}

    void restore(llama_grammar & grammar) {
        grammar.stacks                   = std::move(stacks);
        grammar.partial_utf8             = partial_utf8;
        grammar.awaiting_trigger         = awaiting;
        grammar.trigger_buffer           = std::move(buffer);
        grammar.trigger_buffer_positions = std::move(positions);
    }
};

bool may_end(const llama_grammar & grammar) {
    for (const auto & stack : grammar.stacks) {
        if (stack.empty()) {
            return true;
        }
    }
    return false;
}

// Keep the text short that triggers are searched in; what must match from its beginning cannot match any more.
void forget_old_text(llama_grammar & grammar) {
    auto & positions = grammar.trigger_buffer_positions;
    if (grammar.trigger_buffer.size() <= max_watched) {
        return;
    }
    size_t tokens = 0;
    size_t bytes  = 0;
    while (tokens < positions.size() && grammar.trigger_buffer.size() - bytes > max_watched / 2) {
        bytes = positions[tokens++].second.second;
    }
    positions.erase(positions.begin(), positions.begin() + static_cast<std::ptrdiff_t>(tokens));
    for (auto & position : positions) {
        position.second.first -= bytes;
        position.second.second -= bytes;
    }
    grammar.trigger_buffer.erase(0, bytes);
    auto &     patterns = grammar.trigger_patterns;
    const auto anchored = [](const auto & trigger) { return !trigger.pattern.empty() && trigger.pattern[0] == '^'; };
    patterns.erase(std::remove_if(patterns.begin(), patterns.end(), anchored), patterns.end());
}

std::string refusal(const llama_grammar & grammar, llama_token token) {
    char      piece[64];
    const int size = llama_token_to_piece(grammar.vocab, token, piece, sizeof(piece), 0, /* special= */ true);
    return "the grammar does not allow the token " + std::to_string(token) +
           (size > 0 ? " ('" + std::string(piece, static_cast<size_t>(size)) + "')" : "") + " here";
}

std::vector<llama_grammar_trigger_pattern> compiled(const std::vector<std::string> & patterns) {
    std::vector<llama_grammar_trigger_pattern> made;
    for (const auto & pattern : patterns) {
        try {
            made.push_back({ pattern, std::regex(pattern) });
        } catch (const std::regex_error & problem) {
            throw invalid_input("the trigger pattern '" + pattern + "' is not a regular expression: " + problem.what());
        }
    }
    return made;
}

[[noreturn]] void refuse(const llama_grammar & grammar, llama_token token) {
    throw conflict(refusal(grammar, token));
}

// Accept a token; throws conflict, and changes nothing, where it does not fit.
void advance(llama_grammar & grammar, llama_token token) {
    if (!grammar.awaiting_trigger && llama_vocab_is_eog(grammar.vocab, token)) {
        if (!may_end(grammar)) {
            refuse(grammar, token);
        }
        return;
    }
    snapshot before(grammar);
    try {
        forget_old_text(grammar);
        llama_grammar_accept_impl(grammar, token);
    } catch (const std::bad_alloc &) {
        before.restore(grammar);
        throw;
    } catch (const std::exception &) {
        before.restore(grammar);
        refuse(grammar, token);
    }
}

// Accept several tokens, or none of them.
void replay(llama_grammar & grammar, const std::vector<llama_token> & tokens) {
    snapshot before(grammar);
    try {
        for (const llama_token token : tokens) {
            advance(grammar, token);
        }
    } catch (...) {
        before.restore(grammar);
        throw;
    }
}

} // namespace

llama_sampler * new_grammar_sampler(const parsed_grammar & grammar, const grammar_beginning & beginning) {
    auto         rules = grammar.parser.c_rules();
    grammar_ptr  made(llama_grammar_init_impl(grammar.parser.vocab, rules.data(), rules.size(), grammar.root));
    if (made == nullptr) {
        throw std::runtime_error("llama.cpp refuses a grammar that was found to be good");
    }
    made->lazy             = beginning.lazy;
    made->awaiting_trigger = beginning.lazy;
    made->trigger_tokens   = beginning.triggers;
    made->trigger_patterns = compiled(beginning.patterns);

    auto start   = std::make_shared<start_state>();
    start->marks = beginning.lazy ? beginning.thinking : thinking_marks();
    for (const llama_token token : beginning.begun) {
        start->thinking.accept(start->marks, token);
        if (!beginning.lazy) {
            advance(*made, token);
        }
    }
    start->grammar = std::move(made);
    auto now       = copy_of(*start->grammar);
    auto thinking  = start->thinking;
    return wrap(std::make_unique<state>(state{ std::move(start), std::move(now), std::move(thinking) }));
}

bool is_grammar(const llama_sampler * stage) {
    return stage->iface == &grammar_interface;
}

bool grammar_allows(llama_sampler * stage, llama_token token) {
    llama_token_data       candidate  = { token, 1.0f, 0.0f };
    llama_token_data_array candidates = { &candidate, 1, -1, false };
    apply(stage, &candidates);
    return candidate.logit != -INFINITY;
}

void grammar_refuse(const llama_sampler * stage, llama_token token) {
    refuse(grammar_of(stage), token);
}

void grammar_accept(llama_sampler * stage, llama_token token) {
    state &    current = state_of(stage);
    auto       watch   = current.thinking;
    const auto end     = watch.accept(current.start->marks, token);
    if (!current.thinking.inside()) {
        advance(*current.now, token);
    } else if (end != nullptr) {
        replay(*current.now, *end); // a call may begin with what ends the thinking
    }
    current.thinking = std::move(watch);
}

} // namespace llamapack
