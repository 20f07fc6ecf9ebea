// The border between C++ and C: run a body, turn what it throws into a status and a message.

#pragma once

#include <cstring>
#include <cstdlib>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include "llamapack.h"

namespace llamapack {

// A failure that is the caller's, with a message for people.
struct invalid_input : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// What was asked for is right in itself, but cannot be done as things stand.
struct conflict : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// A callback wanted the call to end.
struct cancelled : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// A copy that llamapack_string_free takes back; throws std::bad_alloc.
char * copy_string(const std::string & text);

// Store a message where the caller asked for it; never throws.
void store_error(char ** error, const char * message) noexcept;

template <typename Body>
llamapack_status guarded(char ** error, Body && body) noexcept {
    if (error != nullptr) {
        *error = nullptr;
    }
    try {
        std::forward<Body>(body)();
        return LLAMAPACK_STATUS_OK;
    } catch (const invalid_input & problem) {
        store_error(error, problem.what());
        return LLAMAPACK_STATUS_INVALID;
    } catch (const conflict & problem) {
        store_error(error, problem.what());
        return LLAMAPACK_STATUS_CONFLICT;
    } catch (const cancelled & problem) {
        store_error(error, problem.what());
        return LLAMAPACK_STATUS_CANCELLED;
    } catch (const std::bad_alloc &) {
        store_error(error, "out of memory");
        return LLAMAPACK_STATUS_NO_MEMORY;
    } catch (const std::exception & problem) {
        store_error(error, problem.what());
        return LLAMAPACK_STATUS_INTERNAL;
    } catch (...) {
        store_error(error, "an exception of unknown type");
        return LLAMAPACK_STATUS_INTERNAL;
    }
}

} // namespace llamapack
