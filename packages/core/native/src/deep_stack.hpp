// Calls that recurse with the length of their input.

#pragma once

#include <cstddef>
#include <functional>

namespace llamapack {

// Run `body` with a stack of `size` bytes, and throw what it throws; throws invalid_input where the system has no such
// stack. The memory is taken as it is used.
void run_on_stack(size_t size, const std::function<void()> & body);

} // namespace llamapack
