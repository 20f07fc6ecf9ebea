// What the server core is not to be given: it would go to the network, recurse too deeply, or abort.

#pragma once

#include <cstddef>
#include <string>

#include "llama.h"

namespace llamapack {

// Look through the JSON of a request to `path`; throws invalid_input with what is wrong. Returns the bytes of stack that
// splitting its longest text may take.
size_t check_request(const std::string & path, const std::string & body, const llama_vocab * vocab);

} // namespace llamapack
