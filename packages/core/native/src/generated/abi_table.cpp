// Generated from llama.cpp's headers by tools/bindgen: run `nox -t gen`, do not edit.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <locale>
#include <sstream>
#include <string>
#include <type_traits>

#include "abi_table.hpp"
#include "llamapack.h"
#include "mtmd-helper.h"
#include "mtmd.h"

namespace llamapack {
namespace {

struct Offset {
    const char * name;
    std::size_t  value;
};

struct Constant {
    const char * name;
    long long    value;
};

struct Layout {
    const char *   name;
    std::size_t    size;
    std::size_t    align;
    const Offset * fields;
    std::size_t    count;
};

struct Enumeration {
    const char *     name;
    const Constant * constants;
    std::size_t      count;
};

std::string number(double value) {
    if (!std::isfinite(value)) {
        return std::isnan(value) ? "\"nan\"" : value > 0 ? "\"inf\"" : "\"-inf\"";
    }
    std::ostringstream out;
    out.imbue(std::locale::classic());
    out.precision(17);
    out << value;
    return out.str();
}

template <typename T> std::string json(T value) {
    if constexpr (std::is_pointer_v<T>) {
        return value ? "\"set\"" : "null";
    } else if constexpr (std::is_same_v<T, bool>) {
        return value ? "true" : "false";
    } else if constexpr (std::is_floating_point_v<T>) {
        return number(value);
    } else if constexpr (std::is_unsigned_v<T>) {
        return std::to_string(static_cast<unsigned long long>(value));
    } else {
        return std::to_string(static_cast<long long>(value));
    }
}

using T0 = ggml_bf16_t;
const Offset fields_0[] = {
    {"bits", offsetof(T0, bits)},
};
using T1 = struct ggml_init_params;
const Offset fields_1[] = {
    {"mem_size", offsetof(T1, mem_size)},
    {"mem_buffer", offsetof(T1, mem_buffer)},
    {"no_alloc", offsetof(T1, no_alloc)},
};
using T2 = struct ggml_tensor;
const Offset fields_2[] = {
    {"type", offsetof(T2, type)},
    {"buffer", offsetof(T2, buffer)},
    {"ne", offsetof(T2, ne)},
    {"nb", offsetof(T2, nb)},
    {"op", offsetof(T2, op)},
    {"op_params", offsetof(T2, op_params)},
    {"flags", offsetof(T2, flags)},
    {"src", offsetof(T2, src)},
    {"view_src", offsetof(T2, view_src)},
    {"view_offs", offsetof(T2, view_offs)},
    {"data", offsetof(T2, data)},
    {"name", offsetof(T2, name)},
    {"extra", offsetof(T2, extra)},
    {"padding", offsetof(T2, padding)},
};
using T3 = struct ggml_type_traits;
const Offset fields_3[] = {
    {"type_name", offsetof(T3, type_name)},
    {"blck_size", offsetof(T3, blck_size)},
    {"blck_size_interleave", offsetof(T3, blck_size_interleave)},
    {"type_size", offsetof(T3, type_size)},
    {"is_quantized", offsetof(T3, is_quantized)},
    {"to_float", offsetof(T3, to_float)},
    {"from_float_ref", offsetof(T3, from_float_ref)},
};
using T4 = struct ggml_threadpool_params;
const Offset fields_4[] = {
    {"cpumask", offsetof(T4, cpumask)},
    {"n_threads", offsetof(T4, n_threads)},
    {"prio", offsetof(T4, prio)},
    {"poll", offsetof(T4, poll)},
    {"strict_cpu", offsetof(T4, strict_cpu)},
    {"paused", offsetof(T4, paused)},
};
using T5 = struct ggml_tallocr;
const Offset fields_5[] = {
    {"buffer", offsetof(T5, buffer)},
    {"base", offsetof(T5, base)},
    {"alignment", offsetof(T5, alignment)},
    {"offset", offsetof(T5, offset)},
};
using T6 = struct ggml_backend_dev_caps;
const Offset fields_6[] = {
    {"async_", offsetof(T6, async)},
    {"host_buffer", offsetof(T6, host_buffer)},
    {"buffer_from_host_ptr", offsetof(T6, buffer_from_host_ptr)},
    {"events", offsetof(T6, events)},
    {"mmap_support", offsetof(T6, mmap_support)},
};
using T7 = struct ggml_backend_dev_props;
const Offset fields_7[] = {
    {"name", offsetof(T7, name)},
    {"description", offsetof(T7, description)},
    {"memory_free", offsetof(T7, memory_free)},
    {"memory_total", offsetof(T7, memory_total)},
    {"type", offsetof(T7, type)},
    {"device_id", offsetof(T7, device_id)},
    {"caps", offsetof(T7, caps)},
};
using T8 = struct ggml_backend_feature;
const Offset fields_8[] = {
    {"name", offsetof(T8, name)},
    {"value", offsetof(T8, value)},
};
using T9 = struct ggml_backend_meta_split_state;
const Offset fields_9[] = {
    {"axis", offsetof(T9, axis)},
    {"ne", offsetof(T9, ne)},
    {"nr", offsetof(T9, nr)},
    {"n_segments", offsetof(T9, n_segments)},
};
using T10 = struct ggml_backend_graph_copy;
const Offset fields_10[] = {
    {"buffer", offsetof(T10, buffer)},
    {"ctx_allocated", offsetof(T10, ctx_allocated)},
    {"ctx_unallocated", offsetof(T10, ctx_unallocated)},
    {"graph", offsetof(T10, graph)},
};
using T11 = decltype(ggml_opt_optimizer_params::adamw);
const Offset fields_11[] = {
    {"alpha", offsetof(T11, alpha)},
    {"beta1", offsetof(T11, beta1)},
    {"beta2", offsetof(T11, beta2)},
    {"eps", offsetof(T11, eps)},
    {"wd", offsetof(T11, wd)},
};
using T12 = decltype(ggml_opt_optimizer_params::sgd);
const Offset fields_12[] = {
    {"alpha", offsetof(T12, alpha)},
    {"wd", offsetof(T12, wd)},
};
using T13 = struct ggml_opt_optimizer_params;
const Offset fields_13[] = {
    {"adamw", offsetof(T13, adamw)},
    {"sgd", offsetof(T13, sgd)},
};
using T14 = struct gguf_init_params;
const Offset fields_14[] = {
    {"no_alloc", offsetof(T14, no_alloc)},
    {"ctx", offsetof(T14, ctx)},
};
using T15 = struct llama_token_data;
const Offset fields_15[] = {
    {"id", offsetof(T15, id)},
    {"logit", offsetof(T15, logit)},
    {"p", offsetof(T15, p)},
};
using T16 = struct llama_token_data_array;
const Offset fields_16[] = {
    {"data", offsetof(T16, data)},
    {"size", offsetof(T16, size)},
    {"selected", offsetof(T16, selected)},
    {"sorted", offsetof(T16, sorted)},
};
using T17 = struct llama_batch;
const Offset fields_17[] = {
    {"n_tokens", offsetof(T17, n_tokens)},
    {"token", offsetof(T17, token)},
    {"embd", offsetof(T17, embd)},
    {"pos", offsetof(T17, pos)},
    {"n_seq_id", offsetof(T17, n_seq_id)},
    {"seq_id", offsetof(T17, seq_id)},
    {"logits", offsetof(T17, logits)},
};
using T18 = struct llama_model_kv_override;
const Offset fields_18[] = {
    {"tag", offsetof(T18, tag)},
    {"key", offsetof(T18, key)},
    {"val_i64", offsetof(T18, val_i64)},
    {"val_f64", offsetof(T18, val_f64)},
    {"val_bool", offsetof(T18, val_bool)},
    {"val_str", offsetof(T18, val_str)},
};
using T19 = struct llama_model_tensor_buft_override;
const Offset fields_19[] = {
    {"pattern", offsetof(T19, pattern)},
    {"buft", offsetof(T19, buft)},
};
using T20 = struct llama_model_params;
const Offset fields_20[] = {
    {"devices", offsetof(T20, devices)},
    {"tensor_buft_overrides", offsetof(T20, tensor_buft_overrides)},
    {"n_gpu_layers", offsetof(T20, n_gpu_layers)},
    {"split_mode", offsetof(T20, split_mode)},
    {"load_mode", offsetof(T20, load_mode)},
    {"lazy_mode", offsetof(T20, lazy_mode)},
    {"main_gpu", offsetof(T20, main_gpu)},
    {"tensor_split", offsetof(T20, tensor_split)},
    {"progress_callback", offsetof(T20, progress_callback)},
    {"progress_callback_user_data", offsetof(T20, progress_callback_user_data)},
    {"kv_overrides", offsetof(T20, kv_overrides)},
    {"vocab_only", offsetof(T20, vocab_only)},
    {"check_tensors", offsetof(T20, check_tensors)},
    {"use_extra_bufts", offsetof(T20, use_extra_bufts)},
    {"no_host", offsetof(T20, no_host)},
    {"no_alloc", offsetof(T20, no_alloc)},
    {"load_mtp", offsetof(T20, load_mtp)},
};
using T21 = struct llama_sampler_seq_config;
const Offset fields_21[] = {
    {"seq_id", offsetof(T21, seq_id)},
    {"sampler", offsetof(T21, sampler)},
};
using T22 = struct llama_context_params;
const Offset fields_22[] = {
    {"n_ctx", offsetof(T22, n_ctx)},
    {"n_batch", offsetof(T22, n_batch)},
    {"n_ubatch", offsetof(T22, n_ubatch)},
    {"n_seq_max", offsetof(T22, n_seq_max)},
    {"n_rs_seq", offsetof(T22, n_rs_seq)},
    {"n_outputs_max", offsetof(T22, n_outputs_max)},
    {"n_outputs_max_per_seq", offsetof(T22, n_outputs_max_per_seq)},
    {"n_threads", offsetof(T22, n_threads)},
    {"n_threads_batch", offsetof(T22, n_threads_batch)},
    {"ctx_type", offsetof(T22, ctx_type)},
    {"rope_scaling_type", offsetof(T22, rope_scaling_type)},
    {"pooling_type", offsetof(T22, pooling_type)},
    {"attention_type", offsetof(T22, attention_type)},
    {"flash_attn_type", offsetof(T22, flash_attn_type)},
    {"rope_freq_base", offsetof(T22, rope_freq_base)},
    {"rope_freq_scale", offsetof(T22, rope_freq_scale)},
    {"yarn_ext_factor", offsetof(T22, yarn_ext_factor)},
    {"yarn_attn_factor", offsetof(T22, yarn_attn_factor)},
    {"yarn_beta_fast", offsetof(T22, yarn_beta_fast)},
    {"yarn_beta_slow", offsetof(T22, yarn_beta_slow)},
    {"yarn_orig_ctx", offsetof(T22, yarn_orig_ctx)},
    {"defrag_thold", offsetof(T22, defrag_thold)},
    {"cb_eval", offsetof(T22, cb_eval)},
    {"cb_eval_user_data", offsetof(T22, cb_eval_user_data)},
    {"type_k", offsetof(T22, type_k)},
    {"type_v", offsetof(T22, type_v)},
    {"abort_callback", offsetof(T22, abort_callback)},
    {"abort_callback_data", offsetof(T22, abort_callback_data)},
    {"embeddings", offsetof(T22, embeddings)},
    {"offload_kqv", offsetof(T22, offload_kqv)},
    {"no_perf", offsetof(T22, no_perf)},
    {"op_offload", offsetof(T22, op_offload)},
    {"swa_full", offsetof(T22, swa_full)},
    {"kv_unified", offsetof(T22, kv_unified)},
    {"samplers", offsetof(T22, samplers)},
    {"n_samplers", offsetof(T22, n_samplers)},
    {"ctx_other", offsetof(T22, ctx_other)},
};
using T23 = struct llama_model_tensor_override;
const Offset fields_23[] = {
    {"pattern", offsetof(T23, pattern)},
    {"type", offsetof(T23, type)},
};
using T24 = struct llama_model_imatrix_data;
const Offset fields_24[] = {
    {"name", offsetof(T24, name)},
    {"data", offsetof(T24, data)},
    {"size", offsetof(T24, size)},
};
using T25 = struct llama_model_quantize_params;
const Offset fields_25[] = {
    {"nthread", offsetof(T25, nthread)},
    {"ftype", offsetof(T25, ftype)},
    {"output_tensor_type", offsetof(T25, output_tensor_type)},
    {"token_embedding_type", offsetof(T25, token_embedding_type)},
    {"allow_requantize", offsetof(T25, allow_requantize)},
    {"quantize_output_tensor", offsetof(T25, quantize_output_tensor)},
    {"only_copy", offsetof(T25, only_copy)},
    {"pure", offsetof(T25, pure)},
    {"keep_split", offsetof(T25, keep_split)},
    {"dry_run", offsetof(T25, dry_run)},
    {"imatrix", offsetof(T25, imatrix)},
    {"kv_overrides", offsetof(T25, kv_overrides)},
    {"tt_overrides", offsetof(T25, tt_overrides)},
    {"prune_layers", offsetof(T25, prune_layers)},
    {"max_buf_size", offsetof(T25, max_buf_size)},
};
using T26 = struct llama_logit_bias;
const Offset fields_26[] = {
    {"token", offsetof(T26, token)},
    {"bias", offsetof(T26, bias)},
};
using T27 = struct llama_sampler_chain_params;
const Offset fields_27[] = {
    {"no_perf", offsetof(T27, no_perf)},
};
using T28 = struct llama_chat_message;
const Offset fields_28[] = {
    {"role", offsetof(T28, role)},
    {"content", offsetof(T28, content)},
};
using T29 = struct llama_embd;
const Offset fields_29[] = {
    {"data", offsetof(T29, data)},
    {"n_rows", offsetof(T29, n_rows)},
    {"n_embd", offsetof(T29, n_embd)},
};
using T30 = struct llama_sampler_data;
const Offset fields_30[] = {
    {"logits", offsetof(T30, logits)},
    {"probs", offsetof(T30, probs)},
    {"sampled", offsetof(T30, sampled)},
    {"candidates", offsetof(T30, candidates)},
};
using T31 = struct llama_sampler_i;
const Offset fields_31[] = {
    {"name", offsetof(T31, name)},
    {"accept", offsetof(T31, accept)},
    {"apply", offsetof(T31, apply)},
    {"reset", offsetof(T31, reset)},
    {"clone", offsetof(T31, clone)},
    {"free", offsetof(T31, free)},
    {"backend_init", offsetof(T31, backend_init)},
    {"backend_accept", offsetof(T31, backend_accept)},
    {"backend_apply", offsetof(T31, backend_apply)},
    {"backend_set_input", offsetof(T31, backend_set_input)},
    {"backend_reset", offsetof(T31, backend_reset)},
    {"copy_state", offsetof(T31, copy_state)},
};
using T32 = struct llama_sampler;
const Offset fields_32[] = {
    {"iface", offsetof(T32, iface)},
    {"ctx", offsetof(T32, ctx)},
};
using T33 = struct llama_perf_context_data;
const Offset fields_33[] = {
    {"t_start_ms", offsetof(T33, t_start_ms)},
    {"t_load_ms", offsetof(T33, t_load_ms)},
    {"t_p_eval_ms", offsetof(T33, t_p_eval_ms)},
    {"t_eval_ms", offsetof(T33, t_eval_ms)},
    {"n_p_eval", offsetof(T33, n_p_eval)},
    {"n_eval", offsetof(T33, n_eval)},
    {"n_reused", offsetof(T33, n_reused)},
};
using T34 = struct llama_perf_sampler_data;
const Offset fields_34[] = {
    {"t_sample_ms", offsetof(T34, t_sample_ms)},
    {"n_sample", offsetof(T34, n_sample)},
};
using T35 = struct llama_opt_params;
const Offset fields_35[] = {
    {"n_ctx_train", offsetof(T35, n_ctx_train)},
    {"param_filter", offsetof(T35, param_filter)},
    {"param_filter_ud", offsetof(T35, param_filter_ud)},
    {"get_opt_pars", offsetof(T35, get_opt_pars)},
    {"get_opt_pars_ud", offsetof(T35, get_opt_pars_ud)},
    {"optimizer_type", offsetof(T35, optimizer_type)},
};
using T36 = struct mtmd_input_text;
const Offset fields_36[] = {
    {"text", offsetof(T36, text)},
    {"text_len", offsetof(T36, text_len)},
    {"add_special", offsetof(T36, add_special)},
    {"parse_special", offsetof(T36, parse_special)},
};
using T37 = struct mtmd_input_part;
const Offset fields_37[] = {
    {"text", offsetof(T37, text)},
    {"bitmap", offsetof(T37, bitmap)},
};
using T38 = struct mtmd_context_params;
const Offset fields_38[] = {
    {"use_gpu", offsetof(T38, use_gpu)},
    {"device", offsetof(T38, device)},
    {"print_timings", offsetof(T38, print_timings)},
    {"n_threads", offsetof(T38, n_threads)},
    {"image_marker", offsetof(T38, image_marker)},
    {"media_marker", offsetof(T38, media_marker)},
    {"flash_attn_type", offsetof(T38, flash_attn_type)},
    {"warmup", offsetof(T38, warmup)},
    {"image_min_tokens", offsetof(T38, image_min_tokens)},
    {"image_max_tokens", offsetof(T38, image_max_tokens)},
    {"cb_eval", offsetof(T38, cb_eval)},
    {"cb_eval_user_data", offsetof(T38, cb_eval_user_data)},
    {"batch_max_tokens", offsetof(T38, batch_max_tokens)},
    {"progress_callback", offsetof(T38, progress_callback)},
    {"progress_callback_user_data", offsetof(T38, progress_callback_user_data)},
};
using T39 = struct mtmd_decoder_pos;
const Offset fields_39[] = {
    {"t", offsetof(T39, t)},
    {"x", offsetof(T39, x)},
    {"y", offsetof(T39, y)},
    {"z", offsetof(T39, z)},
};
using T40 = struct mtmd_caps;
const Offset fields_40[] = {
    {"inp_vision", offsetof(T40, inp_vision)},
    {"inp_audio", offsetof(T40, inp_audio)},
};
using T41 = struct mtmd_gen_audio_info;
const Offset fields_41[] = {
    {"type", offsetof(T41, type)},
    {"sample_rate", offsetof(T41, sample_rate)},
    {"model_variant", offsetof(T41, model_variant)},
};
using T42 = struct mtmd_gen_inp;
const Offset fields_42[] = {
    {"type", offsetof(T42, type)},
    {"code0", offsetof(T42, code0)},
    {"embd", offsetof(T42, embd)},
    {"top_k", offsetof(T42, top_k)},
    {"top_p", offsetof(T42, top_p)},
    {"seed", offsetof(T42, seed)},
    {"temp", offsetof(T42, temp)},
    {"codes", offsetof(T42, codes)},
    {"n_codes", offsetof(T42, n_codes)},
    {"feats", offsetof(T42, feats)},
    {"n_feats", offsetof(T42, n_feats)},
    {"state_data", offsetof(T42, state_data)},
    {"state_size", offsetof(T42, state_size)},
};
using T43 = struct mtmd_gen_out;
const Offset fields_43[] = {
    {"codes", offsetof(T43, codes)},
    {"n_codes", offsetof(T43, n_codes)},
    {"feats", offsetof(T43, feats)},
    {"n_feats", offsetof(T43, n_feats)},
    {"embd", offsetof(T43, embd)},
    {"is_eos", offsetof(T43, is_eos)},
    {"audio", offsetof(T43, audio)},
    {"n_samples", offsetof(T43, n_samples)},
    {"state_data", offsetof(T43, state_data)},
    {"state_size", offsetof(T43, state_size)},
};
using T44 = struct mtmd_helper_video_init_params;
const Offset fields_44[] = {
    {"fps_target", offsetof(T44, fps_target)},
    {"ffmpeg_bin_dir", offsetof(T44, ffmpeg_bin_dir)},
    {"timestamp_interval_ms", offsetof(T44, timestamp_interval_ms)},
};
using T45 = struct mtmd_helper_init_opt;
const Offset fields_45[] = {
    {"video_params", offsetof(T45, video_params)},
};
using T46 = struct mtmd_helper_bitmap_wrapper;
const Offset fields_46[] = {
    {"bitmap", offsetof(T46, bitmap)},
    {"video_ctx", offsetof(T46, video_ctx)},
};
using T47 = struct mtmd_helper_embd_batch;
const Offset fields_47[] = {
    {"n_tokens", offsetof(T47, n_tokens)},
    {"embd", offsetof(T47, embd)},
    {"n_embd", offsetof(T47, n_embd)},
    {"pos", offsetof(T47, pos)},
    {"n_pos", offsetof(T47, n_pos)},
    {"seq_id", offsetof(T47, seq_id)},
};
using T48 = struct mtmd_helper_video_info;
const Offset fields_48[] = {
    {"width", offsetof(T48, width)},
    {"height", offsetof(T48, height)},
    {"fps", offsetof(T48, fps)},
    {"n_frames", offsetof(T48, n_frames)},
};
using T49 = struct mtmd_helper_gen_audio_inp;
const Offset fields_49[] = {
    {"seq_id", offsetof(T49, seq_id)},
    {"prompt", offsetof(T49, prompt)},
    {"prompt_len", offsetof(T49, prompt_len)},
    {"speaker_ref", offsetof(T49, speaker_ref)},
    {"lang", offsetof(T49, lang)},
    {"top_k", offsetof(T49, top_k)},
    {"top_p", offsetof(T49, top_p)},
    {"seed", offsetof(T49, seed)},
    {"out_type", offsetof(T49, out_type)},
};
using T50 = struct llamapack_log_line;
const Offset fields_50[] = {
    {"level", offsetof(T50, level)},
    {"text", offsetof(T50, text)},
};
using T51 = struct llamapack_token_run;
const Offset fields_51[] = {
    {"tokens", offsetof(T51, tokens)},
    {"n_tokens", offsetof(T51, n_tokens)},
};
using T52 = struct llamapack_grammar_beginning;
const Offset fields_52[] = {
    {"lazy", offsetof(T52, lazy)},
    {"patterns", offsetof(T52, patterns)},
    {"n_patterns", offsetof(T52, n_patterns)},
    {"triggers", offsetof(T52, triggers)},
    {"begun", offsetof(T52, begun)},
    {"thinking_start", offsetof(T52, thinking_start)},
    {"thinking_ends", offsetof(T52, thinking_ends)},
    {"n_thinking_ends", offsetof(T52, n_thinking_ends)},
};
using T53 = struct llamapack_model_facts;
const Offset fields_53[] = {
    {"head_size_k", offsetof(T53, head_size_k)},
    {"head_size_v", offsetof(T53, head_size_v)},
    {"cache_size_k", offsetof(T53, cache_size_k)},
    {"cache_size_v", offsetof(T53, cache_size_v)},
    {"n_pos_per_embd", offsetof(T53, n_pos_per_embd)},
    {"n_positions", offsetof(T53, n_positions)},
    {"pooling", offsetof(T53, pooling)},
    {"vocab_only", offsetof(T53, vocab_only)},
    {"causal", offsetof(T53, causal)},
    {"mla", offsetof(T53, mla)},
    {"classifier", offsetof(T53, classifier)},
    {"shift_quantized", offsetof(T53, shift_quantized)},
};
using T54 = struct llamapack_quantize_step;
const Offset fields_54[] = {
    {"number", offsetof(T54, number)},
    {"count", offsetof(T54, count)},
    {"name", offsetof(T54, name)},
};
using T55 = struct llamapack_load_step;
const Offset fields_55[] = {
    {"stage", offsetof(T55, stage)},
    {"number", offsetof(T55, number)},
    {"count", offsetof(T55, count)},
    {"part", offsetof(T55, part)},
};
using T56 = struct llamapack_upload;
const Offset fields_56[] = {
    {"field", offsetof(T56, field)},
    {"file_name", offsetof(T56, file_name)},
    {"content_type", offsetof(T56, content_type)},
    {"data", offsetof(T56, data)},
    {"size", offsetof(T56, size)},
};
using T57 = struct llamapack_piece;
const Offset fields_57[] = {
    {"kind", offsetof(T57, kind)},
    {"status", offsetof(T57, status)},
    {"content_type", offsetof(T57, content_type)},
    {"data", offsetof(T57, data)},
    {"size", offsetof(T57, size)},
};
const Layout layouts[] = {
    {"ggml_bf16_t", sizeof(T0), alignof(T0), fields_0, std::size(fields_0)},
    {"ggml_init_params", sizeof(T1), alignof(T1), fields_1, std::size(fields_1)},
    {"ggml_tensor", sizeof(T2), alignof(T2), fields_2, std::size(fields_2)},
    {"ggml_type_traits", sizeof(T3), alignof(T3), fields_3, std::size(fields_3)},
    {"ggml_threadpool_params", sizeof(T4), alignof(T4), fields_4, std::size(fields_4)},
    {"ggml_tallocr", sizeof(T5), alignof(T5), fields_5, std::size(fields_5)},
    {"ggml_backend_dev_caps", sizeof(T6), alignof(T6), fields_6, std::size(fields_6)},
    {"ggml_backend_dev_props", sizeof(T7), alignof(T7), fields_7, std::size(fields_7)},
    {"ggml_backend_feature", sizeof(T8), alignof(T8), fields_8, std::size(fields_8)},
    {"ggml_backend_meta_split_state", sizeof(T9), alignof(T9), fields_9, std::size(fields_9)},
    {"ggml_backend_graph_copy", sizeof(T10), alignof(T10), fields_10, std::size(fields_10)},
    {"ggml_opt_optimizer_params_adamw", sizeof(T11), alignof(T11), fields_11, std::size(fields_11)},
    {"ggml_opt_optimizer_params_sgd", sizeof(T12), alignof(T12), fields_12, std::size(fields_12)},
    {"ggml_opt_optimizer_params", sizeof(T13), alignof(T13), fields_13, std::size(fields_13)},
    {"gguf_init_params", sizeof(T14), alignof(T14), fields_14, std::size(fields_14)},
    {"llama_token_data", sizeof(T15), alignof(T15), fields_15, std::size(fields_15)},
    {"llama_token_data_array", sizeof(T16), alignof(T16), fields_16, std::size(fields_16)},
    {"llama_batch", sizeof(T17), alignof(T17), fields_17, std::size(fields_17)},
    {"llama_model_kv_override", sizeof(T18), alignof(T18), fields_18, std::size(fields_18)},
    {"llama_model_tensor_buft_override", sizeof(T19), alignof(T19), fields_19, std::size(fields_19)},
    {"llama_model_params", sizeof(T20), alignof(T20), fields_20, std::size(fields_20)},
    {"llama_sampler_seq_config", sizeof(T21), alignof(T21), fields_21, std::size(fields_21)},
    {"llama_context_params", sizeof(T22), alignof(T22), fields_22, std::size(fields_22)},
    {"llama_model_tensor_override", sizeof(T23), alignof(T23), fields_23, std::size(fields_23)},
    {"llama_model_imatrix_data", sizeof(T24), alignof(T24), fields_24, std::size(fields_24)},
    {"llama_model_quantize_params", sizeof(T25), alignof(T25), fields_25, std::size(fields_25)},
    {"llama_logit_bias", sizeof(T26), alignof(T26), fields_26, std::size(fields_26)},
    {"llama_sampler_chain_params", sizeof(T27), alignof(T27), fields_27, std::size(fields_27)},
    {"llama_chat_message", sizeof(T28), alignof(T28), fields_28, std::size(fields_28)},
    {"llama_embd", sizeof(T29), alignof(T29), fields_29, std::size(fields_29)},
    {"llama_sampler_data", sizeof(T30), alignof(T30), fields_30, std::size(fields_30)},
    {"llama_sampler_i", sizeof(T31), alignof(T31), fields_31, std::size(fields_31)},
    {"llama_sampler", sizeof(T32), alignof(T32), fields_32, std::size(fields_32)},
    {"llama_perf_context_data", sizeof(T33), alignof(T33), fields_33, std::size(fields_33)},
    {"llama_perf_sampler_data", sizeof(T34), alignof(T34), fields_34, std::size(fields_34)},
    {"llama_opt_params", sizeof(T35), alignof(T35), fields_35, std::size(fields_35)},
    {"mtmd_input_text", sizeof(T36), alignof(T36), fields_36, std::size(fields_36)},
    {"mtmd_input_part", sizeof(T37), alignof(T37), fields_37, std::size(fields_37)},
    {"mtmd_context_params", sizeof(T38), alignof(T38), fields_38, std::size(fields_38)},
    {"mtmd_decoder_pos", sizeof(T39), alignof(T39), fields_39, std::size(fields_39)},
    {"mtmd_caps", sizeof(T40), alignof(T40), fields_40, std::size(fields_40)},
    {"mtmd_gen_audio_info", sizeof(T41), alignof(T41), fields_41, std::size(fields_41)},
    {"mtmd_gen_inp", sizeof(T42), alignof(T42), fields_42, std::size(fields_42)},
    {"mtmd_gen_out", sizeof(T43), alignof(T43), fields_43, std::size(fields_43)},
    {"mtmd_helper_video_init_params", sizeof(T44), alignof(T44), fields_44, std::size(fields_44)},
    {"mtmd_helper_init_opt", sizeof(T45), alignof(T45), fields_45, std::size(fields_45)},
    {"mtmd_helper_bitmap_wrapper", sizeof(T46), alignof(T46), fields_46, std::size(fields_46)},
    {"mtmd_helper_embd_batch", sizeof(T47), alignof(T47), fields_47, std::size(fields_47)},
    {"mtmd_helper_video_info", sizeof(T48), alignof(T48), fields_48, std::size(fields_48)},
    {"mtmd_helper_gen_audio_inp", sizeof(T49), alignof(T49), fields_49, std::size(fields_49)},
    {"llamapack_log_line", sizeof(T50), alignof(T50), fields_50, std::size(fields_50)},
    {"llamapack_token_run", sizeof(T51), alignof(T51), fields_51, std::size(fields_51)},
    {"llamapack_grammar_beginning", sizeof(T52), alignof(T52), fields_52, std::size(fields_52)},
    {"llamapack_model_facts", sizeof(T53), alignof(T53), fields_53, std::size(fields_53)},
    {"llamapack_quantize_step", sizeof(T54), alignof(T54), fields_54, std::size(fields_54)},
    {"llamapack_load_step", sizeof(T55), alignof(T55), fields_55, std::size(fields_55)},
    {"llamapack_upload", sizeof(T56), alignof(T56), fields_56, std::size(fields_56)},
    {"llamapack_piece", sizeof(T57), alignof(T57), fields_57, std::size(fields_57)},
};
const Constant enum_0[] = {
    {"ALLOC_FAILED", GGML_STATUS_ALLOC_FAILED},
    {"FAILED", GGML_STATUS_FAILED},
    {"SUCCESS", GGML_STATUS_SUCCESS},
    {"ABORTED", GGML_STATUS_ABORTED},
};
const Constant enum_1[] = {
    {"F32", GGML_TYPE_F32},
    {"F16", GGML_TYPE_F16},
    {"Q4_0", GGML_TYPE_Q4_0},
    {"Q4_1", GGML_TYPE_Q4_1},
    {"Q5_0", GGML_TYPE_Q5_0},
    {"Q5_1", GGML_TYPE_Q5_1},
    {"Q8_0", GGML_TYPE_Q8_0},
    {"Q8_1", GGML_TYPE_Q8_1},
    {"Q2_K", GGML_TYPE_Q2_K},
    {"Q3_K", GGML_TYPE_Q3_K},
    {"Q4_K", GGML_TYPE_Q4_K},
    {"Q5_K", GGML_TYPE_Q5_K},
    {"Q6_K", GGML_TYPE_Q6_K},
    {"Q8_K", GGML_TYPE_Q8_K},
    {"IQ2_XXS", GGML_TYPE_IQ2_XXS},
    {"IQ2_XS", GGML_TYPE_IQ2_XS},
    {"IQ3_XXS", GGML_TYPE_IQ3_XXS},
    {"IQ1_S", GGML_TYPE_IQ1_S},
    {"IQ4_NL", GGML_TYPE_IQ4_NL},
    {"IQ3_S", GGML_TYPE_IQ3_S},
    {"IQ2_S", GGML_TYPE_IQ2_S},
    {"IQ4_XS", GGML_TYPE_IQ4_XS},
    {"I8", GGML_TYPE_I8},
    {"I16", GGML_TYPE_I16},
    {"I32", GGML_TYPE_I32},
    {"I64", GGML_TYPE_I64},
    {"F64", GGML_TYPE_F64},
    {"IQ1_M", GGML_TYPE_IQ1_M},
    {"BF16", GGML_TYPE_BF16},
    {"TQ1_0", GGML_TYPE_TQ1_0},
    {"TQ2_0", GGML_TYPE_TQ2_0},
    {"MXFP4", GGML_TYPE_MXFP4},
    {"NVFP4", GGML_TYPE_NVFP4},
    {"Q1_0", GGML_TYPE_Q1_0},
    {"Q2_0", GGML_TYPE_Q2_0},
    {"COUNT", GGML_TYPE_COUNT},
};
const Constant enum_2[] = {
    {"UNDEFINED", GGML_PREC_UNDEFINED},
    {"DEFAULT", GGML_PREC_DEFAULT},
    {"F32", GGML_PREC_F32},
    {"BF16", GGML_PREC_BF16},
    {"F16", GGML_PREC_F16},
    {"Q8", GGML_PREC_Q8},
    {"Q4", GGML_PREC_Q4},
};
const Constant enum_3[] = {
    {"NONE", GGML_HINT_NONE},
    {"SRC0_IS_HADAMARD", GGML_HINT_SRC0_IS_HADAMARD},
};
const Constant enum_4[] = {
    {"UNKNOWN", GGML_FTYPE_UNKNOWN},
    {"ALL_F32", GGML_FTYPE_ALL_F32},
    {"MOSTLY_F16", GGML_FTYPE_MOSTLY_F16},
    {"MOSTLY_Q4_0", GGML_FTYPE_MOSTLY_Q4_0},
    {"MOSTLY_Q4_1", GGML_FTYPE_MOSTLY_Q4_1},
    {"MOSTLY_Q4_1_SOME_F16", GGML_FTYPE_MOSTLY_Q4_1_SOME_F16},
    {"MOSTLY_Q8_0", GGML_FTYPE_MOSTLY_Q8_0},
    {"MOSTLY_Q5_0", GGML_FTYPE_MOSTLY_Q5_0},
    {"MOSTLY_Q5_1", GGML_FTYPE_MOSTLY_Q5_1},
    {"MOSTLY_Q2_K", GGML_FTYPE_MOSTLY_Q2_K},
    {"MOSTLY_Q3_K", GGML_FTYPE_MOSTLY_Q3_K},
    {"MOSTLY_Q4_K", GGML_FTYPE_MOSTLY_Q4_K},
    {"MOSTLY_Q5_K", GGML_FTYPE_MOSTLY_Q5_K},
    {"MOSTLY_Q6_K", GGML_FTYPE_MOSTLY_Q6_K},
    {"MOSTLY_IQ2_XXS", GGML_FTYPE_MOSTLY_IQ2_XXS},
    {"MOSTLY_IQ2_XS", GGML_FTYPE_MOSTLY_IQ2_XS},
    {"MOSTLY_IQ3_XXS", GGML_FTYPE_MOSTLY_IQ3_XXS},
    {"MOSTLY_IQ1_S", GGML_FTYPE_MOSTLY_IQ1_S},
    {"MOSTLY_IQ4_NL", GGML_FTYPE_MOSTLY_IQ4_NL},
    {"MOSTLY_IQ3_S", GGML_FTYPE_MOSTLY_IQ3_S},
    {"MOSTLY_IQ2_S", GGML_FTYPE_MOSTLY_IQ2_S},
    {"MOSTLY_IQ4_XS", GGML_FTYPE_MOSTLY_IQ4_XS},
    {"MOSTLY_IQ1_M", GGML_FTYPE_MOSTLY_IQ1_M},
    {"MOSTLY_BF16", GGML_FTYPE_MOSTLY_BF16},
    {"MOSTLY_MXFP4", GGML_FTYPE_MOSTLY_MXFP4},
    {"MOSTLY_NVFP4", GGML_FTYPE_MOSTLY_NVFP4},
    {"MOSTLY_Q1_0", GGML_FTYPE_MOSTLY_Q1_0},
    {"MOSTLY_Q2_0", GGML_FTYPE_MOSTLY_Q2_0},
};
const Constant enum_5[] = {
    {"NONE", GGML_OP_NONE},
    {"DUP", GGML_OP_DUP},
    {"ADD", GGML_OP_ADD},
    {"ADD_ID", GGML_OP_ADD_ID},
    {"ADD1", GGML_OP_ADD1},
    {"ACC", GGML_OP_ACC},
    {"SUB", GGML_OP_SUB},
    {"MUL", GGML_OP_MUL},
    {"DIV", GGML_OP_DIV},
    {"SQR", GGML_OP_SQR},
    {"SQRT", GGML_OP_SQRT},
    {"LOG", GGML_OP_LOG},
    {"SIN", GGML_OP_SIN},
    {"COS", GGML_OP_COS},
    {"SUM", GGML_OP_SUM},
    {"SUM_ROWS", GGML_OP_SUM_ROWS},
    {"CUMSUM", GGML_OP_CUMSUM},
    {"MEAN", GGML_OP_MEAN},
    {"ARGMAX", GGML_OP_ARGMAX},
    {"COUNT_EQUAL", GGML_OP_COUNT_EQUAL},
    {"REPEAT", GGML_OP_REPEAT},
    {"REPEAT_BACK", GGML_OP_REPEAT_BACK},
    {"CONCAT", GGML_OP_CONCAT},
    {"SILU_BACK", GGML_OP_SILU_BACK},
    {"NORM", GGML_OP_NORM},
    {"RMS_NORM", GGML_OP_RMS_NORM},
    {"RMS_NORM_BACK", GGML_OP_RMS_NORM_BACK},
    {"GROUP_NORM", GGML_OP_GROUP_NORM},
    {"L2_NORM", GGML_OP_L2_NORM},
    {"MUL_MAT", GGML_OP_MUL_MAT},
    {"MUL_MAT_ID", GGML_OP_MUL_MAT_ID},
    {"OUT_PROD", GGML_OP_OUT_PROD},
    {"SCALE", GGML_OP_SCALE},
    {"SET", GGML_OP_SET},
    {"CPY", GGML_OP_CPY},
    {"CONT", GGML_OP_CONT},
    {"RESHAPE", GGML_OP_RESHAPE},
    {"VIEW", GGML_OP_VIEW},
    {"PERMUTE", GGML_OP_PERMUTE},
    {"TRANSPOSE", GGML_OP_TRANSPOSE},
    {"GET_ROWS", GGML_OP_GET_ROWS},
    {"GET_ROWS_BACK", GGML_OP_GET_ROWS_BACK},
    {"SET_ROWS", GGML_OP_SET_ROWS},
    {"DIAG", GGML_OP_DIAG},
    {"DIAG_MASK_INF", GGML_OP_DIAG_MASK_INF},
    {"DIAG_MASK_ZERO", GGML_OP_DIAG_MASK_ZERO},
    {"SOFT_MAX", GGML_OP_SOFT_MAX},
    {"SOFT_MAX_BACK", GGML_OP_SOFT_MAX_BACK},
    {"ROPE", GGML_OP_ROPE},
    {"ROPE_BACK", GGML_OP_ROPE_BACK},
    {"CLAMP", GGML_OP_CLAMP},
    {"CONV_TRANSPOSE_1D", GGML_OP_CONV_TRANSPOSE_1D},
    {"IM2COL", GGML_OP_IM2COL},
    {"IM2COL_BACK", GGML_OP_IM2COL_BACK},
    {"IM2COL_3D", GGML_OP_IM2COL_3D},
    {"COL2IM_1D", GGML_OP_COL2IM_1D},
    {"CONV_2D", GGML_OP_CONV_2D},
    {"CONV_3D", GGML_OP_CONV_3D},
    {"CONV_2D_DW", GGML_OP_CONV_2D_DW},
    {"CONV_TRANSPOSE_2D", GGML_OP_CONV_TRANSPOSE_2D},
    {"POOL_1D", GGML_OP_POOL_1D},
    {"POOL_2D", GGML_OP_POOL_2D},
    {"POOL_2D_BACK", GGML_OP_POOL_2D_BACK},
    {"UPSCALE", GGML_OP_UPSCALE},
    {"PAD", GGML_OP_PAD},
    {"PAD_REFLECT_1D", GGML_OP_PAD_REFLECT_1D},
    {"ROLL", GGML_OP_ROLL},
    {"ARANGE", GGML_OP_ARANGE},
    {"TIMESTEP_EMBEDDING", GGML_OP_TIMESTEP_EMBEDDING},
    {"ARGSORT", GGML_OP_ARGSORT},
    {"TOP_K", GGML_OP_TOP_K},
    {"LEAKY_RELU", GGML_OP_LEAKY_RELU},
    {"TRI", GGML_OP_TRI},
    {"FILL", GGML_OP_FILL},
    {"FLASH_ATTN_EXT", GGML_OP_FLASH_ATTN_EXT},
    {"FLASH_ATTN_BACK", GGML_OP_FLASH_ATTN_BACK},
    {"SSM_CONV", GGML_OP_SSM_CONV},
    {"SSM_SCAN", GGML_OP_SSM_SCAN},
    {"WIN_PART", GGML_OP_WIN_PART},
    {"WIN_UNPART", GGML_OP_WIN_UNPART},
    {"GET_REL_POS", GGML_OP_GET_REL_POS},
    {"ADD_REL_POS", GGML_OP_ADD_REL_POS},
    {"RWKV_WKV6", GGML_OP_RWKV_WKV6},
    {"GATED_LINEAR_ATTN", GGML_OP_GATED_LINEAR_ATTN},
    {"RWKV_WKV7", GGML_OP_RWKV_WKV7},
    {"SOLVE_TRI", GGML_OP_SOLVE_TRI},
    {"GATED_DELTA_NET", GGML_OP_GATED_DELTA_NET},
    {"LIGHTNING_INDEXER", GGML_OP_LIGHTNING_INDEXER},
    {"DSV4_HC_COMB", GGML_OP_DSV4_HC_COMB},
    {"DSV4_HC_PRE", GGML_OP_DSV4_HC_PRE},
    {"DSV4_HC_POST", GGML_OP_DSV4_HC_POST},
    {"UNARY", GGML_OP_UNARY},
    {"MAP_CUSTOM1", GGML_OP_MAP_CUSTOM1},
    {"MAP_CUSTOM2", GGML_OP_MAP_CUSTOM2},
    {"MAP_CUSTOM3", GGML_OP_MAP_CUSTOM3},
    {"CUSTOM", GGML_OP_CUSTOM},
    {"CROSS_ENTROPY_LOSS", GGML_OP_CROSS_ENTROPY_LOSS},
    {"CROSS_ENTROPY_LOSS_BACK", GGML_OP_CROSS_ENTROPY_LOSS_BACK},
    {"OPT_STEP_ADAMW", GGML_OP_OPT_STEP_ADAMW},
    {"OPT_STEP_SGD", GGML_OP_OPT_STEP_SGD},
    {"GLU", GGML_OP_GLU},
    {"COUNT", GGML_OP_COUNT},
};
const Constant enum_6[] = {
    {"ABS", GGML_UNARY_OP_ABS},
    {"SGN", GGML_UNARY_OP_SGN},
    {"NEG", GGML_UNARY_OP_NEG},
    {"STEP", GGML_UNARY_OP_STEP},
    {"TANH", GGML_UNARY_OP_TANH},
    {"ELU", GGML_UNARY_OP_ELU},
    {"RELU", GGML_UNARY_OP_RELU},
    {"SIGMOID", GGML_UNARY_OP_SIGMOID},
    {"GELU", GGML_UNARY_OP_GELU},
    {"GELU_QUICK", GGML_UNARY_OP_GELU_QUICK},
    {"SILU", GGML_UNARY_OP_SILU},
    {"HARDSWISH", GGML_UNARY_OP_HARDSWISH},
    {"HARDSIGMOID", GGML_UNARY_OP_HARDSIGMOID},
    {"EXP", GGML_UNARY_OP_EXP},
    {"EXPM1", GGML_UNARY_OP_EXPM1},
    {"SOFTPLUS", GGML_UNARY_OP_SOFTPLUS},
    {"GELU_ERF", GGML_UNARY_OP_GELU_ERF},
    {"XIELU", GGML_UNARY_OP_XIELU},
    {"FLOOR", GGML_UNARY_OP_FLOOR},
    {"CEIL", GGML_UNARY_OP_CEIL},
    {"ROUND", GGML_UNARY_OP_ROUND},
    {"TRUNC", GGML_UNARY_OP_TRUNC},
    {"COUNT", GGML_UNARY_OP_COUNT},
};
const Constant enum_7[] = {
    {"REGLU", GGML_GLU_OP_REGLU},
    {"GEGLU", GGML_GLU_OP_GEGLU},
    {"SWIGLU", GGML_GLU_OP_SWIGLU},
    {"SWIGLU_OAI", GGML_GLU_OP_SWIGLU_OAI},
    {"GEGLU_ERF", GGML_GLU_OP_GEGLU_ERF},
    {"GEGLU_QUICK", GGML_GLU_OP_GEGLU_QUICK},
    {"SWIGLU_CLAMP", GGML_GLU_OP_SWIGLU_CLAMP},
    {"COUNT", GGML_GLU_OP_COUNT},
};
const Constant enum_8[] = {
    {"TENSOR", GGML_OBJECT_TYPE_TENSOR},
    {"GRAPH", GGML_OBJECT_TYPE_GRAPH},
    {"WORK_BUFFER", GGML_OBJECT_TYPE_WORK_BUFFER},
};
const Constant enum_9[] = {
    {"NONE", GGML_LOG_LEVEL_NONE},
    {"DEBUG", GGML_LOG_LEVEL_DEBUG},
    {"INFO", GGML_LOG_LEVEL_INFO},
    {"WARN", GGML_LOG_LEVEL_WARN},
    {"ERROR", GGML_LOG_LEVEL_ERROR},
    {"CONT", GGML_LOG_LEVEL_CONT},
};
const Constant enum_10[] = {
    {"INPUT", GGML_TENSOR_FLAG_INPUT},
    {"OUTPUT", GGML_TENSOR_FLAG_OUTPUT},
    {"PARAM", GGML_TENSOR_FLAG_PARAM},
    {"LOSS", GGML_TENSOR_FLAG_LOSS},
    {"COMPUTE", GGML_TENSOR_FLAG_COMPUTE},
};
const Constant enum_11[] = {
    {"UPPER_DIAG", GGML_TRI_TYPE_UPPER_DIAG},
    {"UPPER", GGML_TRI_TYPE_UPPER},
    {"LOWER_DIAG", GGML_TRI_TYPE_LOWER_DIAG},
    {"LOWER", GGML_TRI_TYPE_LOWER},
};
const Constant enum_12[] = {
    {"MAX", GGML_OP_POOL_MAX},
    {"AVG", GGML_OP_POOL_AVG},
    {"COUNT", GGML_OP_POOL_COUNT},
};
const Constant enum_13[] = {
    {"NEAREST", GGML_SCALE_MODE_NEAREST},
    {"BILINEAR", GGML_SCALE_MODE_BILINEAR},
    {"BICUBIC", GGML_SCALE_MODE_BICUBIC},
    {"COUNT", GGML_SCALE_MODE_COUNT},
};
const Constant enum_14[] = {
    {"ALIGN_CORNERS", GGML_SCALE_FLAG_ALIGN_CORNERS},
    {"ANTIALIAS", GGML_SCALE_FLAG_ANTIALIAS},
};
const Constant enum_15[] = {
    {"ASC", GGML_SORT_ORDER_ASC},
    {"DESC", GGML_SORT_ORDER_DESC},
};
const Constant enum_16[] = {
    {"LOW", GGML_SCHED_PRIO_LOW},
    {"NORMAL", GGML_SCHED_PRIO_NORMAL},
    {"MEDIUM", GGML_SCHED_PRIO_MEDIUM},
    {"HIGH", GGML_SCHED_PRIO_HIGH},
    {"REALTIME", GGML_SCHED_PRIO_REALTIME},
};
const Constant enum_17[] = {
    {"ANY", GGML_BACKEND_BUFFER_USAGE_ANY},
    {"WEIGHTS", GGML_BACKEND_BUFFER_USAGE_WEIGHTS},
    {"COMPUTE", GGML_BACKEND_BUFFER_USAGE_COMPUTE},
};
const Constant enum_18[] = {
    {"CPU", GGML_BACKEND_DEVICE_TYPE_CPU},
    {"GPU", GGML_BACKEND_DEVICE_TYPE_GPU},
    {"IGPU", GGML_BACKEND_DEVICE_TYPE_IGPU},
    {"ACCEL", GGML_BACKEND_DEVICE_TYPE_ACCEL},
    {"META", GGML_BACKEND_DEVICE_TYPE_META},
};
const Constant enum_19[] = {
    {"AXIS_0", GGML_BACKEND_SPLIT_AXIS_0},
    {"AXIS_1", GGML_BACKEND_SPLIT_AXIS_1},
    {"AXIS_2", GGML_BACKEND_SPLIT_AXIS_2},
    {"AXIS_3", GGML_BACKEND_SPLIT_AXIS_3},
    {"AXIS_MIRRORED", GGML_BACKEND_SPLIT_AXIS_MIRRORED},
    {"AXIS_PARTIAL", GGML_BACKEND_SPLIT_AXIS_PARTIAL},
    {"AXIS_NONE", GGML_BACKEND_SPLIT_AXIS_NONE},
    {"AXIS_UNKNOWN", GGML_BACKEND_SPLIT_AXIS_UNKNOWN},
};
const Constant enum_20[] = {
    {"DISABLED", GGML_NUMA_STRATEGY_DISABLED},
    {"DISTRIBUTE", GGML_NUMA_STRATEGY_DISTRIBUTE},
    {"ISOLATE", GGML_NUMA_STRATEGY_ISOLATE},
    {"NUMACTL", GGML_NUMA_STRATEGY_NUMACTL},
    {"MIRROR", GGML_NUMA_STRATEGY_MIRROR},
    {"COUNT", GGML_NUMA_STRATEGY_COUNT},
};
const Constant enum_21[] = {
    {"ADAMW", GGML_OPT_OPTIMIZER_TYPE_ADAMW},
    {"SGD", GGML_OPT_OPTIMIZER_TYPE_SGD},
    {"COUNT", GGML_OPT_OPTIMIZER_TYPE_COUNT},
};
const Constant enum_22[] = {
    {"UINT8", GGUF_TYPE_UINT8},
    {"INT8", GGUF_TYPE_INT8},
    {"UINT16", GGUF_TYPE_UINT16},
    {"INT16", GGUF_TYPE_INT16},
    {"UINT32", GGUF_TYPE_UINT32},
    {"INT32", GGUF_TYPE_INT32},
    {"FLOAT32", GGUF_TYPE_FLOAT32},
    {"BOOL", GGUF_TYPE_BOOL},
    {"STRING", GGUF_TYPE_STRING},
    {"ARRAY", GGUF_TYPE_ARRAY},
    {"UINT64", GGUF_TYPE_UINT64},
    {"INT64", GGUF_TYPE_INT64},
    {"FLOAT64", GGUF_TYPE_FLOAT64},
    {"COUNT", GGUF_TYPE_COUNT},
};
const Constant enum_23[] = {
    {"NONE", LLAMA_VOCAB_TYPE_NONE},
    {"SPM", LLAMA_VOCAB_TYPE_SPM},
    {"BPE", LLAMA_VOCAB_TYPE_BPE},
    {"WPM", LLAMA_VOCAB_TYPE_WPM},
    {"UGM", LLAMA_VOCAB_TYPE_UGM},
    {"RWKV", LLAMA_VOCAB_TYPE_RWKV},
    {"PLAMO2", LLAMA_VOCAB_TYPE_PLAMO2},
    {"TEST", LLAMA_VOCAB_TYPE_TEST},
};
const Constant enum_24[] = {
    {"NONE", LLAMA_ROPE_TYPE_NONE},
    {"NORM", LLAMA_ROPE_TYPE_NORM},
    {"NEOX", LLAMA_ROPE_TYPE_NEOX},
    {"MROPE", LLAMA_ROPE_TYPE_MROPE},
    {"IMROPE", LLAMA_ROPE_TYPE_IMROPE},
    {"VISION", LLAMA_ROPE_TYPE_VISION},
};
const Constant enum_25[] = {
    {"UNDEFINED", LLAMA_TOKEN_TYPE_UNDEFINED},
    {"NORMAL", LLAMA_TOKEN_TYPE_NORMAL},
    {"UNKNOWN", LLAMA_TOKEN_TYPE_UNKNOWN},
    {"CONTROL", LLAMA_TOKEN_TYPE_CONTROL},
    {"USER_DEFINED", LLAMA_TOKEN_TYPE_USER_DEFINED},
    {"UNUSED", LLAMA_TOKEN_TYPE_UNUSED},
    {"BYTE", LLAMA_TOKEN_TYPE_BYTE},
};
const Constant enum_26[] = {
    {"UNDEFINED", LLAMA_TOKEN_ATTR_UNDEFINED},
    {"UNKNOWN", LLAMA_TOKEN_ATTR_UNKNOWN},
    {"UNUSED", LLAMA_TOKEN_ATTR_UNUSED},
    {"NORMAL", LLAMA_TOKEN_ATTR_NORMAL},
    {"CONTROL", LLAMA_TOKEN_ATTR_CONTROL},
    {"USER_DEFINED", LLAMA_TOKEN_ATTR_USER_DEFINED},
    {"BYTE", LLAMA_TOKEN_ATTR_BYTE},
    {"NORMALIZED", LLAMA_TOKEN_ATTR_NORMALIZED},
    {"LSTRIP", LLAMA_TOKEN_ATTR_LSTRIP},
    {"RSTRIP", LLAMA_TOKEN_ATTR_RSTRIP},
    {"SINGLE_WORD", LLAMA_TOKEN_ATTR_SINGLE_WORD},
};
const Constant enum_27[] = {
    {"ALL_F32", LLAMA_FTYPE_ALL_F32},
    {"MOSTLY_F16", LLAMA_FTYPE_MOSTLY_F16},
    {"MOSTLY_Q4_0", LLAMA_FTYPE_MOSTLY_Q4_0},
    {"MOSTLY_Q4_1", LLAMA_FTYPE_MOSTLY_Q4_1},
    {"MOSTLY_Q8_0", LLAMA_FTYPE_MOSTLY_Q8_0},
    {"MOSTLY_Q5_0", LLAMA_FTYPE_MOSTLY_Q5_0},
    {"MOSTLY_Q5_1", LLAMA_FTYPE_MOSTLY_Q5_1},
    {"MOSTLY_Q2_K", LLAMA_FTYPE_MOSTLY_Q2_K},
    {"MOSTLY_Q3_K_S", LLAMA_FTYPE_MOSTLY_Q3_K_S},
    {"MOSTLY_Q3_K_M", LLAMA_FTYPE_MOSTLY_Q3_K_M},
    {"MOSTLY_Q3_K_L", LLAMA_FTYPE_MOSTLY_Q3_K_L},
    {"MOSTLY_Q4_K_S", LLAMA_FTYPE_MOSTLY_Q4_K_S},
    {"MOSTLY_Q4_K_M", LLAMA_FTYPE_MOSTLY_Q4_K_M},
    {"MOSTLY_Q5_K_S", LLAMA_FTYPE_MOSTLY_Q5_K_S},
    {"MOSTLY_Q5_K_M", LLAMA_FTYPE_MOSTLY_Q5_K_M},
    {"MOSTLY_Q6_K", LLAMA_FTYPE_MOSTLY_Q6_K},
    {"MOSTLY_IQ2_XXS", LLAMA_FTYPE_MOSTLY_IQ2_XXS},
    {"MOSTLY_IQ2_XS", LLAMA_FTYPE_MOSTLY_IQ2_XS},
    {"MOSTLY_Q2_K_S", LLAMA_FTYPE_MOSTLY_Q2_K_S},
    {"MOSTLY_IQ3_XS", LLAMA_FTYPE_MOSTLY_IQ3_XS},
    {"MOSTLY_IQ3_XXS", LLAMA_FTYPE_MOSTLY_IQ3_XXS},
    {"MOSTLY_IQ1_S", LLAMA_FTYPE_MOSTLY_IQ1_S},
    {"MOSTLY_IQ4_NL", LLAMA_FTYPE_MOSTLY_IQ4_NL},
    {"MOSTLY_IQ3_S", LLAMA_FTYPE_MOSTLY_IQ3_S},
    {"MOSTLY_IQ3_M", LLAMA_FTYPE_MOSTLY_IQ3_M},
    {"MOSTLY_IQ2_S", LLAMA_FTYPE_MOSTLY_IQ2_S},
    {"MOSTLY_IQ2_M", LLAMA_FTYPE_MOSTLY_IQ2_M},
    {"MOSTLY_IQ4_XS", LLAMA_FTYPE_MOSTLY_IQ4_XS},
    {"MOSTLY_IQ1_M", LLAMA_FTYPE_MOSTLY_IQ1_M},
    {"MOSTLY_BF16", LLAMA_FTYPE_MOSTLY_BF16},
    {"MOSTLY_TQ1_0", LLAMA_FTYPE_MOSTLY_TQ1_0},
    {"MOSTLY_TQ2_0", LLAMA_FTYPE_MOSTLY_TQ2_0},
    {"MOSTLY_MXFP4_MOE", LLAMA_FTYPE_MOSTLY_MXFP4_MOE},
    {"MOSTLY_NVFP4", LLAMA_FTYPE_MOSTLY_NVFP4},
    {"MOSTLY_Q1_0", LLAMA_FTYPE_MOSTLY_Q1_0},
    {"MOSTLY_Q2_0", LLAMA_FTYPE_MOSTLY_Q2_0},
    {"GUESSED", LLAMA_FTYPE_GUESSED},
};
const Constant enum_28[] = {
    {"UNSPECIFIED", LLAMA_ROPE_SCALING_TYPE_UNSPECIFIED},
    {"NONE", LLAMA_ROPE_SCALING_TYPE_NONE},
    {"LINEAR", LLAMA_ROPE_SCALING_TYPE_LINEAR},
    {"YARN", LLAMA_ROPE_SCALING_TYPE_YARN},
    {"LONGROPE", LLAMA_ROPE_SCALING_TYPE_LONGROPE},
    {"MAX_VALUE", LLAMA_ROPE_SCALING_TYPE_MAX_VALUE},
};
const Constant enum_29[] = {
    {"UNSPECIFIED", LLAMA_POOLING_TYPE_UNSPECIFIED},
    {"NONE", LLAMA_POOLING_TYPE_NONE},
    {"MEAN", LLAMA_POOLING_TYPE_MEAN},
    {"CLS", LLAMA_POOLING_TYPE_CLS},
    {"LAST", LLAMA_POOLING_TYPE_LAST},
    {"RANK", LLAMA_POOLING_TYPE_RANK},
};
const Constant enum_30[] = {
    {"UNSPECIFIED", LLAMA_ATTENTION_TYPE_UNSPECIFIED},
    {"CAUSAL", LLAMA_ATTENTION_TYPE_CAUSAL},
    {"NON_CAUSAL", LLAMA_ATTENTION_TYPE_NON_CAUSAL},
};
const Constant enum_31[] = {
    {"AUTO", LLAMA_FLASH_ATTN_TYPE_AUTO},
    {"DISABLED", LLAMA_FLASH_ATTN_TYPE_DISABLED},
    {"ENABLED", LLAMA_FLASH_ATTN_TYPE_ENABLED},
};
const Constant enum_32[] = {
    {"NONE", LLAMA_SPLIT_MODE_NONE},
    {"LAYER", LLAMA_SPLIT_MODE_LAYER},
    {"ROW", LLAMA_SPLIT_MODE_ROW},
    {"TENSOR", LLAMA_SPLIT_MODE_TENSOR},
};
const Constant enum_33[] = {
    {"AUTO", LLAMA_LOAD_MODE_AUTO},
    {"NONE", LLAMA_LOAD_MODE_NONE},
    {"MMAP", LLAMA_LOAD_MODE_MMAP},
    {"MLOCK", LLAMA_LOAD_MODE_MLOCK},
    {"MMAP_MLOCK", LLAMA_LOAD_MODE_MMAP_MLOCK},
    {"DIRECT_IO", LLAMA_LOAD_MODE_DIRECT_IO},
};
const Constant enum_34[] = {
    {"OFF", LLAMA_LAZY_MODE_OFF},
    {"AUTO", LLAMA_LAZY_MODE_AUTO},
    {"ON", LLAMA_LAZY_MODE_ON},
};
const Constant enum_35[] = {
    {"DEFAULT", LLAMA_CONTEXT_TYPE_DEFAULT},
    {"MTP", LLAMA_CONTEXT_TYPE_MTP},
};
const Constant enum_36[] = {
    {"INT", LLAMA_KV_OVERRIDE_TYPE_INT},
    {"FLOAT", LLAMA_KV_OVERRIDE_TYPE_FLOAT},
    {"BOOL", LLAMA_KV_OVERRIDE_TYPE_BOOL},
    {"STR", LLAMA_KV_OVERRIDE_TYPE_STR},
};
const Constant enum_37[] = {
    {"SAMPLING_SEQUENCE", LLAMA_MODEL_META_KEY_SAMPLING_SEQUENCE},
    {"SAMPLING_TOP_K", LLAMA_MODEL_META_KEY_SAMPLING_TOP_K},
    {"SAMPLING_TOP_P", LLAMA_MODEL_META_KEY_SAMPLING_TOP_P},
    {"SAMPLING_MIN_P", LLAMA_MODEL_META_KEY_SAMPLING_MIN_P},
    {"SAMPLING_XTC_PROBABILITY", LLAMA_MODEL_META_KEY_SAMPLING_XTC_PROBABILITY},
    {"SAMPLING_XTC_THRESHOLD", LLAMA_MODEL_META_KEY_SAMPLING_XTC_THRESHOLD},
    {"SAMPLING_TEMP", LLAMA_MODEL_META_KEY_SAMPLING_TEMP},
    {"SAMPLING_PENALTY_LAST_N", LLAMA_MODEL_META_KEY_SAMPLING_PENALTY_LAST_N},
    {"SAMPLING_PENALTY_REPEAT", LLAMA_MODEL_META_KEY_SAMPLING_PENALTY_REPEAT},
    {"SAMPLING_MIROSTAT", LLAMA_MODEL_META_KEY_SAMPLING_MIROSTAT},
    {"SAMPLING_MIROSTAT_TAU", LLAMA_MODEL_META_KEY_SAMPLING_MIROSTAT_TAU},
    {"SAMPLING_MIROSTAT_ETA", LLAMA_MODEL_META_KEY_SAMPLING_MIROSTAT_ETA},
};
const Constant enum_38[] = {
    {"ENCODE", LLAMA_PROCESS_TYPE_ENCODE},
    {"DECODE", LLAMA_PROCESS_TYPE_DECODE},
};
const Constant enum_39[] = {
    {"TEXT", MTMD_INPUT_CHUNK_TYPE_TEXT},
    {"IMAGE", MTMD_INPUT_CHUNK_TYPE_IMAGE},
    {"AUDIO", MTMD_INPUT_CHUNK_TYPE_AUDIO},
    {"COUNT", MTMD_INPUT_CHUNK_TYPE_COUNT},
};
const Constant enum_40[] = {
    {"NONE", MTMD_GEN_AUDIO_TYPE_NONE},
    {"QWEN3TTS", MTMD_GEN_AUDIO_TYPE_QWEN3TTS},
    {"POCKETTTS", MTMD_GEN_AUDIO_TYPE_POCKETTTS},
};
const Constant enum_41[] = {
    {"GEN_CODE", MTMD_GEN_PROCESS_TYPE_GEN_CODE},
    {"GEN_WAV", MTMD_GEN_PROCESS_TYPE_GEN_WAV},
};
const Constant enum_42[] = {
    {"PCM", MTMD_HELPER_GEN_AUDIO_OUTTYPE_PCM},
    {"WAV", MTMD_HELPER_GEN_AUDIO_OUTTYPE_WAV},
};
const Constant enum_43[] = {
    {"OK", LLAMAPACK_STATUS_OK},
    {"INVALID", LLAMAPACK_STATUS_INVALID},
    {"NO_MEMORY", LLAMAPACK_STATUS_NO_MEMORY},
    {"INTERNAL", LLAMAPACK_STATUS_INTERNAL},
    {"CONFLICT", LLAMAPACK_STATUS_CONFLICT},
    {"CANCELLED", LLAMAPACK_STATUS_CANCELLED},
};
const Constant enum_44[] = {
    {"DATA", LLAMAPACK_PIECE_DATA},
    {"END", LLAMAPACK_PIECE_END},
    {"TIMEOUT", LLAMAPACK_PIECE_TIMEOUT},
};
const Enumeration enumerations[] = {
    {"ggml_status", enum_0, std::size(enum_0)},
    {"ggml_type", enum_1, std::size(enum_1)},
    {"ggml_prec", enum_2, std::size(enum_2)},
    {"ggml_op_hint", enum_3, std::size(enum_3)},
    {"ggml_ftype", enum_4, std::size(enum_4)},
    {"ggml_op", enum_5, std::size(enum_5)},
    {"ggml_unary_op", enum_6, std::size(enum_6)},
    {"ggml_glu_op", enum_7, std::size(enum_7)},
    {"ggml_object_type", enum_8, std::size(enum_8)},
    {"ggml_log_level", enum_9, std::size(enum_9)},
    {"ggml_tensor_flag", enum_10, std::size(enum_10)},
    {"ggml_tri_type", enum_11, std::size(enum_11)},
    {"ggml_op_pool", enum_12, std::size(enum_12)},
    {"ggml_scale_mode", enum_13, std::size(enum_13)},
    {"ggml_scale_flag", enum_14, std::size(enum_14)},
    {"ggml_sort_order", enum_15, std::size(enum_15)},
    {"ggml_sched_priority", enum_16, std::size(enum_16)},
    {"ggml_backend_buffer_usage", enum_17, std::size(enum_17)},
    {"ggml_backend_dev_type", enum_18, std::size(enum_18)},
    {"ggml_backend_meta_split_axis", enum_19, std::size(enum_19)},
    {"ggml_numa_strategy", enum_20, std::size(enum_20)},
    {"ggml_opt_optimizer_type", enum_21, std::size(enum_21)},
    {"gguf_type", enum_22, std::size(enum_22)},
    {"llama_vocab_type", enum_23, std::size(enum_23)},
    {"llama_rope_type", enum_24, std::size(enum_24)},
    {"llama_token_type", enum_25, std::size(enum_25)},
    {"llama_token_attr", enum_26, std::size(enum_26)},
    {"llama_ftype", enum_27, std::size(enum_27)},
    {"llama_rope_scaling_type", enum_28, std::size(enum_28)},
    {"llama_pooling_type", enum_29, std::size(enum_29)},
    {"llama_attention_type", enum_30, std::size(enum_30)},
    {"llama_flash_attn_type", enum_31, std::size(enum_31)},
    {"llama_split_mode", enum_32, std::size(enum_32)},
    {"llama_load_mode", enum_33, std::size(enum_33)},
    {"llama_lazy_mode", enum_34, std::size(enum_34)},
    {"llama_context_type", enum_35, std::size(enum_35)},
    {"llama_model_kv_override_type", enum_36, std::size(enum_36)},
    {"llama_model_meta_key", enum_37, std::size(enum_37)},
    {"llama_process_type", enum_38, std::size(enum_38)},
    {"mtmd_input_chunk_type", enum_39, std::size(enum_39)},
    {"mtmd_gen_audio_type", enum_40, std::size(enum_40)},
    {"mtmd_gen_process_type", enum_41, std::size(enum_41)},
    {"mtmd_helper_gen_audio_outtype", enum_42, std::size(enum_42)},
    {"llamapack_status", enum_43, std::size(enum_43)},
    {"llamapack_piece_kind", enum_44, std::size(enum_44)},
};
const Constant constants[] = {
    {"GGML_FILE_MAGIC", static_cast<long long>(GGML_FILE_MAGIC)},
    {"GGML_FILE_VERSION", static_cast<long long>(GGML_FILE_VERSION)},
    {"GGML_QNT_VERSION", static_cast<long long>(GGML_QNT_VERSION)},
    {"GGML_QNT_VERSION_FACTOR", static_cast<long long>(GGML_QNT_VERSION_FACTOR)},
    {"GGML_MAX_DIMS", static_cast<long long>(GGML_MAX_DIMS)},
    {"GGML_MAX_PARAMS", static_cast<long long>(GGML_MAX_PARAMS)},
    {"GGML_MAX_SRC", static_cast<long long>(GGML_MAX_SRC)},
    {"GGML_MAX_N_THREADS", static_cast<long long>(GGML_MAX_N_THREADS)},
    {"GGML_MAX_OP_PARAMS", static_cast<long long>(GGML_MAX_OP_PARAMS)},
    {"GGML_MAX_NAME", static_cast<long long>(GGML_MAX_NAME)},
    {"GGML_DEFAULT_N_THREADS", static_cast<long long>(GGML_DEFAULT_N_THREADS)},
    {"GGML_DEFAULT_GRAPH_SIZE", static_cast<long long>(GGML_DEFAULT_GRAPH_SIZE)},
    {"GGML_MEM_ALIGN", static_cast<long long>(GGML_MEM_ALIGN)},
    {"GGML_EXIT_SUCCESS", static_cast<long long>(GGML_EXIT_SUCCESS)},
    {"GGML_EXIT_ABORTED", static_cast<long long>(GGML_EXIT_ABORTED)},
    {"GGML_ROPE_TYPE_NORMAL", static_cast<long long>(GGML_ROPE_TYPE_NORMAL)},
    {"GGML_ROPE_TYPE_NEOX", static_cast<long long>(GGML_ROPE_TYPE_NEOX)},
    {"GGML_ROPE_TYPE_MROPE", static_cast<long long>(GGML_ROPE_TYPE_MROPE)},
    {"GGML_ROPE_TYPE_VISION", static_cast<long long>(GGML_ROPE_TYPE_VISION)},
    {"GGML_ROPE_TYPE_IMROPE", static_cast<long long>(GGML_ROPE_TYPE_IMROPE)},
    {"GGML_MROPE_SECTIONS", static_cast<long long>(GGML_MROPE_SECTIONS)},
    {"GGML_N_TASKS_MAX", static_cast<long long>(GGML_N_TASKS_MAX)},
    {"GGML_BACKEND_META_MAX_DEVICES", static_cast<long long>(GGML_BACKEND_META_MAX_DEVICES)},
    {"GGUF_VERSION", static_cast<long long>(GGUF_VERSION)},
    {"GGUF_DEFAULT_ALIGNMENT", static_cast<long long>(GGUF_DEFAULT_ALIGNMENT)},
    {"LLAMA_DEFAULT_SEED", static_cast<long long>(LLAMA_DEFAULT_SEED)},
    {"LLAMA_TOKEN_NULL", static_cast<long long>(LLAMA_TOKEN_NULL)},
    {"LLAMA_FILE_MAGIC_GGLA", static_cast<long long>(LLAMA_FILE_MAGIC_GGLA)},
    {"LLAMA_FILE_MAGIC_GGSN", static_cast<long long>(LLAMA_FILE_MAGIC_GGSN)},
    {"LLAMA_FILE_MAGIC_GGSQ", static_cast<long long>(LLAMA_FILE_MAGIC_GGSQ)},
    {"LLAMA_SESSION_MAGIC", static_cast<long long>(LLAMA_SESSION_MAGIC)},
    {"LLAMA_SESSION_VERSION", static_cast<long long>(LLAMA_SESSION_VERSION)},
    {"LLAMA_STATE_SEQ_MAGIC", static_cast<long long>(LLAMA_STATE_SEQ_MAGIC)},
    {"LLAMA_STATE_SEQ_VERSION", static_cast<long long>(LLAMA_STATE_SEQ_VERSION)},
    {"LLAMA_STATE_SEQ_FLAGS_NONE", static_cast<long long>(LLAMA_STATE_SEQ_FLAGS_NONE)},
    {"LLAMA_STATE_SEQ_FLAGS_SWA_ONLY", static_cast<long long>(LLAMA_STATE_SEQ_FLAGS_SWA_ONLY)},
    {"LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY", static_cast<long long>(LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY)},
    {"LLAMA_STATE_SEQ_FLAGS_ON_DEVICE", static_cast<long long>(LLAMA_STATE_SEQ_FLAGS_ON_DEVICE)},
};
} // namespace

const char layout_hash[] = "0769656b9e6f6dd0e66c50dd96bcb86c60089d9a670d28005aae018fda0fc493";
const std::uint32_t struct_sizes[] = {
    sizeof(T0),
    sizeof(T1),
    sizeof(T2),
    sizeof(T3),
    sizeof(T4),
    sizeof(T5),
    sizeof(T6),
    sizeof(T7),
    sizeof(T8),
    sizeof(T9),
    sizeof(T10),
    sizeof(T11),
    sizeof(T12),
    sizeof(T13),
    sizeof(T14),
    sizeof(T15),
    sizeof(T16),
    sizeof(T17),
    sizeof(T18),
    sizeof(T19),
    sizeof(T20),
    sizeof(T21),
    sizeof(T22),
    sizeof(T23),
    sizeof(T24),
    sizeof(T25),
    sizeof(T26),
    sizeof(T27),
    sizeof(T28),
    sizeof(T29),
    sizeof(T30),
    sizeof(T31),
    sizeof(T32),
    sizeof(T33),
    sizeof(T34),
    sizeof(T35),
    sizeof(T36),
    sizeof(T37),
    sizeof(T38),
    sizeof(T39),
    sizeof(T40),
    sizeof(T41),
    sizeof(T42),
    sizeof(T43),
    sizeof(T44),
    sizeof(T45),
    sizeof(T46),
    sizeof(T47),
    sizeof(T48),
    sizeof(T49),
    sizeof(T50),
    sizeof(T51),
    sizeof(T52),
    sizeof(T53),
    sizeof(T54),
    sizeof(T55),
    sizeof(T56),
    sizeof(T57),
};
const std::size_t struct_count = std::size(struct_sizes);

namespace {
void defaults(std::ostringstream & out) {
    {
        const auto value = llama_model_default_params();
        out << "\"llama_model_default_params\": {";
        out << "\"devices\": " << json(value.devices);
        out << ", \"tensor_buft_overrides\": " << json(value.tensor_buft_overrides);
        out << ", \"n_gpu_layers\": " << json(value.n_gpu_layers);
        out << ", \"split_mode\": " << json(value.split_mode);
        out << ", \"load_mode\": " << json(value.load_mode);
        out << ", \"lazy_mode\": " << json(value.lazy_mode);
        out << ", \"main_gpu\": " << json(value.main_gpu);
        out << ", \"tensor_split\": " << json(value.tensor_split);
        out << ", \"progress_callback\": " << json(value.progress_callback);
        out << ", \"progress_callback_user_data\": " << json(value.progress_callback_user_data);
        out << ", \"kv_overrides\": " << json(value.kv_overrides);
        out << ", \"vocab_only\": " << json(value.vocab_only);
        out << ", \"check_tensors\": " << json(value.check_tensors);
        out << ", \"use_extra_bufts\": " << json(value.use_extra_bufts);
        out << ", \"no_host\": " << json(value.no_host);
        out << ", \"no_alloc\": " << json(value.no_alloc);
        out << ", \"load_mtp\": " << json(value.load_mtp);
        out << "}";
    }
    {
        const auto value = llama_context_default_params();
        out << ", \"llama_context_default_params\": {";
        out << "\"n_ctx\": " << json(value.n_ctx);
        out << ", \"n_batch\": " << json(value.n_batch);
        out << ", \"n_ubatch\": " << json(value.n_ubatch);
        out << ", \"n_seq_max\": " << json(value.n_seq_max);
        out << ", \"n_rs_seq\": " << json(value.n_rs_seq);
        out << ", \"n_outputs_max\": " << json(value.n_outputs_max);
        out << ", \"n_outputs_max_per_seq\": " << json(value.n_outputs_max_per_seq);
        out << ", \"n_threads\": " << json(value.n_threads);
        out << ", \"n_threads_batch\": " << json(value.n_threads_batch);
        out << ", \"ctx_type\": " << json(value.ctx_type);
        out << ", \"rope_scaling_type\": " << json(value.rope_scaling_type);
        out << ", \"pooling_type\": " << json(value.pooling_type);
        out << ", \"attention_type\": " << json(value.attention_type);
        out << ", \"flash_attn_type\": " << json(value.flash_attn_type);
        out << ", \"rope_freq_base\": " << json(value.rope_freq_base);
        out << ", \"rope_freq_scale\": " << json(value.rope_freq_scale);
        out << ", \"yarn_ext_factor\": " << json(value.yarn_ext_factor);
        out << ", \"yarn_attn_factor\": " << json(value.yarn_attn_factor);
        out << ", \"yarn_beta_fast\": " << json(value.yarn_beta_fast);
        out << ", \"yarn_beta_slow\": " << json(value.yarn_beta_slow);
        out << ", \"yarn_orig_ctx\": " << json(value.yarn_orig_ctx);
        out << ", \"defrag_thold\": " << json(value.defrag_thold);
        out << ", \"cb_eval\": " << json(value.cb_eval);
        out << ", \"cb_eval_user_data\": " << json(value.cb_eval_user_data);
        out << ", \"type_k\": " << json(value.type_k);
        out << ", \"type_v\": " << json(value.type_v);
        out << ", \"abort_callback\": " << json(value.abort_callback);
        out << ", \"abort_callback_data\": " << json(value.abort_callback_data);
        out << ", \"embeddings\": " << json(value.embeddings);
        out << ", \"offload_kqv\": " << json(value.offload_kqv);
        out << ", \"no_perf\": " << json(value.no_perf);
        out << ", \"op_offload\": " << json(value.op_offload);
        out << ", \"swa_full\": " << json(value.swa_full);
        out << ", \"kv_unified\": " << json(value.kv_unified);
        out << ", \"samplers\": " << json(value.samplers);
        out << ", \"n_samplers\": " << json(value.n_samplers);
        out << ", \"ctx_other\": " << json(value.ctx_other);
        out << "}";
    }
    {
        const auto value = llama_sampler_chain_default_params();
        out << ", \"llama_sampler_chain_default_params\": {";
        out << "\"no_perf\": " << json(value.no_perf);
        out << "}";
    }
    {
        const auto value = llama_model_quantize_default_params();
        out << ", \"llama_model_quantize_default_params\": {";
        out << "\"nthread\": " << json(value.nthread);
        out << ", \"ftype\": " << json(value.ftype);
        out << ", \"output_tensor_type\": " << json(value.output_tensor_type);
        out << ", \"token_embedding_type\": " << json(value.token_embedding_type);
        out << ", \"allow_requantize\": " << json(value.allow_requantize);
        out << ", \"quantize_output_tensor\": " << json(value.quantize_output_tensor);
        out << ", \"only_copy\": " << json(value.only_copy);
        out << ", \"pure\": " << json(value.pure);
        out << ", \"keep_split\": " << json(value.keep_split);
        out << ", \"dry_run\": " << json(value.dry_run);
        out << ", \"imatrix\": " << json(value.imatrix);
        out << ", \"kv_overrides\": " << json(value.kv_overrides);
        out << ", \"tt_overrides\": " << json(value.tt_overrides);
        out << ", \"prune_layers\": " << json(value.prune_layers);
        out << ", \"max_buf_size\": " << json(value.max_buf_size);
        out << "}";
    }
    {
        const auto value = mtmd_context_params_default();
        out << ", \"mtmd_context_params_default\": {";
        out << "\"use_gpu\": " << json(value.use_gpu);
        out << ", \"device\": " << json(value.device);
        out << ", \"print_timings\": " << json(value.print_timings);
        out << ", \"n_threads\": " << json(value.n_threads);
        out << ", \"image_marker\": " << json(value.image_marker);
        out << ", \"media_marker\": " << json(value.media_marker);
        out << ", \"flash_attn_type\": " << json(value.flash_attn_type);
        out << ", \"warmup\": " << json(value.warmup);
        out << ", \"image_min_tokens\": " << json(value.image_min_tokens);
        out << ", \"image_max_tokens\": " << json(value.image_max_tokens);
        out << ", \"cb_eval\": " << json(value.cb_eval);
        out << ", \"cb_eval_user_data\": " << json(value.cb_eval_user_data);
        out << ", \"batch_max_tokens\": " << json(value.batch_max_tokens);
        out << ", \"progress_callback\": " << json(value.progress_callback);
        out << ", \"progress_callback_user_data\": " << json(value.progress_callback_user_data);
        out << "}";
    }
    {
        const auto value = mtmd_helper_video_init_params_default();
        out << ", \"mtmd_helper_video_init_params_default\": {";
        out << "\"fps_target\": " << json(value.fps_target);
        out << ", \"ffmpeg_bin_dir\": " << json(value.ffmpeg_bin_dir);
        out << ", \"timestamp_interval_ms\": " << json(value.timestamp_interval_ms);
        out << "}";
    }
    {
        const auto value = mtmd_helper_init_opt_default();
        out << ", \"mtmd_helper_init_opt_default\": {";
        out << "\"video_params.fps_target\": " << json(value.video_params.fps_target);
        out << ", \"video_params.ffmpeg_bin_dir\": " << json(value.video_params.ffmpeg_bin_dir);
        out << ", \"video_params.timestamp_interval_ms\": " << json(value.video_params.timestamp_interval_ms);
        out << "}";
    }
}

template <typename T> void members(std::ostringstream & out, const T * items, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        out << (i ? ", " : "") << '"' << items[i].name << "\": " << items[i].value;
    }
}

} // namespace

std::string build_abi_json() {
    std::ostringstream out;
    out.imbue(std::locale::classic());
    out << "{\"structs\": {";
    const char * between = "";
    for (const Layout & layout : layouts) {
        out << between << '"' << layout.name << "\": {\"size\": " << layout.size << ", \"align\": " << layout.align
            << ", \"fields\": {";
        members(out, layout.fields, layout.count);
        out << "}}";
        between = ",\n";
    }
    out << "},\n\"enums\": {";
    between = "";
    for (const Enumeration & enumeration : enumerations) {
        out << between << '"' << enumeration.name << "\": {";
        members(out, enumeration.constants, enumeration.count);
        out << "}";
        between = ",\n";
    }
    out << "},\n\"constants\": {";
    members(out, constants, sizeof(constants) / sizeof(constants[0]));
    out << "},\n\"defaults\": {";
    defaults(out);
    out << "}}\n";
    return out.str();
}

} // namespace llamapack
