// load.exe LIBRARY: loads a backend's library, and asks it for the backend.

#include <stdio.h>
#include <windows.h>

int wmain(int count, wchar_t ** words) {
    HMODULE library = count == 2 ? LoadLibraryExW(words[1], NULL, LOAD_WITH_ALTERED_SEARCH_PATH) : NULL;
    if (!library) {
        printf("error %lu\n", GetLastError());
        return 1;
    }
    void * (*init)(void) = (void * (*) (void)) (void *) GetProcAddress(library, "ggml_backend_init");
    printf("backend %s\n", init ? (init() ? "returned" : "none") : "no function");
    return 0;
}
