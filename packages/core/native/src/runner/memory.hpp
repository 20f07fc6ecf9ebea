// What memory a model will take.

#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "ggml-backend.h"

namespace llamapack {

// What the model of some options takes with its context, its draft model and its projector included. Nothing is loaded.
class memory_needs {
  public:
    // Nothing is known of what cannot be measured, such as a damaged file: loading it says why.
    explicit memory_needs(const std::string & options) noexcept;

    // For each device that layers go to, and last for the machine's own memory: bytes that the model takes, and those that
    // are free now, which is not known of the machine's own. Null where nothing is known.
    nlohmann::ordered_json describe() const;

    // Why nothing is known; otherwise empty.
    const std::string & failure() const { return why; }

  private:
    std::vector<ggml_backend_dev_t> devices;
    std::vector<size_t>             needed; // of each, and last of the machine; empty where nothing is known
    std::string                     why;
};

} // namespace llamapack
