// What a grammar must be before upstream's engine sees it. The engine trusts its input: it counts {5,2} upwards without
// end, recurses as deep as brackets and rules go, and writes its complaints to standard error.

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "grammar.hpp"
#include "status.hpp"

namespace llamapack {

namespace {

constexpr size_t max_brackets = 200;        // each level is a few hundred bytes of stack
constexpr size_t max_depth    = 1000;       // of rules that begin with rules, likewise
constexpr size_t max_ways     = 50 * 1000;  // to begin a rule; upstream keeps one stack for each
constexpr size_t max_elements = 20 * 1000 * 1000;

std::string place(const std::string & source, size_t offset) {
    size_t line  = 1;
    size_t start = 0;
    for (size_t i = 0; i < std::min(offset, source.size()); ++i) {
        if (source[i] == '\n') {
            ++line;
            start = i + 1;
        }
    }
    return "line " + std::to_string(line) + ", column " + std::to_string(offset - start + 1);
}

// One walk over the text, before it is parsed: brackets, and repetitions that are reversed or too many.
class scanner {
  public:
    explicit scanner(const std::string & source) : source(source) {}

    void scan() {
        while (at < source.size()) {
            step();
        }
    }

  private:
    const std::string & source;
    size_t              at       = 0;
    size_t              depth    = 0;
    size_t              item     = 1; // elements of what a repetition would repeat
    size_t              elements = 0;

    [[noreturn]] void refuse(const std::string & reason) const {
        throw invalid_input(place(source, at) + ": " + reason);
    }

    void step() {
        switch (source[at]) {
            case '#': at = std::min(source.find_first_of("\r\n", at), source.size()); break;
            case '"': quoted('"'); break;
            case '[': quoted(']'); break;
            case '<': at = std::min(source.find('>', at), source.size()); break;
            case '{': repetition(); break;
            case '(': open(); break;
            case ' ': case '\t': case '\r': case '\n': ++at; break;
            case ')': depth -= depth > 0 ? 1 : 0; item = 1; ++at; break;
            default: item = 1; ++at;
        }
    }

    void open() {
        if (++depth > max_brackets) {
            refuse("more than " + std::to_string(max_brackets) + " nested brackets");
        }
        ++at;
    }

    void quoted(char end) {
        item = 0;
        for (++at; at < source.size() && source[at] != end; ++at, ++item) {
            at += source[at] == '\\' ? 1 : 0;
        }
        ++at;
        count(item);
    }

    void count(size_t more) {
        elements += more;
        if (elements > max_elements) {
            refuse("the grammar is too large with its repetitions written out");
        }
    }

    // Digits with the spaces around them; -1 without any. Numbers past upstream's limit are cut down to one past it.
    int64_t number() {
        const auto space = [&] { at = std::min(source.find_first_not_of(" \t\r\n", at), source.size()); };
        int64_t    value = -1;
        for (space(); at < source.size() && source[at] >= '0' && source[at] <= '9'; ++at) {
            value = std::min<int64_t>(std::max<int64_t>(value, 0) * 10 + (source[at] - '0'), 1000 * 1000);
        }
        space();
        return value;
    }

    void repetition() {
        const size_t start = at++;
        const int64_t low  = number();
        int64_t       high = low;
        if (at < source.size() && source[at] == ',') {
            ++at;
            high = number();
        }
        if (high >= 0 && low > high) {
            at = start;
            refuse("a repetition from " + std::to_string(low) + " to " + std::to_string(high) + " times");
        }
        count(item * static_cast<size_t>(std::max<int64_t>({ low, high, 1 })));
    }
};

std::string name_of(const llama_grammar_parser & parser, size_t rule) {
    for (const auto & [name, id] : parser.symbol_ids) {
        if (id == rule) {
            return name;
        }
    }
    return std::to_string(rule);
}

// Upstream ends most messages with " at " and all the rest of the grammar; say the place instead.
std::string explain(const std::string & message, const std::string & source, size_t rule_offset) {
    for (size_t at = message.find(" at "); at != std::string::npos; at = message.find(" at ", at + 1)) {
        const size_t rest = message.size() - at - 4;
        if (rest <= source.size() && source.compare(source.size() - rest, rest, message, at + 4, rest) == 0) {
            return place(source, source.size() - rest) + ": " + message.substr(0, at);
        }
    }
    return "in the rule at " + place(source, rule_offset) + ": " + message;
}

void parse(llama_grammar_parser & parser, const std::string & source) {
    const char * const begin = source.c_str();
    const auto skip = [&](const char * pos) {
        while (*pos != '\0' && std::strchr(" \t\r\n#", *pos) != nullptr) {
            pos += *pos == '#' ? std::strcspn(pos, "\r\n") : 1;
        }
        return pos;
    };
    for (const char * pos = skip(begin); *pos != '\0'; pos = skip(pos)) {
        try {
            pos = parser.parse_rule(pos);
        } catch (const std::exception & problem) {
            throw invalid_input(explain(problem.what(), source, static_cast<size_t>(pos - begin)));
        }
    }
}

void check_defined(const llama_grammar_parser & parser) {
    for (const auto & [name, id] : parser.symbol_ids) {
        if (id >= parser.rules.size() || parser.rules[id].empty()) {
            throw invalid_input("the rule '" + name + "' is not defined");
        }
    }
}

// Which rules can begin a rule, and so how far and in how many ways upstream expands it before it reads a character.
class beginnings {
  public:
    explicit beginnings(const llama_grammar_parser & parser)
        : parser(parser), empty(parser.rules.size()), first(parser.rules.size()), states(parser.rules.size()) {
        find_empty();
        find_first();
    }

    void check() {
        check_recursion();
        for (size_t rule = 0; rule < states.size(); ++rule) {
            visit(rule);
        }
    }

  private:
    struct beginning {
        size_t rule;
        bool   last; // nothing comes after it in its alternative
        bool   seen; // by upstream's own check, which knows of an empty alternative, but not of one made of empty rules
    };

    struct state {
        enum { unseen, open, done } visit = unseen;
        size_t depth = 1;
        size_t ways  = 1;
        size_t next  = 0; // of its beginnings to look at
    };

    const llama_grammar_parser &        parser;
    std::vector<bool>                   empty; // may match nothing
    std::vector<std::vector<beginning>> first;
    std::vector<state>                  states;

    static bool ends(const llama_grammar_element & element) {
        return element.type == LLAMA_GRETYPE_END || element.type == LLAMA_GRETYPE_ALT;
    }

    bool has_empty_alternative(size_t rule) const {
        bool before = true; // an end, or the beginning
        for (const auto & element : parser.rules[rule]) {
            if (before && ends(element)) {
                return true;
            }
            before = ends(element);
        }
        return false;
    }

    // A rule may be empty if one alternative has only such rules; passed on from rule to rule until nothing changes.
    void find_empty() {
        struct alternative {
            size_t rule;
            size_t missing;
        };
        std::vector<alternative>         alternatives;
        std::vector<std::vector<size_t>> used_in(empty.size());
        std::vector<size_t>              todo;
        for (size_t rule = 0; rule < empty.size(); ++rule) {
            alternative current{ rule, 0 };
            bool        only_rules = true;
            for (const auto & element : parser.rules[rule]) {
                if (ends(element)) {
                    if (only_rules && current.missing == 0) {
                        todo.push_back(rule);
                    }
                    alternatives.push_back(current);
                    current    = { rule, 0 };
                    only_rules = true;
                } else if (element.type == LLAMA_GRETYPE_RULE_REF) {
                    ++current.missing;
                    used_in[element.value].push_back(alternatives.size());
                } else {
                    only_rules = false;
                    ++current.missing; // never becomes empty
                }
            }
        }
        while (!todo.empty()) {
            const size_t rule = todo.back();
            todo.pop_back();
            if (empty[rule]) {
                continue;
            }
            empty[rule] = true;
            for (const size_t index : used_in[rule]) {
                if (--alternatives[index].missing == 0) {
                    todo.push_back(alternatives[index].rule);
                }
            }
        }
    }

    void find_first() {
        for (size_t rule = 0; rule < first.size(); ++rule) {
            bool         at_start = true;
            bool         seen     = true;
            const auto & elements = parser.rules[rule];
            for (size_t i = 0; i < elements.size(); ++i) {
                const auto & element = elements[i];
                if (ends(element)) {
                    at_start = true;
                    seen     = true;
                } else if (at_start && element.type == LLAMA_GRETYPE_RULE_REF) {
                    first[rule].push_back({ element.value, ends(elements[i + 1]), seen });
                    at_start = empty[element.value];
                    seen &= has_empty_alternative(element.value);
                } else {
                    at_start = false;
                }
            }
        }
    }

    void visit(size_t start) {
        if (states[start].visit != state::unseen) {
            return;
        }
        std::vector<size_t> path = { start };
        states[start].visit      = state::open;
        while (!path.empty()) {
            const size_t rule    = path.back();
            state &      current = states[rule];
            if (current.next == first[rule].size()) {
                current.visit = state::done;
                path.pop_back();
                continue;
            }
            const size_t next = first[rule][current.next].rule;
            if (states[next].visit == state::open) {
                ++current.next; // a circle that is allowed
            } else if (states[next].visit == state::unseen) {
                states[next].visit = state::open;
                path.push_back(next);
            } else {
                ++current.next;
                add(current, states[next], rule);
            }
        }
    }

    void add(state & to, const state & from, size_t rule) const {
        to.depth = std::max(to.depth, from.depth + 1);
        to.ways += from.ways;
        if (to.depth > max_depth || to.ways > max_ways) {
            throw invalid_input("the rule '" + name_of(parser, rule) + "' can begin in too many ways: it has " +
                                (to.depth > max_depth ? "a chain of rules longer than " + std::to_string(max_depth)
                                                      : "more than " + std::to_string(max_ways)));
        }
    }

    // A rule that leads back to itself before a character was read makes upstream's stack longer at every turn, without
    // end. Where nothing comes after the rule at any step, as in (x?)*, the stack is the same again, and upstream stops;
    // but a circle that its own check sees it refuses, whatever comes after.
    void check_recursion() const {
        const std::vector<size_t> circle = circles(false), seen_circle = circles(true);
        for (size_t rule = 0; rule < first.size(); ++rule) {
            for (const beginning & next : first[rule]) {
                const bool grows = !next.last && circle[rule] == circle[next.rule];
                if (grows || (next.seen && seen_circle[rule] == seen_circle[next.rule])) {
                    refuse_recursion(rule, next.rule);
                }
            }
        }
    }

    // For each rule a number, the same for those that begin with each other: Tarjan's strongly connected components,
    // without recursion.
    std::vector<size_t> circles(bool only_seen) const {
        constexpr size_t    none = SIZE_MAX;
        std::vector<size_t> order(first.size(), none), lowest(first.size()), next(first.size()), number(first.size(), none);
        std::vector<size_t> path, open;
        size_t              seen = 0;
        for (size_t start = 0; start < first.size(); ++start) {
            if (order[start] == none) {
                path.push_back(start);
            }
            while (!path.empty()) {
                const size_t rule = path.back();
                if (order[rule] == none) {
                    order[rule] = lowest[rule] = seen++;
                    open.push_back(rule);
                }
                if (next[rule] < first[rule].size()) {
                    const size_t other = first[rule][next[rule]].rule;
                    if (only_seen && !first[rule][next[rule]].seen) {
                        ++next[rule];
                        continue;
                    }
                    if (order[other] == none) {
                        path.push_back(other); // and come back to it
                        continue;
                    }
                    ++next[rule];
                    if (number[other] == none) { // still open
                        lowest[rule] = std::min(lowest[rule], lowest[other]);
                    }
                    continue;
                }
                path.pop_back();
                if (lowest[rule] == order[rule]) {
                    for (size_t member = none; member != rule; open.pop_back()) {
                        member         = open.back();
                        number[member] = order[rule];
                    }
                }
            }
        }
        return number;
    }

    // Name the rules from `rule` over `next` back to it.
    [[noreturn]] void refuse_recursion(size_t rule, size_t next) const {
        std::vector<size_t> from(first.size(), SIZE_MAX);
        std::vector<size_t> todo = { next };
        from[next]               = rule;
        for (size_t i = 0; i < todo.size() && todo[i] != rule; ++i) {
            for (const beginning & other : first[todo[i]]) {
                if (from[other.rule] == SIZE_MAX) {
                    from[other.rule] = todo[i];
                    todo.push_back(other.rule);
                }
            }
        }
        std::string chain = "'" + name_of(parser, rule) + "'";
        for (size_t at = from[rule]; at != rule; at = from[at]) {
            chain = "'" + name_of(parser, at) + "' -> " + chain;
        }
        throw invalid_input("a rule begins with itself, which is not supported: '" + name_of(parser, rule) + "' -> " +
                            chain);
    }
};

} // namespace

parsed_grammar::parsed_grammar(const llama_vocab * vocab, const std::string & source, const std::string & root_name)
    : parser(vocab), root(0) {
    scanner(source).scan();
    parse(parser, source);
    const auto found = parser.symbol_ids.find(root_name);
    if (found == parser.symbol_ids.end()) {
        throw invalid_input("there is no rule '" + root_name + "'");
    }
    root = found->second;
    check_defined(parser);
    beginnings(parser).check();
}

} // namespace llamapack

llamapack_status llamapack_grammar_check(
    const llama_vocab * vocab, const char * grammar, const char * root, char ** error) {
    return llamapack::guarded(error, [&] {
        if (grammar == nullptr || root == nullptr) {
            throw llamapack::invalid_input("the grammar or the name of its root is missing");
        }
        llamapack::parsed_grammar(vocab, grammar, root);
    });
}
