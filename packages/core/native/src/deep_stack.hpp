// Calls that recurse with the length of their input.

#pragma once

#include <cstddef>
#include <functional>

namespace llamapack {

// Run `body` where `size` bytes of stack are left, here or on another thread, and throw what it throws; throws
// invalid_input where the system has no such stack. The memory is taken as it is used.
void run_with_stack(size_t size, const std::function<void()> & body);

// How much splitting a text into words may take where a vocabulary does that with std::regex: libstdc++'s recurses for
// every character of a match, a few hundred bytes of stack each. A match is at most a run of blanks or of anything else.
size_t stack_for_splitting(const char * text, size_t length);

} // namespace llamapack
