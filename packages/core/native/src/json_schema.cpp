#include "grammar.hpp"
#include "json-schema-to-grammar.h"
#include "json.h"
#include "status.hpp"

using llamapack::invalid_input;

llamapack_status llamapack_grammar_check(
    const llama_vocab * vocab, const char * grammar, const char * root, char ** error) {
    return llamapack::guarded(error, [&] {
        if (grammar == nullptr || root == nullptr) {
            throw invalid_input("the grammar or the name of its root is missing");
        }
        llamapack::parsed_grammar(vocab, grammar, root);
    });
}

llamapack_status llamapack_json_schema_to_grammar(const char * schema, char ** grammar, char ** error) {
    return llamapack::guarded(error, [&] {
        if (schema == nullptr || grammar == nullptr) {
            throw invalid_input("the schema or the place for the grammar is missing");
        }
        *grammar = nullptr;
        try {
            *grammar = llamapack::copy_string(json_schema_to_grammar(common_json::parse(schema), /* force_gbnf= */ true));
        } catch (const std::bad_alloc &) {
            throw;
        } catch (const std::exception & problem) {
            throw invalid_input(problem.what());
        }
    });
}
