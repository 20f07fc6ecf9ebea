// The functions of NVIDIA's driver that ggml-cuda calls, each looked up in the driver's library when it is called: a
// plug-in that was linked with the library could not be loaded where there is no driver, and could not say so.
// tests/wheels/plugins/test_cuda.py compares this list with what ggml's objects need.

#include <cuda.h>

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace {

constexpr CUresult no_library = CUDA_ERROR_SHARED_OBJECT_INIT_FAILED;
constexpr CUresult no_function = CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND;

#ifdef _WIN32
void * open_driver() { return LoadLibraryExW(L"nvcuda.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32); }
void * look_up(void * library, const char * name) {
    return reinterpret_cast<void *>(GetProcAddress(static_cast<HMODULE>(library), name));
}
#else
void * open_driver() { return dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL); }
void * look_up(void * library, const char * name) { return dlsym(library, name); }
#endif

// It stays open: CUDA's runtime has it open as well, and no driver can be unloaded.
void * driver() {
    static void * const library = open_driver();
    return library;
}

template <typename... Parameters, typename... Arguments>
CUresult call(CUresult(CUDAAPI *)(Parameters...), const char * name, Arguments... arguments) {
    if (!driver()) {
        return no_library;
    }
    const auto function = reinterpret_cast<CUresult(CUDAAPI *)(Parameters...)>(look_up(driver(), name));
    return function ? function(arguments...) : no_function;
}

}  // namespace

// cuda.h calls some functions by names with a version behind them, by macros: the names that are looked up are those.
#define TEXT_OF(name) #name
#define NAME_OF(name) TEXT_OF(name)
#define CALL(name, ...) return call(&name, NAME_OF(name), __VA_ARGS__)

extern "C" {

CUresult CUDAAPI cuDeviceGet(CUdevice * device, int ordinal) { CALL(cuDeviceGet, device, ordinal); }

CUresult CUDAAPI cuDeviceGetAttribute(int * value, CUdevice_attribute attribute, CUdevice device) {
    CALL(cuDeviceGetAttribute, value, attribute, device);
}

CUresult CUDAAPI cuMemGetAllocationGranularity(
        size_t * granularity, const CUmemAllocationProp * properties, CUmemAllocationGranularity_flags option) {
    CALL(cuMemGetAllocationGranularity, granularity, properties, option);
}

CUresult CUDAAPI cuMemAddressReserve(
        CUdeviceptr * pointer, size_t size, size_t alignment, CUdeviceptr address, unsigned long long flags) {
    CALL(cuMemAddressReserve, pointer, size, alignment, address, flags);
}

CUresult CUDAAPI cuMemAddressFree(CUdeviceptr pointer, size_t size) { CALL(cuMemAddressFree, pointer, size); }

CUresult CUDAAPI cuMemCreate(
        CUmemGenericAllocationHandle * handle, size_t size, const CUmemAllocationProp * properties, unsigned long long flags) {
    CALL(cuMemCreate, handle, size, properties, flags);
}

CUresult CUDAAPI cuMemRelease(CUmemGenericAllocationHandle handle) { CALL(cuMemRelease, handle); }

CUresult CUDAAPI cuMemMap(
        CUdeviceptr pointer, size_t size, size_t offset, CUmemGenericAllocationHandle handle, unsigned long long flags) {
    CALL(cuMemMap, pointer, size, offset, handle, flags);
}

CUresult CUDAAPI cuMemUnmap(CUdeviceptr pointer, size_t size) { CALL(cuMemUnmap, pointer, size); }

CUresult CUDAAPI cuMemSetAccess(
        CUdeviceptr pointer, size_t size, const CUmemAccessDesc * description, size_t count) {
    CALL(cuMemSetAccess, pointer, size, description, count);
}

// What went wrong must have words where the driver that would find them is what is missing.
CUresult CUDAAPI cuGetErrorString(CUresult error, const char ** text) {
    const CUresult status = call(&cuGetErrorString, "cuGetErrorString", error, text);
    if (status == CUDA_SUCCESS || !text) {
        return status;
    }
    *text = error == no_library    ? "there is no NVIDIA driver: its library libcuda.so.1 or nvcuda.dll was not found"
            : error == no_function ? "the NVIDIA driver is too old: its library lacks a function that is needed"
                                   : "an error that the NVIDIA driver has no words for";
    return CUDA_SUCCESS;
}

}  // extern "C"
