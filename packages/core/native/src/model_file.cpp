// Models from and to files, and contexts of them. What upstream asserts of a file ends in an error here, not in the end of
// the process.

#include <cstdio>
#include <string>

#include "aborts.hpp"
#include "llama.h"
#include "llamapack.h"
#include "log.hpp"
#include "status.hpp"

namespace {

// Upstream has no callback for quantizing, but logs "[ 12/ 272] name - ..." before each tensor, when none of its own
// threads run.
class tensor_listener : public llamapack::log_listener {
  public:
    explicit tensor_listener(llamapack_quantize_callback callback) : callback(callback) {}

    void hear(const char * text) override {
        char                    name[128];
        llamapack_quantize_step step = { 0, 0, name };
        if (callback == nullptr || std::sscanf(text, " [%d/%d] %127s", &step.number, &step.count, name) != 3) {
            return;
        }
        if (!callback(&step)) {
            throw std::runtime_error("stopped by the callback");
        }
    }

  private:
    llamapack_quantize_callback callback;
};

} // namespace

llamapack_status llamapack_model_load(
    const char * path, const llama_model_params * params, llama_model ** out, char ** error) {
    *out = nullptr;
    return llamapack::guarded(error, [&] {
        const llamapack::caught_aborts guard;
        *out = llama_model_load_from_file(path, *params);
    });
}

llamapack_status llamapack_context_init(
    llama_model * model, const llama_context_params * params, llama_context ** out, char ** error) {
    *out = nullptr;
    return llamapack::guarded(error, [&] {
        const llamapack::caught_aborts guard;
        *out = llama_init_from_model(model, *params);
    });
}

llamapack_status llamapack_adapter_load(
    llama_model * model, const char * path, llama_adapter_lora ** out, char ** error) {
    *out = nullptr;
    return llamapack::guarded(error, [&] {
        const llamapack::caught_aborts guard;
        *out = llama_adapter_lora_init(model, path);
    });
}

llamapack_status llamapack_model_quantize(
    const char * source, const char * target, const llama_model_quantize_params * params,
    llamapack_quantize_callback callback, uint32_t * result, char ** error) {
    *result = 1;
    return llamapack::guarded(error, [&] {
        const llamapack::caught_aborts guard;
        const tensor_listener          listener(callback);
        *result = llama_model_quantize(source, target, params);
    });
}
