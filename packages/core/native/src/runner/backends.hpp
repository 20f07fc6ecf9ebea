// Backends by absolute paths: the runner looks for none.

#pragma once

#include <string>
#include <vector>

namespace llamapack {

// Open the libraries in `preload`, then load the backends in `libraries`. Throws invalid_input for a path that is not
// absolute, a library that cannot be loaded, and one that was built for another ABI.
void load_backends(const std::vector<std::string> & preload, const std::vector<std::string> & libraries);

// The libraries that LLAMAPACK_RUNNER_LIBRARIES names.
std::vector<std::string> libraries_of_environment();

// How well a level fits this processor; 0 where it does not run, or is not there.
int score_level(const std::string & path);

} // namespace llamapack
