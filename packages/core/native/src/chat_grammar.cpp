#include "chat_grammar.hpp"

#include <algorithm>
#include <cctype>

namespace llamapack {

namespace {

std::string stand_in(size_t number) {
    return "llamapack has a grammar here: " + std::to_string(number) + ".";
}

std::string prefix(size_t number) {
    return "llamapack-" + std::to_string(number) + "-";
}

bool is_name(char letter) {
    return std::isalnum(static_cast<unsigned char>(letter)) || letter == '-';
}

// The end of a literal, a class, a token or a count that begins at `at`: names in it are none.
size_t end_of(const std::string & grammar, size_t at, char last) {
    for (++at; at < grammar.size() && grammar[at] != last; ++at) {
        at += grammar[at] == '\\' ? 1 : 0;
    }
    return std::min(at + 1, grammar.size());
}

size_t end_of_part(const std::string & grammar, size_t at) {
    switch (grammar[at]) {
        case '"': return end_of(grammar, at, '"');
        case '[': return end_of(grammar, at, ']');
        case '<': return end_of(grammar, at, '>');
        case '{': return end_of(grammar, at, '}');
        case '#': return std::min(grammar.find('\n', at), grammar.size());
        default:  return at + 1;
    }
}

// Give every rule a name that no other grammar uses.
std::string renamed(const std::string & grammar, const std::string & prefix) {
    std::string result;
    for (size_t at = 0; at < grammar.size();) {
        size_t end = at;
        while (end < grammar.size() && is_name(grammar[end])) {
            ++end;
        }
        if (end > at) {
            result += prefix;
        } else {
            end = end_of_part(grammar, at);
        }
        result.append(grammar, at, end - at);
        at = end;
    }
    return result;
}

} // namespace

std::string stand_in_schema(size_t number) {
    return "{\"const\":\"" + stand_in(number) + "\"}";
}

std::string with_grammars(const std::string & grammar, const std::vector<std::string> & grammars) {
    std::string result = grammar;
    for (size_t i = 0; i < grammars.size(); ++i) {
        const std::string literal = "\"\\\"" + stand_in(i) + "\\\"\"";
        size_t            at      = result.find(literal);
        if (at == std::string::npos) {
            return "";
        }
        for (; at != std::string::npos; at = result.find(literal, at)) {
            result.replace(at, literal.size(), prefix(i) + "root");
        }
        result += "\n" + renamed(grammars[i], prefix(i));
    }
    return result;
}

} // namespace llamapack
