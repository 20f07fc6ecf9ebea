#include "server-http.cpp" // its Impl is declared there alone

#include "http_access.hpp"

#include <limits>

#include "../engine/request_errors.hpp"

namespace llamapack {

void adapt_http(server_http_context & http, std::function<std::string()> why_not) {
    static constexpr char type[] = "application/json; charset=utf-8";
    for (const auto & server : http.pimpl->servers) {
        server->set_payload_max_length(std::numeric_limits<size_t>::max());
        server->set_error_handler([&http, why_not](const httplib::Request & asked, httplib::Response & answer) {
            if (answer.status == httplib::NotFound_404 && asked.matched_route.empty()) {
                const std::string message = "there is no " + asked.method + " " + asked.path;
                answer.set_content(describe_error(message, ERROR_TYPE_NOT_FOUND).body, type);
            } else if (answer.status == httplib::ServiceUnavailable_503 && asked.matched_route.empty()) {
                answer.set_content(why_not(), type);
            }
        });
    }
}

} // namespace llamapack
