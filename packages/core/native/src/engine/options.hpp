// The options of an engine are those of llama.cpp's server, read by llama.cpp's own parser: no list of ours maps names to
// fields. Left out is all that the parser does beside: it reads no environment variable and no configuration file, prints
// nothing, downloads nothing and does not exit.

#pragma once

#include <string>

#include "common.h"

namespace llamapack {

// Turn a JSON object of options into upstream's parameters; throws invalid_input with the option and its value.
common_params read_engine_options(const char * options);

// The table that llamapack_engine_options returns.
std::string describe_engine_options();

} // namespace llamapack
