// What a runner changes in upstream's HTTP server, which has no functions for it.

#pragma once

#include <functional>
#include <string>

#include "server-http.h"

namespace llamapack {

// To be called once, between `init` and `start`: take bodies of any size, and answer with `why_not` in place of upstream's
// words while no request is taken.
void adapt_http(server_http_context & http, std::function<std::string()> why_not);

} // namespace llamapack
