// Read before every HIP source. HIP 6 asks the compiler for the number of threads that a GPU runs as one, and clang 22 no
// longer says it where the source is preprocessed. On the CPU's side the number decides nothing.

#pragma once

#ifndef __AMDGCN_WAVEFRONT_SIZE
#if defined(__GFX10__) || defined(__GFX11__) || defined(__GFX12__)
#define __AMDGCN_WAVEFRONT_SIZE 32
#else
#define __AMDGCN_WAVEFRONT_SIZE 64
#endif
#endif
