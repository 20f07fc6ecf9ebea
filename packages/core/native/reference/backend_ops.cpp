// Upstream's test of a backend's operations, on backends that are named: llamapack-backend-ops LIBRARY[,LIBRARY...]
// [ARGUMENTS...]. What it tests is upstream's; loading the given libraries before it starts is ours.

#include <cstdio>
#include <sstream>
#include <string>

#include "ggml-backend.h"

int test_backend_ops(int argc, char ** argv);

int main(int argc, char ** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: %s LIBRARY[,LIBRARY...] [ARGUMENTS...]\n", argv[0]);
        return 2;
    }
    std::istringstream libraries(argv[1]);
    for (std::string library; std::getline(libraries, library, ',');) {
        if (ggml_backend_load(library.c_str()) == nullptr) {
            std::fprintf(stderr, "%s: the backend %s cannot be loaded\n", argv[0], library.c_str());
            return 2;
        }
    }
    std::setvbuf(stdout, nullptr, _IONBF, 0);   // after a crash, what was said before it counts
    return test_backend_ops(argc - 1, argv + 1);
}
