#include "memory.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../aborts.hpp"
#include "../engine/options.hpp"
#include "../worker_thread.hpp"
#include "fit.h"
#include "mtmd.h"
#include "speculative.h"

namespace {

using json = nlohmann::ordered_json;

// Above all levels: what is wrong with the model is said when it is loaded.
constexpr ggml_log_level quiet = static_cast<ggml_log_level>(GGML_LOG_LEVEL_CONT + 1);

struct devices {
    std::vector<ggml_backend_dev_t>        all;
    std::vector<common_device_memory_data> memory; // of each, and last of the machine
};

devices measure_model(common_params & params) {
    const llama_model_params   model   = common_model_params_to_llama(params);
    const llama_context_params context = common_context_params_to_llama(params);
    devices                    found;
    uint32_t                   ignored[3];
    found.memory = common_get_device_memory_data(params.model.path.c_str(), &model, &context, found.all, ignored[0],
                                                 ignored[1], ignored[2], quiet);
    return found;
}

void add(ggml_backend_dev_t device, size_t size, devices & to) {
    size_t place = 0;
    while (place < to.all.size() && to.all[place] != device) {
        place++;
    }
    to.memory.at(place).compute += size; // the last one is the machine
}

// A draft model has a context of its own; what predicts tokens with the model's own weights is not counted.
void add_draft(const common_params & params, devices & found) {
    if (!params.speculative.has_dft()) {
        return;
    }
    common_params draft = common_base_params_to_speculative(params);
    const devices other = measure_model(draft);
    for (size_t i = 0; i < other.memory.size(); i++) {
        const auto & memory = other.memory[i];
        add(i < other.all.size() ? other.all[i] : nullptr, memory.model + memory.context + memory.compute, found);
    }
}

void add_projector(const common_params & params, devices & found) {
    if (params.mmproj.path.empty()) {
        return;
    }
    mtmd_context_params projector = mtmd_context_params_default();
    projector.use_gpu             = params.mmproj_use_gpu;
    projector.warmup              = false;
    for (const auto & [device, size] : mtmd_get_memory_usage(params.mmproj.path.c_str(), projector)) {
        add(device, size, found);
    }
}

json describe(const devices & found) {
    json result = json::array();
    for (size_t i = 0; i < found.memory.size(); i++) {
        const auto & memory  = found.memory[i];
        const size_t needed  = memory.model + memory.context + memory.compute;
        const bool   machine = i == found.all.size();
        const bool   shares  = !machine && ggml_backend_dev_type(found.all[i]) == GGML_BACKEND_DEVICE_TYPE_IGPU;
        result.push_back({ { "name", machine ? "" : ggml_backend_dev_name(found.all[i]) },
                           { "needed", needed },
                           { "free", machine ? json() : json(memory.free) },
                           { "shares_host_memory", machine || shares } });
    }
    return result;
}

} // namespace

namespace llamapack {

json measure_memory(const std::string & options) noexcept {
    try {
        const c_numbers     numbers;
        const caught_aborts guard;
        llama_backend_init();
        common_params params = read_engine_options(options.c_str());
        devices       found  = measure_model(params);
        add_draft(params, found);
        add_projector(params, found);
        return describe(found);
    } catch (...) {
        return nullptr;
    }
}

} // namespace llamapack
