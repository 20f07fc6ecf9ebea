// llamapack-runner --supervised

#pragma once

namespace llamapack {

int run_supervised();

} // namespace llamapack
