// Read before every source: CCCL calls aligned_alloc on all systems but Visual C++'s, and Windows has none. Nothing that
// is compiled here allocates memory by it, so it fails.
#include <stddef.h>

#ifdef __cplusplus
static inline __attribute__((host)) void * aligned_alloc(size_t alignment, size_t size) {
    (void) alignment;
    (void) size;
    return nullptr;
}
#endif
