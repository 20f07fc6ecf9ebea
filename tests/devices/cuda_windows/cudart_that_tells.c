// Stands in for CUDA's runtime on Windows, and tells what a library registers with it while it is loaded: device code,
// which it writes to binary-0.bin and so on, and the kernels and variables that are looked for in there.
// All other functions that the library imports answer as the runtime does without a driver; the test adds them.

#include <stdint.h>
#include <stdio.h>

#define EXPORT __declspec(dllexport)

struct wrapper {
    int magic, version;
    const unsigned char * data;
    void * unused;
};

struct header {
    uint32_t magic;
    uint16_t version, size;
    uint64_t rest;
};

static intptr_t count = 0;

EXPORT void ** __cudaRegisterFatBinary(const struct wrapper * wrapper) {
    const struct header * header = (const void *) wrapper->data;
    char name[64];
    snprintf(name, sizeof name, "binary-%d.bin", (int) count);
    FILE * file = fopen(name, "wb");
    if (file) {
        fwrite(header, 1, (size_t) (header->size + header->rest), file);
        fclose(file);
    }
    printf("binary %d\n", (int) count);
    fflush(stdout);
    return (void **) ++count;
}

EXPORT void __cudaRegisterFatBinaryEnd(void ** binary) { (void) binary; }
EXPORT void __cudaUnregisterFatBinary(void ** binary) { (void) binary; }

EXPORT int __cudaRegisterFunction(void ** binary, const void * host, char * name, const char * in_code) {
    (void) host;
    (void) name;
    printf("kernel %d %s\n", (int) (intptr_t) binary - 1, in_code);
    fflush(stdout);
    return 0;
}

EXPORT void __cudaRegisterVar(
        void ** binary, const void * host, char * name, const char * in_code, int external, size_t size) {
    (void) host;
    (void) name;
    (void) external;
    printf("variable %d %s %d\n", (int) (intptr_t) binary - 1, in_code, (int) size);
    fflush(stdout);
}

EXPORT const char * cudaGetErrorString(int error) { return error ? "no driver" : "no error"; }
EXPORT const char * cudaGetErrorName(int error) { return error ? "no driver" : "no error"; }
