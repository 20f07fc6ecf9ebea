// Grammars of ours in the place of those that upstream's chat layer would make of JSON schemas.

#pragma once

#include <string>
#include <vector>

namespace llamapack {

// A JSON schema that stands for the grammar of this number, in JSON.
std::string stand_in_schema(size_t number);

// Put GBNF grammars where `grammar` has what upstream made of their stand-ins; their rules get names of their own. Returns
// an empty text if one of them is not there.
std::string with_grammars(const std::string & grammar, const std::vector<std::string> & grammars);

} // namespace llamapack
