// GBNF grammars as stages of a sampler chain, on upstream's grammar engine but with its checks in front of it.

#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "llama-grammar.h"
#include "llama.h"
#include "thinking.hpp"

namespace llamapack {

// Parse a grammar, and refuse what upstream would abort on, recurse into without end, or use up the memory for: throws
// invalid_input with the place and the reason.
struct parsed_grammar {
    llama_grammar_parser parser;
    size_t               root;

    parsed_grammar(const llama_vocab * vocab, const std::string & source, const std::string & root_name);
};

// Where a grammar begins, as llamapack_grammar_beginning has it.
struct grammar_beginning {
    bool                     lazy = false;
    std::vector<std::string> patterns;
    std::vector<llama_token> triggers;
    std::vector<llama_token> begun;
    thinking_marks           thinking;
};

// Throws conflict where the grammar does not allow what was begun.
llama_sampler * new_grammar_sampler(const parsed_grammar & grammar, const grammar_beginning & beginning);

bool is_grammar(const llama_sampler * stage);

// True if the grammar that a stage holds allows `token` next.
bool grammar_allows(llama_sampler * stage, llama_token token);

// Throw conflict with the reason why `token` does not fit the grammar of a stage.
[[noreturn]] void grammar_refuse(const llama_sampler * stage, llama_token token);

// Advance a stage's grammar; throws conflict, and changes nothing, where the token does not fit.
void grammar_accept(llama_sampler * stage, llama_token token);

} // namespace llamapack
