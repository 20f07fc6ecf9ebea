// Stands in for HIP's runtime on Windows, and tells what a library registers with it while it is loaded: bundles of GPU
// code, which it writes to binary-0.bin and so on, and the kernels and variables that are looked for in there.
// All other functions that the library imports answer as the runtime does without a GPU; the test adds them.

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __declspec(dllexport)
#define MAGIC "__CLANG_OFFLOAD_BUNDLE__"

struct wrapper {
    uint32_t magic, version;
    const unsigned char * bundle;
    void * unused;
};

static intptr_t count = 0;

static uint64_t number(const unsigned char * place) {
    uint64_t found;
    memcpy(&found, place, sizeof found);
    return found;
}

// The end of the last code object that the table at the beginning names.
static size_t size_of(const unsigned char * bundle) {
    const unsigned char * place = bundle + strlen(MAGIC);
    uint64_t end = 0, entries = number(place);
    for (place += 8; entries; entries--) {
        uint64_t here = number(place) + number(place + 8);
        end = here > end ? here : end;
        place += 24 + number(place + 16);
    }
    return (size_t) end;
}

EXPORT void ** __hipRegisterFatBinary(const struct wrapper * wrapper) {
    char name[64];
    snprintf(name, sizeof name, "binary-%d.bin", (int) count);
    FILE * file = fopen(name, "wb");
    if (file && !memcmp(wrapper->bundle, MAGIC, strlen(MAGIC))) {
        fwrite(wrapper->bundle, 1, size_of(wrapper->bundle), file);
        fclose(file);
    }
    printf("binary %d\n", (int) count);
    fflush(stdout);
    return (void **) ++count;
}

EXPORT void __hipUnregisterFatBinary(void ** binary) { (void) binary; }

EXPORT void __hipRegisterFunction(void ** binary, const void * host, char * name, const char * in_code) {
    (void) host;
    (void) name;
    printf("kernel %d %s\n", (int) (intptr_t) binary - 1, in_code);
    fflush(stdout);
}

EXPORT void __hipRegisterVar(
        void ** binary, void * host, char * name, const char * in_code, int external, size_t size) {
    (void) host;
    (void) name;
    (void) external;
    printf("variable %d %s %d\n", (int) (intptr_t) binary - 1, in_code, (int) size);
    fflush(stdout);
}

EXPORT const char * hipGetErrorString(int error) { return error ? "no GPU" : "no error"; }
EXPORT const char * hipGetErrorName(int error) { return error ? "no GPU" : "no error"; }
