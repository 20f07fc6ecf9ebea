// Which handler of the server core answers which request.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "server-context.h"

namespace llamapack {

// A path with what it says beside the handler's name: parameters in it, and its query.
struct target {
    std::string                        path;
    std::string                        query;
    std::map<std::string, std::string> parameters;
};

using server_handler = server_http_context::handler_t server_routes::*;

// A path that has a handler, but for that of a slot, which has a parameter in it: POST /slots/:id_slot.
struct route {
    const char *   method;
    const char *   path;
    server_handler handler;
};

const std::vector<route> & plain_routes();

target parse_target(const std::string & text);

// The handler of a request, with its parameters added to `where`; NULL if there is none.
server_handler find_handler(const std::string & method, target & where);

} // namespace llamapack
