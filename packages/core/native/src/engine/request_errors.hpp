// What a request throws, as llama-server writes it, but for a body that is not JSON: that is the caller's mistake.

#pragma once

#include <functional>
#include <string>

#include "server-common.h"

namespace llamapack {

struct request_error {
    int         status;
    std::string body;
};

request_error describe_error(const std::string & message, error_type type);

// Run `body`, and call `write` with what it throws.
void report_errors_of(
    const std::function<void()> & body, const std::function<void(const std::string & message, error_type type)> & write);

} // namespace llamapack
