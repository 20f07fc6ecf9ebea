#include "memory.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>
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

struct measured {
    std::vector<ggml_backend_dev_t> devices;
    std::vector<size_t>             needed; // of each, and last of the machine
};

measured measure_model(common_params & params) {
    const llama_model_params   model   = common_model_params_to_llama(params);
    const llama_context_params context = common_context_params_to_llama(params);
    measured                   found;
    uint32_t                   ignored[3];
    for (const common_device_memory_data & each :
         common_get_device_memory_data(params.model.path.c_str(), &model, &context, found.devices, ignored[0], ignored[1],
                                       ignored[2], quiet)) {
        found.needed.push_back(each.model + each.context + each.compute);
    }
    return found;
}

void add(ggml_backend_dev_t device, size_t size, measured & to) {
    size_t place = 0;
    while (place < to.devices.size() && to.devices[place] != device) {
        place++;
    }
    to.needed.at(place) += size; // the last one is the machine
}

// A draft model has a context of its own; what predicts tokens with the model's own weights is not counted.
void add_draft(const common_params & params, measured & to) {
    if (!params.speculative.has_dft()) {
        return;
    }
    common_params  draft = common_base_params_to_speculative(params);
    const measured other = measure_model(draft);
    for (size_t i = 0; i < other.needed.size(); i++) {
        add(i < other.devices.size() ? other.devices[i] : nullptr, other.needed[i], to);
    }
}

void add_projector(const common_params & params, measured & to) {
    if (params.mmproj.path.empty()) {
        return;
    }
    mtmd_context_params projector = mtmd_context_params_default();
    projector.use_gpu             = params.mmproj_use_gpu;
    projector.warmup              = false;
    for (const auto & [device, size] : mtmd_get_memory_usage(params.mmproj.path.c_str(), projector)) {
        add(device, size, to);
    }
}

measured measure(const std::string & options) {
    const llamapack::c_numbers     numbers;
    const llamapack::caught_aborts guard;
    llama_backend_init();
    common_params params = llamapack::read_engine_options(options.c_str());
    measured      found  = measure_model(params);
    add_draft(params, found);
    add_projector(params, found);
    return found;
}

} // namespace

namespace llamapack {

memory_needs::memory_needs(const std::string & options) noexcept {
    try {
        measured found = measure(options);
        devices        = std::move(found.devices);
        needed         = std::move(found.needed);
    } catch (...) {
        // as if it had not been asked
    }
}

json memory_needs::describe() const {
    json result = needed.empty() ? json() : json::array();
    for (size_t i = 0; i < needed.size(); i++) {
        const bool machine = i == devices.size();
        size_t     free = 0, total = 0;
        if (!machine) {
            ggml_backend_dev_memory(devices[i], &free, &total);
        }
        const bool shares = machine || ggml_backend_dev_type(devices[i]) == GGML_BACKEND_DEVICE_TYPE_IGPU;
        result.push_back({ { "name", machine ? "" : ggml_backend_dev_name(devices[i]) },
                           { "needed", needed[i] },
                           { "free", total == 0 ? json() : json(free) },
                           { "shares_host_memory", shares } });
    }
    return result;
}

} // namespace llamapack
