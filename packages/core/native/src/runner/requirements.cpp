#include "requirements.hpp"

#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "backends.hpp"
#include "llamapack.h"
#include "process.hpp"

namespace {

using json = nlohmann::ordered_json;
namespace fs = std::filesystem;

json read_json(const fs::path & path) {
    std::ifstream file(path, std::ios::binary);
    return json::parse(file, nullptr, /* allow_exceptions */ false);
}

#ifdef _WIN32
constexpr char level_stem[]   = "ggml-cpu";
constexpr char level_suffix[] = ".dll";
#else
constexpr char level_stem[]   = "libggml-cpu";
constexpr char level_suffix[] = ".so"; // of modules, on macOS too
#endif

json describe_levels(const fs::path & folder) {
    const json about = read_json(folder / "abi.json");
    if (!about.is_object() || !about.contains("cpu_levels")) {
        return json::object();
    }
    json levels = json::object();
    for (const auto & [name, features] : about.at("cpu_levels").items()) {
        const fs::path path = folder / (level_stem + (name.empty() ? "" : "-" + name) + level_suffix);
        levels[name]        = { { "library", path.u8string() },
                                { "features", features },
                                { "score", llamapack::score_level(path.u8string()) } };
    }
    return levels;
}

json describe_backend(const std::string & library) {
    const json about  = read_json(fs::u8path(library).parent_path() / "backend.json");
    json       result = { { "library", library } };
    for (const char * key : { "name", "targets", "driver_floor" }) {
        if (about.is_object() && about.contains(key)) {
            result[key] = about.at(key);
        }
    }
    return result;
}

} // namespace

namespace llamapack {

std::string describe_requirements() {
    json backends = json::array();
    for (const std::string & library : libraries_of_environment()) {
        backends.push_back(describe_backend(library));
    }
    const json all = { { "llama_cpp", llamapack_build_info() },
                       { "abi_id", llamapack_abi_id() },
                       { "cpu_levels", describe_levels(fs::u8path(library_folder())) },
                       { "backends", backends } };
    return all.dump(2, ' ', false, json::error_handler_t::replace);
}

} // namespace llamapack
