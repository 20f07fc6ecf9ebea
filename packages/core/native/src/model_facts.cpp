// What a model cannot be asked through llama.h, and what decides whether upstream takes a context or a batch, or aborts.

#include <numeric>

#include "llama-model.h"
#include "llamapack.h"

namespace {

// Rows of the table of absolute positions; 0 where there is none.
uint32_t position_count(const llama_model & model) {
    return model.pos_embd != nullptr ? static_cast<uint32_t>(model.pos_embd->ne[1]) : 0;
}

// Shifting a quantized K cache, upstream multiplies by a rotation that it has for heads of equal size only, and for
// multiples of 64, and that must cover what RoPE turns. It does not look whether it has one.
bool can_shift_quantized(const llama_hparams & hparams) {
    for (uint32_t layer = 0; layer < hparams.n_layer_all; ++layer) {
        const uint32_t size = hparams.n_embd_head_k(layer);
        if (size == 0 || size % 64 != 0 || size != hparams.n_embd_head_k(0) || size != hparams.n_rot(layer)) {
            return false;
        }
    }
    return true;
}

// Numbers that the K and V caches keep of each token for all of `n_ctx`: layers with a window or a state are left out.
void add_cache_sizes(const llama_hparams & hparams, llamapack_model_facts & facts) {
    for (uint32_t layer = 0; layer < hparams.n_layer(); ++layer) {
        if (hparams.has_kv(layer) && !hparams.is_recr(layer) && !hparams.is_swa(layer)) {
            facts.cache_size_k += hparams.n_embd_k_gqa(layer);
            facts.cache_size_v += hparams.is_mla() ? 0 : hparams.n_embd_v_gqa(layer);
        }
    }
}

} // namespace

void llamapack_model_facts_get(const llama_model * model, llamapack_model_facts * facts) {
    const auto & hparams = model->hparams;
    *facts               = {};
    for (uint32_t layer = 0; layer < hparams.n_layer_all; ++layer) {
        facts->head_size_k = std::gcd(facts->head_size_k, hparams.n_embd_head_k(layer));
        facts->head_size_v = std::gcd(facts->head_size_v, hparams.n_embd_head_v(layer));
    }
    add_cache_sizes(hparams, *facts);
    facts->n_pos_per_embd  = hparams.n_pos_per_embd();
    facts->n_positions     = position_count(*model);
    facts->vocab_only      = hparams.vocab_only;
    facts->causal          = hparams.causal_attn;
    facts->mla             = hparams.is_mla() || model->arch == LLM_ARCH_DEEPSEEK4;
    facts->classifier      = model->cls != nullptr || model->cls_out != nullptr;
    facts->pooling         = hparams.pooling_type;
    facts->shift_quantized = can_shift_quantized(hparams);
}
