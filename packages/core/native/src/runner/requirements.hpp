// What this build needs of a machine.

#pragma once

#include <string>

namespace llamapack {

// A JSON object; nothing but the wheel's CPU levels is opened, and no device is touched.
//   llama_cpp   llama.cpp's build identity
//   abi_id      that of the libraries
//   cpu_levels  object: for each level its library, the features it needs, and its score on this processor, 0 where it
//               does not run
//   backends    array: for each library that LLAMAPACK_RUNNER_LIBRARIES names, its path and what is written beside it: the
//               devices it was compiled for, and the oldest driver
std::string describe_requirements();

} // namespace llamapack
