// llamapack-runner, by its arguments.

#include "llamapack_runner.h"

#include <cstdio>
#include <cstring>
#include <exception>

#include "../engine/server_log.hpp"
#include "backends.hpp"
#include "ggml-backend.h"
#include "log.h"
#include "mtmd-helper.h"
#include "process.hpp"
#include "requirements.hpp"
#include "supervised.hpp"

int llama_server(int argc, char ** argv); // server.cpp

namespace {

// The lines of the server core, which goes to our log otherwise.
void add_to_upstreams_log(ggml_log_level level, const char * text) {
    common_log_add(common_log_main(), level, "%s", text);
}

int run_as_llama_server(int argc, char ** argv) {
    const auto named = llamapack::libraries_of_environment();
    if (named.empty()) {
        ggml_backend_load_all_from_path(llamapack::library_folder().c_str()); // the level with the highest score
    } else {
        llamapack::load_backends({}, named);
    }
    mtmd_helper_log_set(common_log_default_callback, nullptr);
    llamapack::give_server_log_to(common_log_get_verbosity_thold, add_to_upstreams_log);
    return llama_server(argc, argv);
}

} // namespace

int llamapack_runner_main(int argc, char ** argv) {
    try {
        if (argc == 2 && std::strcmp(argv[1], "--supervised") == 0) {
            return llamapack::run_supervised();
        }
        if (argc == 2 && std::strcmp(argv[1], "--requirements") == 0) {
            return std::puts(llamapack::describe_requirements().c_str()) < 0 ? 1 : 0;
        }
        return run_as_llama_server(argc, argv);
    } catch (const std::exception & problem) {
        std::fprintf(stderr, "llamapack-runner: %s\n", problem.what());
        return 1;
    }
}
