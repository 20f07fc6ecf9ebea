// Upstream's own programs, on backends that are named: llamapack-reference LIBRARY[,LIBRARY...] PROGRAM [ARGUMENTS...]
// What they do is theirs; loading the given libraries before they start, instead of searching for some, is ours.

#include <cstdio>
#include <cstring>
#include <sstream>
#include <string>

#include "ggml-backend.h"
#include "log.h"

int llama_bench(int argc, char ** argv);
int llama_completion(int argc, char ** argv);
int llama_mtmd_cli(int argc, char ** argv);
int llama_perplexity(int argc, char ** argv);

int main(int argc, char ** argv) {
    const struct {
        const char * name;
        int (*run)(int, char **);
    } programs[] = {
        { "llama-bench", llama_bench },
        { "llama-completion", llama_completion },
        { "llama-mtmd-cli", llama_mtmd_cli },
        { "llama-perplexity", llama_perplexity },
    };
    if (argc < 3) {
        std::fprintf(stderr, "usage: %s LIBRARY[,LIBRARY...] PROGRAM [ARGUMENTS...]\n", argv[0]);
        return 2;
    }
    std::istringstream libraries(argv[1]);
    for (std::string library; std::getline(libraries, library, ',');) {
        if (ggml_backend_load(library.c_str()) == nullptr) {
            std::fprintf(stderr, "%s: the backend %s cannot be loaded\n", argv[0], library.c_str());
            return 2;
        }
    }
    for (const auto & program : programs) {
        if (std::strcmp(argv[2], program.name) == 0) {
            const int status = program.run(argc - 2, argv + 2);
            common_log_pause(common_log_main()); // writes what is left: not all of them do at their end
            return status;
        }
    }
    std::fprintf(stderr, "%s: there is no program %s\n", argv[0], argv[2]);
    return 2;
}
