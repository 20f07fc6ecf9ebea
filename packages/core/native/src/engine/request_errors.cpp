#include "request_errors.hpp"

#include <exception>
#include <new>
#include <stdexcept>

#include "../status.hpp"

namespace llamapack {

request_error describe_error(const std::string & message, error_type type) {
    const json error = format_error_response(message, type);
    return { error.at("code").get<int>(), safe_json_to_str({ { "error", error } }) };
}

void report_errors_of(
    const std::function<void()> & body, const std::function<void(const std::string & message, error_type type)> & write) {
    try {
        body();
    } catch (const invalid_input & problem) {
        write(problem.what(), ERROR_TYPE_INVALID_REQUEST);
    } catch (const std::invalid_argument & problem) {
        write(problem.what(), ERROR_TYPE_INVALID_REQUEST);
    } catch (const common_json_error & problem) {
        write(problem.what(), ERROR_TYPE_INVALID_REQUEST);
    } catch (const std::bad_alloc &) {
        write("out of memory", ERROR_TYPE_UNAVAILABLE);
    } catch (const std::exception & problem) {
        write(problem.what(), ERROR_TYPE_SERVER);
    } catch (...) {
        write("an exception of unknown type", ERROR_TYPE_SERVER);
    }
}

} // namespace llamapack
