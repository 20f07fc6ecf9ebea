// Found before NVIDIA's header of this name, which on Windows knows Visual C++ only. Read as for another system, it
// expects __isinf of GNU's C library.
#ifndef LLAMAPACK_HOST_ISINF
#define LLAMAPACK_HOST_ISINF
static inline __attribute__((host)) int __isinf(double value) { return __builtin_isinf(value); }
#endif

#pragma push_macro("_WIN32")
#undef _WIN32
#include_next <crt/math_functions.hpp>
#pragma pop_macro("_WIN32")
