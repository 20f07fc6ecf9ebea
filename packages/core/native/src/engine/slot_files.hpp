// Files of slots, whose damage llama.cpp would not notice: numbers that are none, once in its cache, spoil all answers.

#pragma once

#include <string>

#include "llama.h"

namespace llamapack {

// Append digests of the model and of all else to a file that llama.cpp has written; throws std::runtime_error if that
// cannot be done.
void seal_slot_file(const std::string & path, const llama_model * model);

// Throws invalid_input unless the file is as it was when it was sealed, with this model.
void check_slot_file(const std::string & path, const llama_model * model);

} // namespace llamapack
