#include "memory.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "../aborts.hpp"
#include "../engine/options.hpp"
#include "../worker_thread.hpp"
#include "fit.h"
#include "gguf.h"
#include "mtmd.h"
#include "speculative.h"

namespace {

using json = nlohmann::ordered_json;

// Above all levels: what is wrong with the model is said when it is loaded.
constexpr ggml_log_level quiet = static_cast<ggml_log_level>(GGML_LOG_LEVEL_CONT + 1);

// The numbers for each row of logits, by the model's file: 0 if it has no vocabulary.
size_t logits_of(const std::string & path) {
    const std::unique_ptr<gguf_context, decltype(&gguf_free)> file(gguf_init_from_file(path.c_str(), { true, nullptr }),
                                                                   gguf_free);
    const int64_t tokens = file ? gguf_find_key(file.get(), "tokenizer.ggml.tokens") : -1;
    return tokens < 0 ? 0 : gguf_get_arr_n(file.get(), tokens);
}

// What llama.cpp does not count: it copies the logits of a batch to a buffer of the machine, which grows when first needed.
size_t output_buffer(const common_params & params) {
    int32_t rows = std::min(params.n_outputs_max, params.n_batch);
    if (params.n_ctx > 0) {
        rows = std::min(rows, params.n_ctx);
    }
    return static_cast<size_t>(rows) * logits_of(params.model.path) * sizeof(float);
}

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
    found.needed.back() += output_buffer(params);
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

// llama.cpp's server takes so many rows of logits at once, which decide how large the working memory is.
void limit_outputs(common_params & params) {
    const bool pooled = params.pooling_type != LLAMA_POOLING_TYPE_UNSPECIFIED &&
                        params.pooling_type != LLAMA_POOLING_TYPE_NONE;
    if (params.embedding || pooled) {
        params.n_outputs_max         = params.n_batch;
        params.n_outputs_max_per_seq = 1;
        return;
    }
    const common_speculative_output_limits limits = common_speculative_get_output_limits(
        params.n_batch, params.n_parallel, common_speculative_n_max(&params.speculative));
    params.n_outputs_max         = std::max(1, limits.total);
    params.n_outputs_max_per_seq = std::max(1, limits.per_seq);
}

measured measure(const std::string & options) {
    const llamapack::c_numbers     numbers;
    const llamapack::caught_aborts guard;
    llama_backend_init();
    common_params params = llamapack::read_engine_options(options.c_str());
    limit_outputs(params);
    measured found = measure_model(params);
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
    } catch (const std::exception & error) { // the model is not refused for it
        why = error.what();
    } catch (...) {
        why = "It failed without a reason.";
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
