// Which handler of the server core answers which request.

#pragma once

#include <map>
#include <string>

#include "server-context.h"

namespace llamapack {

// A path with what it says beside the handler's name: parameters in it, and its query.
struct target {
    std::string                        path;
    std::string                        query;
    std::map<std::string, std::string> parameters;
};

target parse_target(const std::string & text);

// The handler of a request, with its parameters added to `where`; NULL if there is none.
const server_http_context::handler_t * find_handler(
    const server_routes & routes, const std::string & method, target & where);

} // namespace llamapack
