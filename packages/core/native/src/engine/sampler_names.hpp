// What upstream passes over without a word in the settings of samplers.

#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "llama.h"

namespace llamapack {

// Throw invalid_input for a name of `names`, which are separated by semicolons, that no sampler has.
void check_sampler_names(const std::string & names);

// Throw invalid_input for a letter that stands for no sampler.
void check_sampler_letters(const std::string & letters);

// Throw invalid_input for a request's `samplers` and `logit_bias` if a part of them would have no effect.
void check_sampling_fields(const nlohmann::ordered_json & request, const llama_vocab * vocab);

} // namespace llamapack
