// What memory a model will take.

#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace llamapack {

// For each device that layers go to, and last for the machine's own memory: bytes that are free (not known of the machine's
// own), and those that the model of these options takes with its context, its projector included. Nothing is loaded. Null
// where that cannot be told, such as for a damaged file: loading it says why.
nlohmann::ordered_json measure_memory(const std::string & options) noexcept;

} // namespace llamapack
