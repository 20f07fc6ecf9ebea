// `@available(macOS 15.0, *)` becomes a call of this function, which is in the runtime library of Apple's compiler and
// not in zig's. Which macOS this is, libSystem knows.

#include <stdbool.h>
#include <stdint.h>

struct build_version {
    uint32_t platform;
    uint32_t version;   // 16 bits of major, 8 of minor, 8 of patch
};

extern bool _availability_version_check(uint32_t count, struct build_version versions[]);

__attribute__((visibility("hidden"))) int32_t __isPlatformVersionAtLeast(
        uint32_t platform, uint32_t major, uint32_t minor, uint32_t patch) {
    struct build_version asked = { platform, (major & 0xffff) << 16 | (minor & 0xff) << 8 | (patch & 0xff) };
    return _availability_version_check(1, &asked);
}
