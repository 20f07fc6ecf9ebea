#include "backends.hpp"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "../status.hpp"
#include "ggml-backend.h"

#ifdef _WIN32
#    include <windows.h>
#else
#    include <dlfcn.h>
#endif

namespace {

using llamapack::invalid_input;

#ifdef _WIN32

// Its own folder is searched for what it needs, and that of the program, never the current one.
void * open_library(const std::string & path) {
    const std::filesystem::path file = std::filesystem::u8path(path);
    return LoadLibraryExW(file.c_str(), nullptr, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
}

std::string why_not() {
    return "error " + std::to_string(GetLastError());
}

void * find_symbol(void * library, const char * name) {
    return reinterpret_cast<void *>(GetProcAddress(static_cast<HMODULE>(library), name));
}

void close_library(void * library) {
    FreeLibrary(static_cast<HMODULE>(library));
}

#else

void * open_library(const std::string & path) {
    return dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
}

std::string why_not() {
    const char * reason = dlerror();
    return reason == nullptr ? "no reason is given" : reason;
}

void * find_symbol(void * library, const char * name) {
    return dlsym(library, name);
}

void close_library(void * library) {
    dlclose(library);
}

#endif

// It stays open until the process ends.
void * open_or_refuse(const std::string & path) {
    if (!std::filesystem::u8path(path).is_absolute()) {
        throw invalid_input("the path of a library is not absolute: " + path);
    }
    void * library = open_library(path);
    if (library == nullptr) {
        throw invalid_input("the library " + path + " cannot be loaded: " + why_not());
    }
    return library;
}

// Plug-ins say for which ABI they were built; levels are of the same wheel.
void check_abi(void * library, const std::string & path) {
    const auto said = reinterpret_cast<const char * (*)()>(find_symbol(library, "llamapack_backend_abi_id"));
    if (said != nullptr && std::strcmp(said(), LLAMAPACK_ABI_ID) != 0) {
        throw invalid_input("the backend " + path + " was built for another llamapack");
    }
}

} // namespace

namespace llamapack {

void load_backends(const std::vector<std::string> & preload, const std::vector<std::string> & libraries) {
    for (const std::string & path : preload) {
        open_or_refuse(path);
    }
    for (const std::string & path : libraries) {
        check_abi(open_or_refuse(path), path);
        if (ggml_backend_load(path.c_str()) == nullptr) {
            throw invalid_input("the library " + path + " is no backend that can be used");
        }
    }
}

std::vector<std::string> libraries_of_environment() {
#ifdef _WIN32
    constexpr char between = ';';
#else
    constexpr char between = ':';
#endif
    const char *             value = std::getenv("LLAMAPACK_RUNNER_LIBRARIES");
    std::istringstream       paths(value == nullptr ? "" : value);
    std::vector<std::string> found;
    for (std::string path; std::getline(paths, path, between);) {
        if (!path.empty()) {
            found.push_back(path);
        }
    }
    return found;
}

int score_level(const std::string & path) {
    void * library = open_library(path);
    if (library == nullptr) {
        return 0;
    }
    const auto score  = reinterpret_cast<int (*)()>(find_symbol(library, "ggml_backend_score"));
    const int  result = score == nullptr ? 1 : score(); // a level that is the only one has none
    close_library(library);
    return result;
}

} // namespace llamapack
