// Text to tokens, for vocabularies that lack what their own tokenizer needs: upstream throws through its C interface, or
// ends the process.

#include <cstdint>
#include <stdexcept>
#include <string>

#include "deep_stack.hpp"
#include "llama.h"
#include "llamapack.h"
#include "status.hpp"

namespace {

using llamapack::invalid_input;

constexpr size_t other_stack = 256 * 1024; // for all but the recursion

void check_special(const llama_vocab * vocab) {
    const bool wordpiece = llama_vocab_type(vocab) == LLAMA_VOCAB_TYPE_WPM; // always adds both
    if ((llama_vocab_get_add_bos(vocab) || wordpiece) && llama_vocab_bos(vocab) == LLAMA_TOKEN_NULL) {
        throw invalid_input("the vocabulary wants a beginning-of-sequence token added, but has none");
    }
    if (llama_vocab_get_add_eos(vocab) && llama_vocab_eos(vocab) == LLAMA_TOKEN_NULL) {
        throw invalid_input("the vocabulary wants an end-of-sequence token added, but has none");
    }
    if (wordpiece && llama_vocab_sep(vocab) == LLAMA_TOKEN_NULL) {
        throw invalid_input("the vocabulary wants a separator token added, but has none");
    }
}

// Upstream takes bytes that are no UTF-8 for U+FFFD, but throws where they spell a code point beyond Unicode's last one.
// Make those bytes such that they are no UTF-8 at all.
std::string without_impossible_codepoints(const char * text, int32_t length) {
    std::string result(text, length);
    for (size_t i = 0; i < result.size(); ++i) {
        const uint8_t byte = result[i];
        const uint8_t next = i + 1 < result.size() ? result[i + 1] : 0;
        if ((byte >= 0xF5 && byte <= 0xF7) || (byte == 0xF4 && next >= 0x90 && next <= 0xBF)) {
            result[i] = '\xFF';
        }
    }
    return result;
}

} // namespace

llamapack_status llamapack_tokenize(
    const llama_vocab * vocab, const char * text, int32_t text_len, int32_t * tokens, int32_t n_tokens_max, bool add_special,
    bool parse_special, int32_t * count, char ** error) {
    return llamapack::guarded(error, [&] {
        if (llama_vocab_type(vocab) == LLAMA_VOCAB_TYPE_NONE) {
            throw invalid_input("the model has no vocabulary");
        }
        if (add_special) {
            check_special(vocab);
        }
        const auto tokenize = [&](const char * bytes) {
            *count = llama_tokenize(vocab, bytes, text_len, tokens, n_tokens_max, add_special, parse_special);
        };
        const size_t stack = llamapack::stack_for_splitting(text, text_len) + other_stack;
        const auto   run   = [&](const char * bytes) { llamapack::run_with_stack(stack, [&] { tokenize(bytes); }); };
        try {
            try {
                run(text);
            } catch (const std::invalid_argument &) {
                run(without_impossible_codepoints(text, text_len).c_str());
            }
        } catch (const std::out_of_range &) {
            throw invalid_input("the vocabulary lacks a token that its tokenizer needs for this text");
        }
    });
}
