// Which of llama.cpp's options an engine takes.

#pragma once

#include <string>

struct common_arg;

namespace llamapack {

// An option's name: the first of its long spellings, without dashes.
std::string option_name(const common_arg & option);

// Why an engine refuses the option; NULL if it takes it. One that is in neither list here is refused: llama.cpp has it
// newly, and nobody has looked at what it does.
const char * refusal_of(const common_arg & option);

} // namespace llamapack
