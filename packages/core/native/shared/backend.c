// In every plug-in library: which ABI it was built for. The core compares it before it registers the backend.

#ifdef _WIN32
__declspec(dllexport)
#else
__attribute__((visibility("default")))
#endif
const char *
llamapack_backend_abi_id(void) {
    return LLAMAPACK_ABI_ID;
}
