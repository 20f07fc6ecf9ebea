# Generated from llama.cpp's headers by tools/bindgen: run `nox -t gen`, do not edit.
# Headers: c69ceed11e6e1c368993afb5adc527d7be656b1e36dce428022e3fe88a2d3b4b
# fmt: off
"""ctypes declarations of llama.h, ggml, gguf.h, mtmd.h and llamapack.h.

Names are C's; members of enumerations lose the prefix they share. `x_p` is a pointer to `x`, and an opaque
type is an empty structure, only ever pointed to. A field whose name is a Python keyword has an underscore
behind it. A field that does not exist cannot be set.

Deprecated by upstream and left out: ggml_flash_attn_ext_set_prec, ggml_mul_mat_set_prec, ggml_type_sizef,
llama_add_bos_token, llama_add_eos_token, llama_copy_state_data, llama_free_model, llama_get_state_size,
llama_load_model_from_file, llama_load_session_file, llama_n_ctx_train, llama_n_embd, llama_n_head, llama_n_layer,
llama_n_vocab, llama_new_context_with_model, llama_sampler_init_grammar_lazy, llama_save_session_file,
llama_set_state_data, llama_set_warmup, llama_token_bos, llama_token_cls, llama_token_eos, llama_token_eot,
llama_token_fim_mid, llama_token_fim_pad, llama_token_fim_pre, llama_token_fim_rep, llama_token_fim_sep,
llama_token_fim_suf, llama_token_get_attr, llama_token_get_score, llama_token_get_text, llama_token_is_control,
llama_token_is_eog, llama_token_nl, llama_token_pad, llama_token_sep, llama_vocab_cls, mtmd_encode,
mtmd_image_tokens_get_nx, mtmd_image_tokens_get_ny.
Declared by upstream but defined nowhere: nothing.
"""
from ctypes import (
    CFUNCTYPE, POINTER, Structure, Union, c_bool, c_char, c_char_p, c_double, c_float, c_int, c_int16, c_int32,
    c_int64, c_int8, c_size_t, c_uint16, c_uint32, c_uint64, c_uint8, c_void_p
)

LAYOUT_HASH = '0769656b9e6f6dd0e66c50dd96bcb86c60089d9a670d28005aae018fda0fc493'

GGML_FILE_MAGIC = 1734831468
GGML_FILE_VERSION = 2
GGML_QNT_VERSION = 2
GGML_QNT_VERSION_FACTOR = 1000
GGML_MAX_DIMS = 4
GGML_MAX_PARAMS = 2048
GGML_MAX_SRC = 10
GGML_MAX_N_THREADS = 512
GGML_MAX_OP_PARAMS = 64
GGML_MAX_NAME = 64
GGML_DEFAULT_N_THREADS = 4
GGML_DEFAULT_GRAPH_SIZE = 2048
GGML_MEM_ALIGN = 16
GGML_EXIT_SUCCESS = 0
GGML_EXIT_ABORTED = 1
GGML_ROPE_TYPE_NORMAL = 0
GGML_ROPE_TYPE_NEOX = 2
GGML_ROPE_TYPE_MROPE = 8
GGML_ROPE_TYPE_VISION = 24
GGML_ROPE_TYPE_IMROPE = 40
GGML_MROPE_SECTIONS = 4
GGML_N_TASKS_MAX = -1
GGML_BACKEND_META_MAX_DEVICES = 16
GGUF_MAGIC = "GGUF"
GGUF_VERSION = 3
GGUF_KEY_GENERAL_ALIGNMENT = "general.alignment"
GGUF_DEFAULT_ALIGNMENT = 32
LLAMA_DEFAULT_SEED = 4294967295
LLAMA_TOKEN_NULL = -1
LLAMA_FILE_MAGIC_GGLA = 1734831201
LLAMA_FILE_MAGIC_GGSN = 1734833006
LLAMA_FILE_MAGIC_GGSQ = 1734833009
LLAMA_SESSION_MAGIC = 1734833006
LLAMA_SESSION_VERSION = 10
LLAMA_STATE_SEQ_MAGIC = 1734833009
LLAMA_STATE_SEQ_VERSION = 3
LLAMA_STATE_SEQ_FLAGS_NONE = 0
LLAMA_STATE_SEQ_FLAGS_SWA_ONLY = 1
LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY = 1
LLAMA_STATE_SEQ_FLAGS_ON_DEVICE = 2

class ggml_backend_buffer(Structure): __slots__ = ()
class FILE(Structure): __slots__ = ()
class ggml_bf16_t(Structure): __slots__ = ()
class ggml_object(Structure): __slots__ = ()
class ggml_context(Structure): __slots__ = ()
class ggml_cgraph(Structure): __slots__ = ()
class ggml_init_params(Structure): __slots__ = ()
class ggml_tensor(Structure): __slots__ = ()
class ggml_type_traits(Structure): __slots__ = ()
class ggml_threadpool_params(Structure): __slots__ = ()
class ggml_threadpool(Structure): __slots__ = ()
class ggml_backend_buffer_type(Structure): __slots__ = ()
class ggml_backend(Structure): __slots__ = ()
class ggml_tallocr(Structure): __slots__ = ()
class ggml_gallocr(Structure): __slots__ = ()
class ggml_backend_event(Structure): __slots__ = ()
class ggml_backend_reg(Structure): __slots__ = ()
class ggml_backend_device(Structure): __slots__ = ()
class ggml_backend_dev_caps(Structure): __slots__ = ()
class ggml_backend_dev_props(Structure): __slots__ = ()
class ggml_backend_feature(Structure): __slots__ = ()
class ggml_backend_sched(Structure): __slots__ = ()
class ggml_backend_meta_split_state(Structure): __slots__ = ()
class ggml_backend_graph_copy(Structure): __slots__ = ()
class ggml_opt_dataset(Structure): __slots__ = ()
class ggml_opt_context(Structure): __slots__ = ()
class ggml_opt_result(Structure): __slots__ = ()
class ggml_opt_optimizer_params_adamw(Structure): __slots__ = ()
class ggml_opt_optimizer_params_sgd(Structure): __slots__ = ()
class ggml_opt_optimizer_params(Structure): __slots__ = ()
class gguf_context(Structure): __slots__ = ()
class gguf_init_params(Structure): __slots__ = ()
class llama_vocab(Structure): __slots__ = ()
class llama_model(Structure): __slots__ = ()
class llama_context(Structure): __slots__ = ()
class llama_memory_i(Structure): __slots__ = ()
class llama_token_data(Structure): __slots__ = ()
class llama_token_data_array(Structure): __slots__ = ()
class llama_batch(Structure): __slots__ = ()
class llama_model_kv_override_anonymous2(Union): __slots__ = ()
class llama_model_kv_override(Structure): __slots__ = ()
class llama_model_tensor_buft_override(Structure): __slots__ = ()
class llama_model_params(Structure): __slots__ = ()
class llama_sampler_seq_config(Structure): __slots__ = ()
class llama_context_params(Structure): __slots__ = ()
class llama_model_tensor_override(Structure): __slots__ = ()
class llama_model_imatrix_data(Structure): __slots__ = ()
class llama_model_quantize_params(Structure): __slots__ = ()
class llama_logit_bias(Structure): __slots__ = ()
class llama_sampler_chain_params(Structure): __slots__ = ()
class llama_chat_message(Structure): __slots__ = ()
class llama_adapter_lora(Structure): __slots__ = ()
class llama_batch_ext(Structure): __slots__ = ()
class llama_embd(Structure): __slots__ = ()
class llama_sampler_data(Structure): __slots__ = ()
class llama_sampler_i(Structure): __slots__ = ()
class llama_sampler(Structure): __slots__ = ()
class llama_perf_context_data(Structure): __slots__ = ()
class llama_perf_sampler_data(Structure): __slots__ = ()
class llama_opt_params(Structure): __slots__ = ()
class mtmd_context(Structure): __slots__ = ()
class mtmd_bitmap(Structure): __slots__ = ()
class mtmd_image_tokens(Structure): __slots__ = ()
class mtmd_input_chunk(Structure): __slots__ = ()
class mtmd_input_chunks(Structure): __slots__ = ()
class mtmd_batch(Structure): __slots__ = ()
class mtmd_input_text(Structure): __slots__ = ()
class mtmd_input_part(Structure): __slots__ = ()
class mtmd_context_params(Structure): __slots__ = ()
class mtmd_decoder_pos(Structure): __slots__ = ()
class mtmd_caps(Structure): __slots__ = ()
class mtmd_gen_audio_info(Structure): __slots__ = ()
class mtmd_gen_inp(Structure): __slots__ = ()
class mtmd_gen_out(Structure): __slots__ = ()
class mtmd_helper_video(Structure): __slots__ = ()
class mtmd_helper_video_init_params(Structure): __slots__ = ()
class mtmd_helper_init_opt(Structure): __slots__ = ()
class mtmd_helper_bitmap_wrapper(Structure): __slots__ = ()
class mtmd_helper_embd_batch(Structure): __slots__ = ()
class mtmd_helper_video_info(Structure): __slots__ = ()
class mtmd_helper_gen_audio(Structure): __slots__ = ()
class mtmd_helper_gen_audio_inp(Structure): __slots__ = ()
class llamapack_log_line(Structure): __slots__ = ()
class llamapack_chat_templates(Structure): __slots__ = ()
class llamapack_token_run(Structure): __slots__ = ()
class llamapack_grammar_beginning(Structure): __slots__ = ()
class llamapack_model_facts(Structure): __slots__ = ()
class llamapack_watch(Structure): __slots__ = ()
class llamapack_quantize_step(Structure): __slots__ = ()
class llamapack_engine(Structure): __slots__ = ()
class llamapack_request(Structure): __slots__ = ()
class llamapack_inbox(Structure): __slots__ = ()
class llamapack_load_step(Structure): __slots__ = ()
class llamapack_upload(Structure): __slots__ = ()
class llamapack_piece(Structure): __slots__ = ()

ggml_backend_buffer_p = POINTER(ggml_backend_buffer)
ggml_tensor_p = POINTER(ggml_tensor)
c_float_p = POINTER(c_float)
ggml_to_float_t = CFUNCTYPE(None, c_void_p, c_float_p, c_int64)
ggml_from_float_t = CFUNCTYPE(None, c_float_p, c_void_p, c_int64)
ggml_context_p = POINTER(ggml_context)
ggml_cgraph_p = POINTER(ggml_cgraph)
ggml_context_pp = POINTER(ggml_context_p)
llama_token_data_p = POINTER(llama_token_data)
c_int32_p = POINTER(c_int32)
c_int32_pp = POINTER(c_int32_p)
c_int8_p = POINTER(c_int8)
ggml_backend_buffer_type_p = POINTER(ggml_backend_buffer_type)
ggml_backend_device_p = POINTER(ggml_backend_device)
ggml_backend_device_pp = POINTER(ggml_backend_device_p)
llama_model_tensor_buft_override_p = POINTER(llama_model_tensor_buft_override)
llama_progress_callback = CFUNCTYPE(c_bool, c_float, c_void_p)
llama_model_kv_override_p = POINTER(llama_model_kv_override)
llama_sampler_p = POINTER(llama_sampler)
ggml_backend_sched_eval_callback = CFUNCTYPE(c_bool, ggml_tensor_p, c_bool, c_void_p)
ggml_abort_callback = CFUNCTYPE(c_bool, c_void_p)
llama_sampler_seq_config_p = POINTER(llama_sampler_seq_config)
llama_context_p = POINTER(llama_context)
llama_model_imatrix_data_p = POINTER(llama_model_imatrix_data)
llama_model_tensor_override_p = POINTER(llama_model_tensor_override)
llama_sampler_i_name_t = CFUNCTYPE(c_void_p, llama_sampler_p)
llama_sampler_i_accept_t = CFUNCTYPE(None, llama_sampler_p, c_int32)
llama_token_data_array_p = POINTER(llama_token_data_array)
llama_sampler_i_apply_t = CFUNCTYPE(None, llama_sampler_p, llama_token_data_array_p)
llama_sampler_i_reset_t = CFUNCTYPE(None, llama_sampler_p)
llama_sampler_i_clone_t = CFUNCTYPE(c_void_p, llama_sampler_p)
llama_sampler_i_free_t = CFUNCTYPE(None, llama_sampler_p)
llama_sampler_i_backend_init_t = CFUNCTYPE(c_bool, llama_sampler_p, ggml_backend_buffer_type_p, c_uint32)
llama_sampler_i_backend_accept_t = CFUNCTYPE(None, llama_sampler_p, ggml_context_p, ggml_cgraph_p, ggml_tensor_p)
llama_sampler_data_p = POINTER(llama_sampler_data)
llama_sampler_i_backend_apply_t = CFUNCTYPE(None, llama_sampler_p, ggml_context_p, ggml_cgraph_p, llama_sampler_data_p)
llama_sampler_i_backend_set_input_t = CFUNCTYPE(None, llama_sampler_p)
llama_sampler_i_backend_reset_t = CFUNCTYPE(None, llama_sampler_p)
llama_sampler_i_copy_state_t = CFUNCTYPE(None, llama_sampler_p, llama_sampler_p)
llama_sampler_i_p = POINTER(llama_sampler_i)
llama_opt_param_filter = CFUNCTYPE(c_bool, ggml_tensor_p, c_void_p)
ggml_opt_get_optimizer_params = CFUNCTYPE(ggml_opt_optimizer_params, c_void_p)
mtmd_input_text_p = POINTER(mtmd_input_text)
mtmd_bitmap_p = POINTER(mtmd_bitmap)
mtmd_progress_callback = CFUNCTYPE(c_bool, c_float, c_void_p)
mtmd_helper_video_p = POINTER(mtmd_helper_video)
c_char_pp = POINTER(c_char_p)
llamapack_token_run_p = POINTER(llamapack_token_run)
c_uint8_p = POINTER(c_uint8)
ggml_backend_p = POINTER(ggml_backend)
ggml_backend_pp = POINTER(ggml_backend_p)
ggml_tensor_pp = POINTER(ggml_tensor_p)
ggml_backend_buffer_type_pp = POINTER(ggml_backend_buffer_type_p)
ggml_backend_feature_p = POINTER(ggml_backend_feature)
ggml_backend_reg_p = POINTER(ggml_backend_reg)
ggml_opt_context_p = POINTER(ggml_opt_context)
ggml_opt_dataset_p = POINTER(ggml_opt_dataset)
ggml_opt_result_p = POINTER(ggml_opt_result)
mtmd_bitmap_pp = POINTER(mtmd_bitmap_p)
char_p = POINTER(c_char)
char_pp = POINTER(char_p)
mtmd_helper_embd_batch_p = POINTER(mtmd_helper_embd_batch)
llamapack_log_line_p = POINTER(llamapack_log_line)
llamapack_quantize_step_p = POINTER(llamapack_quantize_step)
llamapack_load_step_p = POINTER(llamapack_load_step)
ggml_abort_callback_t = CFUNCTYPE(None, c_char_p)
c_uint16_p = POINTER(c_uint16)
ggml_bf16_t_p = POINTER(ggml_bf16_t)
c_uint8_pp = POINTER(c_uint8_p)
FILE_p = POINTER(FILE)
ggml_object_p = POINTER(ggml_object)
c_int64_p = POINTER(c_int64)
ggml_log_callback = CFUNCTYPE(None, c_int, c_char_p, c_void_p)
ggml_log_callback_p = POINTER(ggml_log_callback)
c_void_pp = POINTER(c_void_p)
ggml_type_traits_p = POINTER(ggml_type_traits)
ggml_threadpool_params_p = POINTER(ggml_threadpool_params)
ggml_tallocr_p = POINTER(ggml_tallocr)
ggml_gallocr_p = POINTER(ggml_gallocr)
c_int_p = POINTER(c_int)
c_size_t_p = POINTER(c_size_t)
c_uint8_16_p = POINTER(c_uint8 * 16)
ggml_backend_event_p = POINTER(ggml_backend_event)
ggml_backend_dev_props_p = POINTER(ggml_backend_dev_props)
ggml_backend_sched_p = POINTER(ggml_backend_sched)
ggml_backend_meta_get_split_state_t = CFUNCTYPE(ggml_backend_meta_split_state, ggml_tensor_p, c_void_p)
ggml_backend_eval_callback = CFUNCTYPE(c_bool, c_int, ggml_tensor_p, ggml_tensor_p, c_void_p)
gguf_context_p = POINTER(gguf_context)
gguf_reader_callback_t = CFUNCTYPE(c_size_t, c_void_p, c_void_p, c_uint64, c_size_t)
ggml_threadpool_p = POINTER(ggml_threadpool)
llama_model_p = POINTER(llama_model)
llama_model_set_tensor_data_t = CFUNCTYPE(None, ggml_tensor_p, c_void_p)
llama_memory_i_p = POINTER(llama_memory_i)
llama_vocab_p = POINTER(llama_vocab)
llama_model_quantize_params_p = POINTER(llama_model_quantize_params)
llama_adapter_lora_p = POINTER(llama_adapter_lora)
llama_adapter_lora_pp = POINTER(llama_adapter_lora_p)
llama_batch_ext_p = POINTER(llama_batch_ext)
llama_chat_message_p = POINTER(llama_chat_message)
llama_logit_bias_p = POINTER(llama_logit_bias)
ggml_opt_epoch_callback = CFUNCTYPE(None, c_bool, ggml_opt_context_p, ggml_opt_dataset_p, ggml_opt_result_p, c_int64, c_int64, c_int64)
mtmd_context_p = POINTER(mtmd_context)
mtmd_input_chunk_p = POINTER(mtmd_input_chunk)
mtmd_bitmap_lazy_callback = CFUNCTYPE(c_int, c_size_t, c_void_p, mtmd_bitmap_pp, char_pp)
mtmd_input_chunks_p = POINTER(mtmd_input_chunks)
mtmd_image_tokens_p = POINTER(mtmd_image_tokens)
mtmd_input_part_p = POINTER(mtmd_input_part)
mtmd_input_part_pp = POINTER(mtmd_input_part_p)
mtmd_batch_p = POINTER(mtmd_batch)
mtmd_gen_inp_p = POINTER(mtmd_gen_inp)
mtmd_gen_out_p = POINTER(mtmd_gen_out)
mtmd_decoder_pos_p = POINTER(mtmd_decoder_pos)
mtmd_helper_post_decode_callback = CFUNCTYPE(c_int32, mtmd_helper_embd_batch_p, c_void_p)
mtmd_helper_gen_audio_p = POINTER(mtmd_helper_gen_audio)
mtmd_helper_gen_audio_inp_p = POINTER(mtmd_helper_gen_audio_inp)
c_float_pp = POINTER(c_float_p)
c_bool_p = POINTER(c_bool)
c_uint32_p = POINTER(c_uint32)
c_uint32_pp = POINTER(c_uint32_p)
llamapack_log_callback = CFUNCTYPE(None, llamapack_log_line_p)
llamapack_chat_templates_p = POINTER(llamapack_chat_templates)
llamapack_chat_templates_pp = POINTER(llamapack_chat_templates_p)
llamapack_grammar_beginning_p = POINTER(llamapack_grammar_beginning)
llama_sampler_pp = POINTER(llama_sampler_p)
llamapack_model_facts_p = POINTER(llamapack_model_facts)
llamapack_poll_callback = CFUNCTYPE(c_bool, c_void_p)
llamapack_watch_p = POINTER(llamapack_watch)
llamapack_watch_pp = POINTER(llamapack_watch_p)
llama_batch_p = POINTER(llama_batch)
llama_model_params_p = POINTER(llama_model_params)
llama_model_pp = POINTER(llama_model_p)
llama_context_params_p = POINTER(llama_context_params)
llama_context_pp = POINTER(llama_context_p)
llamapack_quantize_callback = CFUNCTYPE(c_bool, llamapack_quantize_step_p)
c_uint64_p = POINTER(c_uint64)
llamapack_load_callback = CFUNCTYPE(c_bool, llamapack_load_step_p)
llamapack_engine_p = POINTER(llamapack_engine)
llamapack_engine_pp = POINTER(llamapack_engine_p)
llamapack_inbox_p = POINTER(llamapack_inbox)
llamapack_inbox_pp = POINTER(llamapack_inbox_p)
llamapack_upload_p = POINTER(llamapack_upload)
llamapack_request_p = POINTER(llamapack_request)
llamapack_request_pp = POINTER(llamapack_request_p)
llamapack_piece_p = POINTER(llamapack_piece)
mtmd_context_params_p = POINTER(mtmd_context_params)
mtmd_context_pp = POINTER(mtmd_context_p)
ggml_backend_comm_init_t = CFUNCTYPE(c_void_p, ggml_backend_pp, c_size_t)
ggml_backend_comm_free_t = CFUNCTYPE(None, c_void_p)
ggml_backend_comm_allreduce_tensor_t = CFUNCTYPE(c_bool, c_void_p, ggml_tensor_pp)
ggml_backend_split_buffer_type_t = CFUNCTYPE(ggml_backend_buffer_type_p, c_int, c_float_p)
ggml_backend_set_n_threads_t = CFUNCTYPE(None, ggml_backend_p, c_int)
ggml_backend_dev_get_extra_bufts_t = CFUNCTYPE(ggml_backend_buffer_type_pp, ggml_backend_device_p)
ggml_backend_set_abort_callback_t = CFUNCTYPE(None, ggml_backend_p, ggml_abort_callback, c_void_p)
ggml_backend_get_features_t = CFUNCTYPE(ggml_backend_feature_p, ggml_backend_reg_p)

ggml_bf16_t._fields_ = [
    ('bits', c_uint16),
]
ggml_init_params._fields_ = [
    ('mem_size', c_size_t),
    ('mem_buffer', c_void_p),
    ('no_alloc', c_bool),
]
ggml_tensor._fields_ = [
    ('type', c_int),
    ('buffer', ggml_backend_buffer_p),
    ('ne', c_int64 * 4),
    ('nb', c_size_t * 4),
    ('op', c_int),
    ('op_params', c_int32 * 16),
    ('flags', c_int32),
    ('src', ggml_tensor_p * 10),
    ('view_src', ggml_tensor_p),
    ('view_offs', c_size_t),
    ('data', c_void_p),
    ('name', c_char * 64),
    ('extra', c_void_p),
    ('padding', c_char * 8),
]
ggml_type_traits._fields_ = [
    ('type_name', c_char_p),
    ('blck_size', c_int64),
    ('blck_size_interleave', c_int64),
    ('type_size', c_size_t),
    ('is_quantized', c_bool),
    ('to_float', ggml_to_float_t),
    ('from_float_ref', ggml_from_float_t),
]
ggml_threadpool_params._fields_ = [
    ('cpumask', c_bool * 512),
    ('n_threads', c_int),
    ('prio', c_int),
    ('poll', c_uint32),
    ('strict_cpu', c_bool),
    ('paused', c_bool),
]
ggml_tallocr._fields_ = [
    ('buffer', ggml_backend_buffer_p),
    ('base', c_void_p),
    ('alignment', c_size_t),
    ('offset', c_size_t),
]
ggml_backend_dev_caps._fields_ = [
    ('async_', c_bool),
    ('host_buffer', c_bool),
    ('buffer_from_host_ptr', c_bool),
    ('events', c_bool),
    ('mmap_support', c_bool),
]
ggml_backend_dev_props._fields_ = [
    ('name', c_char_p),
    ('description', c_char_p),
    ('memory_free', c_size_t),
    ('memory_total', c_size_t),
    ('type', c_int),
    ('device_id', c_char_p),
    ('caps', ggml_backend_dev_caps),
]
ggml_backend_feature._fields_ = [
    ('name', c_char_p),
    ('value', c_char_p),
]
ggml_backend_meta_split_state._fields_ = [
    ('axis', c_int),
    ('ne', c_int64 * 256),
    ('nr', c_uint32 * 16),
    ('n_segments', c_uint32),
]
ggml_backend_graph_copy._fields_ = [
    ('buffer', ggml_backend_buffer_p),
    ('ctx_allocated', ggml_context_p),
    ('ctx_unallocated', ggml_context_p),
    ('graph', ggml_cgraph_p),
]
ggml_opt_optimizer_params_adamw._fields_ = [
    ('alpha', c_float),
    ('beta1', c_float),
    ('beta2', c_float),
    ('eps', c_float),
    ('wd', c_float),
]
ggml_opt_optimizer_params_sgd._fields_ = [
    ('alpha', c_float),
    ('wd', c_float),
]
ggml_opt_optimizer_params._fields_ = [
    ('adamw', ggml_opt_optimizer_params_adamw),
    ('sgd', ggml_opt_optimizer_params_sgd),
]
gguf_init_params._fields_ = [
    ('no_alloc', c_bool),
    ('ctx', ggml_context_pp),
]
llama_token_data._fields_ = [
    ('id', c_int32),
    ('logit', c_float),
    ('p', c_float),
]
llama_token_data_array._fields_ = [
    ('data', llama_token_data_p),
    ('size', c_size_t),
    ('selected', c_int64),
    ('sorted', c_bool),
]
llama_batch._fields_ = [
    ('n_tokens', c_int32),
    ('token', c_int32_p),
    ('embd', c_float_p),
    ('pos', c_int32_p),
    ('n_seq_id', c_int32_p),
    ('seq_id', c_int32_pp),
    ('logits', c_int8_p),
]
llama_model_kv_override_anonymous2._fields_ = [
    ('val_i64', c_int64),
    ('val_f64', c_double),
    ('val_bool', c_bool),
    ('val_str', c_char * 128),
]
llama_model_kv_override._anonymous_ = ('anonymous2',)
llama_model_kv_override._fields_ = [
    ('tag', c_int),
    ('key', c_char * 128),
    ('anonymous2', llama_model_kv_override_anonymous2),
]
llama_model_tensor_buft_override._fields_ = [
    ('pattern', c_char_p),
    ('buft', ggml_backend_buffer_type_p),
]
llama_model_params._fields_ = [
    ('devices', ggml_backend_device_pp),
    ('tensor_buft_overrides', llama_model_tensor_buft_override_p),
    ('n_gpu_layers', c_int32),
    ('split_mode', c_int),
    ('load_mode', c_int),
    ('lazy_mode', c_int),
    ('main_gpu', c_int32),
    ('tensor_split', c_float_p),
    ('progress_callback', llama_progress_callback),
    ('progress_callback_user_data', c_void_p),
    ('kv_overrides', llama_model_kv_override_p),
    ('vocab_only', c_bool),
    ('check_tensors', c_bool),
    ('use_extra_bufts', c_bool),
    ('no_host', c_bool),
    ('no_alloc', c_bool),
    ('load_mtp', c_bool),
]
llama_sampler_seq_config._fields_ = [
    ('seq_id', c_int32),
    ('sampler', llama_sampler_p),
]
llama_context_params._fields_ = [
    ('n_ctx', c_uint32),
    ('n_batch', c_uint32),
    ('n_ubatch', c_uint32),
    ('n_seq_max', c_uint32),
    ('n_rs_seq', c_uint32),
    ('n_outputs_max', c_uint32),
    ('n_outputs_max_per_seq', c_uint32),
    ('n_threads', c_int32),
    ('n_threads_batch', c_int32),
    ('ctx_type', c_int),
    ('rope_scaling_type', c_int),
    ('pooling_type', c_int),
    ('attention_type', c_int),
    ('flash_attn_type', c_int),
    ('rope_freq_base', c_float),
    ('rope_freq_scale', c_float),
    ('yarn_ext_factor', c_float),
    ('yarn_attn_factor', c_float),
    ('yarn_beta_fast', c_float),
    ('yarn_beta_slow', c_float),
    ('yarn_orig_ctx', c_uint32),
    ('defrag_thold', c_float),
    ('cb_eval', ggml_backend_sched_eval_callback),
    ('cb_eval_user_data', c_void_p),
    ('type_k', c_int),
    ('type_v', c_int),
    ('abort_callback', ggml_abort_callback),
    ('abort_callback_data', c_void_p),
    ('embeddings', c_bool),
    ('offload_kqv', c_bool),
    ('no_perf', c_bool),
    ('op_offload', c_bool),
    ('swa_full', c_bool),
    ('kv_unified', c_bool),
    ('samplers', llama_sampler_seq_config_p),
    ('n_samplers', c_size_t),
    ('ctx_other', llama_context_p),
]
llama_model_tensor_override._fields_ = [
    ('pattern', c_char_p),
    ('type', c_int),
]
llama_model_imatrix_data._fields_ = [
    ('name', c_char_p),
    ('data', c_float_p),
    ('size', c_size_t),
]
llama_model_quantize_params._fields_ = [
    ('nthread', c_int32),
    ('ftype', c_int),
    ('output_tensor_type', c_int),
    ('token_embedding_type', c_int),
    ('allow_requantize', c_bool),
    ('quantize_output_tensor', c_bool),
    ('only_copy', c_bool),
    ('pure', c_bool),
    ('keep_split', c_bool),
    ('dry_run', c_bool),
    ('imatrix', llama_model_imatrix_data_p),
    ('kv_overrides', llama_model_kv_override_p),
    ('tt_overrides', llama_model_tensor_override_p),
    ('prune_layers', c_int32_p),
    ('max_buf_size', c_size_t),
]
llama_logit_bias._fields_ = [
    ('token', c_int32),
    ('bias', c_float),
]
llama_sampler_chain_params._fields_ = [
    ('no_perf', c_bool),
]
llama_chat_message._fields_ = [
    ('role', c_char_p),
    ('content', c_char_p),
]
llama_embd._fields_ = [
    ('data', c_float_p),
    ('n_rows', c_size_t),
    ('n_embd', c_size_t),
]
llama_sampler_data._fields_ = [
    ('logits', ggml_tensor_p),
    ('probs', ggml_tensor_p),
    ('sampled', ggml_tensor_p),
    ('candidates', ggml_tensor_p),
]
llama_sampler_i._fields_ = [
    ('name', llama_sampler_i_name_t),
    ('accept', llama_sampler_i_accept_t),
    ('apply', llama_sampler_i_apply_t),
    ('reset', llama_sampler_i_reset_t),
    ('clone', llama_sampler_i_clone_t),
    ('free', llama_sampler_i_free_t),
    ('backend_init', llama_sampler_i_backend_init_t),
    ('backend_accept', llama_sampler_i_backend_accept_t),
    ('backend_apply', llama_sampler_i_backend_apply_t),
    ('backend_set_input', llama_sampler_i_backend_set_input_t),
    ('backend_reset', llama_sampler_i_backend_reset_t),
    ('copy_state', llama_sampler_i_copy_state_t),
]
llama_sampler._fields_ = [
    ('iface', llama_sampler_i_p),
    ('ctx', c_void_p),
]
llama_perf_context_data._fields_ = [
    ('t_start_ms', c_double),
    ('t_load_ms', c_double),
    ('t_p_eval_ms', c_double),
    ('t_eval_ms', c_double),
    ('n_p_eval', c_int32),
    ('n_eval', c_int32),
    ('n_reused', c_int32),
]
llama_perf_sampler_data._fields_ = [
    ('t_sample_ms', c_double),
    ('n_sample', c_int32),
]
llama_opt_params._fields_ = [
    ('n_ctx_train', c_uint32),
    ('param_filter', llama_opt_param_filter),
    ('param_filter_ud', c_void_p),
    ('get_opt_pars', ggml_opt_get_optimizer_params),
    ('get_opt_pars_ud', c_void_p),
    ('optimizer_type', c_int),
]
mtmd_input_text._fields_ = [
    ('text', c_char_p),
    ('text_len', c_size_t),
    ('add_special', c_bool),
    ('parse_special', c_bool),
]
mtmd_input_part._fields_ = [
    ('text', mtmd_input_text_p),
    ('bitmap', mtmd_bitmap_p),
]
mtmd_context_params._fields_ = [
    ('use_gpu', c_bool),
    ('device', ggml_backend_device_p),
    ('print_timings', c_bool),
    ('n_threads', c_int),
    ('image_marker', c_char_p),
    ('media_marker', c_char_p),
    ('flash_attn_type', c_int),
    ('warmup', c_bool),
    ('image_min_tokens', c_int),
    ('image_max_tokens', c_int),
    ('cb_eval', ggml_backend_sched_eval_callback),
    ('cb_eval_user_data', c_void_p),
    ('batch_max_tokens', c_int32),
    ('progress_callback', mtmd_progress_callback),
    ('progress_callback_user_data', c_void_p),
]
mtmd_decoder_pos._fields_ = [
    ('t', c_uint32),
    ('x', c_uint32),
    ('y', c_uint32),
    ('z', c_uint32),
]
mtmd_caps._fields_ = [
    ('inp_vision', c_bool),
    ('inp_audio', c_bool),
]
mtmd_gen_audio_info._fields_ = [
    ('type', c_int),
    ('sample_rate', c_int32),
    ('model_variant', c_char_p),
]
mtmd_gen_inp._fields_ = [
    ('type', c_int),
    ('code0', c_int32),
    ('embd', c_float_p),
    ('top_k', c_int32),
    ('top_p', c_float),
    ('seed', c_uint32),
    ('temp', c_float),
    ('codes', c_int32_p),
    ('n_codes', c_size_t),
    ('feats', c_float_p),
    ('n_feats', c_size_t),
    ('state_data', c_char_p),
    ('state_size', c_size_t),
]
mtmd_gen_out._fields_ = [
    ('codes', c_int32_p),
    ('n_codes', c_size_t),
    ('feats', c_float_p),
    ('n_feats', c_size_t),
    ('embd', c_float_p),
    ('is_eos', c_bool),
    ('audio', c_float_p),
    ('n_samples', c_size_t),
    ('state_data', c_char_p),
    ('state_size', c_size_t),
]
mtmd_helper_video_init_params._fields_ = [
    ('fps_target', c_float),
    ('ffmpeg_bin_dir', c_char_p),
    ('timestamp_interval_ms', c_int64),
]
mtmd_helper_init_opt._fields_ = [
    ('video_params', mtmd_helper_video_init_params),
]
mtmd_helper_bitmap_wrapper._fields_ = [
    ('bitmap', mtmd_bitmap_p),
    ('video_ctx', mtmd_helper_video_p),
]
mtmd_helper_embd_batch._fields_ = [
    ('n_tokens', c_int32),
    ('embd', c_float_p),
    ('n_embd', c_int32),
    ('pos', c_int32_p),
    ('n_pos', c_int32),
    ('seq_id', c_int32),
]
mtmd_helper_video_info._fields_ = [
    ('width', c_uint32),
    ('height', c_uint32),
    ('fps', c_float),
    ('n_frames', c_int32),
]
mtmd_helper_gen_audio_inp._fields_ = [
    ('seq_id', c_int32),
    ('prompt', c_char_p),
    ('prompt_len', c_size_t),
    ('speaker_ref', mtmd_bitmap_p),
    ('lang', c_char_p),
    ('top_k', c_int32),
    ('top_p', c_float),
    ('seed', c_uint32),
    ('out_type', c_int),
]
llamapack_log_line._fields_ = [
    ('level', c_int32),
    ('text', c_char_p),
]
llamapack_token_run._fields_ = [
    ('tokens', c_int32_p),
    ('n_tokens', c_size_t),
]
llamapack_grammar_beginning._fields_ = [
    ('lazy', c_bool),
    ('patterns', c_char_pp),
    ('n_patterns', c_size_t),
    ('triggers', llamapack_token_run),
    ('begun', llamapack_token_run),
    ('thinking_start', llamapack_token_run),
    ('thinking_ends', llamapack_token_run_p),
    ('n_thinking_ends', c_size_t),
]
llamapack_model_facts._fields_ = [
    ('head_size_k', c_uint32),
    ('head_size_v', c_uint32),
    ('cache_size_k', c_uint32),
    ('cache_size_v', c_uint32),
    ('n_pos_per_embd', c_uint32),
    ('n_positions', c_uint32),
    ('pooling', c_int32),
    ('vocab_only', c_bool),
    ('causal', c_bool),
    ('mla', c_bool),
    ('classifier', c_bool),
    ('shift_quantized', c_bool),
]
llamapack_quantize_step._fields_ = [
    ('number', c_int32),
    ('count', c_int32),
    ('name', c_char_p),
]
llamapack_load_step._fields_ = [
    ('stage', c_char_p),
    ('number', c_int32),
    ('count', c_int32),
    ('part', c_float),
]
llamapack_upload._fields_ = [
    ('field', c_char_p),
    ('file_name', c_char_p),
    ('content_type', c_char_p),
    ('data', c_char_p),
    ('size', c_size_t),
]
llamapack_piece._fields_ = [
    ('kind', c_int32),
    ('status', c_int32),
    ('content_type', c_char_p),
    ('data', c_uint8_p),
    ('size', c_size_t),
]

STRUCTS = (
    ggml_bf16_t,
    ggml_init_params,
    ggml_tensor,
    ggml_type_traits,
    ggml_threadpool_params,
    ggml_tallocr,
    ggml_backend_dev_caps,
    ggml_backend_dev_props,
    ggml_backend_feature,
    ggml_backend_meta_split_state,
    ggml_backend_graph_copy,
    ggml_opt_optimizer_params_adamw,
    ggml_opt_optimizer_params_sgd,
    ggml_opt_optimizer_params,
    gguf_init_params,
    llama_token_data,
    llama_token_data_array,
    llama_batch,
    llama_model_kv_override,
    llama_model_tensor_buft_override,
    llama_model_params,
    llama_sampler_seq_config,
    llama_context_params,
    llama_model_tensor_override,
    llama_model_imatrix_data,
    llama_model_quantize_params,
    llama_logit_bias,
    llama_sampler_chain_params,
    llama_chat_message,
    llama_embd,
    llama_sampler_data,
    llama_sampler_i,
    llama_sampler,
    llama_perf_context_data,
    llama_perf_sampler_data,
    llama_opt_params,
    mtmd_input_text,
    mtmd_input_part,
    mtmd_context_params,
    mtmd_decoder_pos,
    mtmd_caps,
    mtmd_gen_audio_info,
    mtmd_gen_inp,
    mtmd_gen_out,
    mtmd_helper_video_init_params,
    mtmd_helper_init_opt,
    mtmd_helper_bitmap_wrapper,
    mtmd_helper_embd_batch,
    mtmd_helper_video_info,
    mtmd_helper_gen_audio_inp,
    llamapack_log_line,
    llamapack_token_run,
    llamapack_grammar_beginning,
    llamapack_model_facts,
    llamapack_quantize_step,
    llamapack_load_step,
    llamapack_upload,
    llamapack_piece,
)

DEFAULTS = (
    'llama_model_default_params',
    'llama_context_default_params',
    'llama_sampler_chain_default_params',
    'llama_model_quantize_default_params',
    'mtmd_context_params_default',
    'mtmd_helper_video_init_params_default',
    'mtmd_helper_init_opt_default',
)

ENUMS = {
    'ggml_status': ('IntEnum', {'ALLOC_FAILED': -2, 'FAILED': -1, 'SUCCESS': 0, 'ABORTED': 1}),
    'ggml_type': ('IntEnum', {'F32': 0, 'F16': 1, 'Q4_0': 2, 'Q4_1': 3, 'Q5_0': 6, 'Q5_1': 7, 'Q8_0': 8, 'Q8_1': 9, 'Q2_K': 10, 'Q3_K': 11, 'Q4_K': 12, 'Q5_K': 13, 'Q6_K': 14, 'Q8_K': 15, 'IQ2_XXS': 16, 'IQ2_XS': 17, 'IQ3_XXS': 18, 'IQ1_S': 19, 'IQ4_NL': 20, 'IQ3_S': 21, 'IQ2_S': 22, 'IQ4_XS': 23, 'I8': 24, 'I16': 25, 'I32': 26, 'I64': 27, 'F64': 28, 'IQ1_M': 29, 'BF16': 30, 'TQ1_0': 34, 'TQ2_0': 35, 'MXFP4': 39, 'NVFP4': 40, 'Q1_0': 41, 'Q2_0': 42, 'COUNT': 43}),
    'ggml_prec': ('IntEnum', {'UNDEFINED': 0, 'DEFAULT': 0, 'F32': 10, 'BF16': 15, 'F16': 20, 'Q8': 30, 'Q4': 40}),
    'ggml_op_hint': ('IntEnum', {'NONE': 0, 'SRC0_IS_HADAMARD': 1}),
    'ggml_ftype': ('IntEnum', {'UNKNOWN': -1, 'ALL_F32': 0, 'MOSTLY_F16': 1, 'MOSTLY_Q4_0': 2, 'MOSTLY_Q4_1': 3, 'MOSTLY_Q4_1_SOME_F16': 4, 'MOSTLY_Q8_0': 7, 'MOSTLY_Q5_0': 8, 'MOSTLY_Q5_1': 9, 'MOSTLY_Q2_K': 10, 'MOSTLY_Q3_K': 11, 'MOSTLY_Q4_K': 12, 'MOSTLY_Q5_K': 13, 'MOSTLY_Q6_K': 14, 'MOSTLY_IQ2_XXS': 15, 'MOSTLY_IQ2_XS': 16, 'MOSTLY_IQ3_XXS': 17, 'MOSTLY_IQ1_S': 18, 'MOSTLY_IQ4_NL': 19, 'MOSTLY_IQ3_S': 20, 'MOSTLY_IQ2_S': 21, 'MOSTLY_IQ4_XS': 22, 'MOSTLY_IQ1_M': 23, 'MOSTLY_BF16': 24, 'MOSTLY_MXFP4': 25, 'MOSTLY_NVFP4': 26, 'MOSTLY_Q1_0': 27, 'MOSTLY_Q2_0': 28}),
    'ggml_op': ('IntEnum', {'NONE': 0, 'DUP': 1, 'ADD': 2, 'ADD_ID': 3, 'ADD1': 4, 'ACC': 5, 'SUB': 6, 'MUL': 7, 'DIV': 8, 'SQR': 9, 'SQRT': 10, 'LOG': 11, 'SIN': 12, 'COS': 13, 'SUM': 14, 'SUM_ROWS': 15, 'CUMSUM': 16, 'MEAN': 17, 'ARGMAX': 18, 'COUNT_EQUAL': 19, 'REPEAT': 20, 'REPEAT_BACK': 21, 'CONCAT': 22, 'SILU_BACK': 23, 'NORM': 24, 'RMS_NORM': 25, 'RMS_NORM_BACK': 26, 'GROUP_NORM': 27, 'L2_NORM': 28, 'MUL_MAT': 29, 'MUL_MAT_ID': 30, 'OUT_PROD': 31, 'SCALE': 32, 'SET': 33, 'CPY': 34, 'CONT': 35, 'RESHAPE': 36, 'VIEW': 37, 'PERMUTE': 38, 'TRANSPOSE': 39, 'GET_ROWS': 40, 'GET_ROWS_BACK': 41, 'SET_ROWS': 42, 'DIAG': 43, 'DIAG_MASK_INF': 44, 'DIAG_MASK_ZERO': 45, 'SOFT_MAX': 46, 'SOFT_MAX_BACK': 47, 'ROPE': 48, 'ROPE_BACK': 49, 'CLAMP': 50, 'CONV_TRANSPOSE_1D': 51, 'IM2COL': 52, 'IM2COL_BACK': 53, 'IM2COL_3D': 54, 'COL2IM_1D': 55, 'CONV_2D': 56, 'CONV_3D': 57, 'CONV_2D_DW': 58, 'CONV_TRANSPOSE_2D': 59, 'POOL_1D': 60, 'POOL_2D': 61, 'POOL_2D_BACK': 62, 'UPSCALE': 63, 'PAD': 64, 'PAD_REFLECT_1D': 65, 'ROLL': 66, 'ARANGE': 67, 'TIMESTEP_EMBEDDING': 68, 'ARGSORT': 69, 'TOP_K': 70, 'LEAKY_RELU': 71, 'TRI': 72, 'FILL': 73, 'FLASH_ATTN_EXT': 74, 'FLASH_ATTN_BACK': 75, 'SSM_CONV': 76, 'SSM_SCAN': 77, 'WIN_PART': 78, 'WIN_UNPART': 79, 'GET_REL_POS': 80, 'ADD_REL_POS': 81, 'RWKV_WKV6': 82, 'GATED_LINEAR_ATTN': 83, 'RWKV_WKV7': 84, 'SOLVE_TRI': 85, 'GATED_DELTA_NET': 86, 'LIGHTNING_INDEXER': 87, 'DSV4_HC_COMB': 88, 'DSV4_HC_PRE': 89, 'DSV4_HC_POST': 90, 'UNARY': 91, 'MAP_CUSTOM1': 92, 'MAP_CUSTOM2': 93, 'MAP_CUSTOM3': 94, 'CUSTOM': 95, 'CROSS_ENTROPY_LOSS': 96, 'CROSS_ENTROPY_LOSS_BACK': 97, 'OPT_STEP_ADAMW': 98, 'OPT_STEP_SGD': 99, 'GLU': 100, 'COUNT': 101}),
    'ggml_unary_op': ('IntEnum', {'ABS': 0, 'SGN': 1, 'NEG': 2, 'STEP': 3, 'TANH': 4, 'ELU': 5, 'RELU': 6, 'SIGMOID': 7, 'GELU': 8, 'GELU_QUICK': 9, 'SILU': 10, 'HARDSWISH': 11, 'HARDSIGMOID': 12, 'EXP': 13, 'EXPM1': 14, 'SOFTPLUS': 15, 'GELU_ERF': 16, 'XIELU': 17, 'FLOOR': 18, 'CEIL': 19, 'ROUND': 20, 'TRUNC': 21, 'COUNT': 22}),
    'ggml_glu_op': ('IntEnum', {'REGLU': 0, 'GEGLU': 1, 'SWIGLU': 2, 'SWIGLU_OAI': 3, 'GEGLU_ERF': 4, 'GEGLU_QUICK': 5, 'SWIGLU_CLAMP': 6, 'COUNT': 7}),
    'ggml_object_type': ('IntEnum', {'TENSOR': 0, 'GRAPH': 1, 'WORK_BUFFER': 2}),
    'ggml_log_level': ('IntEnum', {'NONE': 0, 'DEBUG': 1, 'INFO': 2, 'WARN': 3, 'ERROR': 4, 'CONT': 5}),
    'ggml_tensor_flag': ('IntFlag', {'INPUT': 1, 'OUTPUT': 2, 'PARAM': 4, 'LOSS': 8, 'COMPUTE': 16}),
    'ggml_tri_type': ('IntEnum', {'UPPER_DIAG': 0, 'UPPER': 1, 'LOWER_DIAG': 2, 'LOWER': 3}),
    'ggml_op_pool': ('IntEnum', {'MAX': 0, 'AVG': 1, 'COUNT': 2}),
    'ggml_scale_mode': ('IntEnum', {'NEAREST': 0, 'BILINEAR': 1, 'BICUBIC': 2, 'COUNT': 3}),
    'ggml_scale_flag': ('IntEnum', {'ALIGN_CORNERS': 256, 'ANTIALIAS': 512}),
    'ggml_sort_order': ('IntEnum', {'ASC': 0, 'DESC': 1}),
    'ggml_sched_priority': ('IntEnum', {'LOW': -1, 'NORMAL': 0, 'MEDIUM': 1, 'HIGH': 2, 'REALTIME': 3}),
    'ggml_backend_buffer_usage': ('IntEnum', {'ANY': 0, 'WEIGHTS': 1, 'COMPUTE': 2}),
    'ggml_backend_dev_type': ('IntEnum', {'CPU': 0, 'GPU': 1, 'IGPU': 2, 'ACCEL': 3, 'META': 4}),
    'ggml_backend_meta_split_axis': ('IntEnum', {'AXIS_0': 0, 'AXIS_1': 1, 'AXIS_2': 2, 'AXIS_3': 3, 'AXIS_MIRRORED': 10, 'AXIS_PARTIAL': 11, 'AXIS_NONE': 98, 'AXIS_UNKNOWN': 99}),
    'ggml_numa_strategy': ('IntEnum', {'DISABLED': 0, 'DISTRIBUTE': 1, 'ISOLATE': 2, 'NUMACTL': 3, 'MIRROR': 4, 'COUNT': 5}),
    'ggml_opt_optimizer_type': ('IntEnum', {'ADAMW': 0, 'SGD': 1, 'COUNT': 2}),
    'gguf_type': ('IntEnum', {'UINT8': 0, 'INT8': 1, 'UINT16': 2, 'INT16': 3, 'UINT32': 4, 'INT32': 5, 'FLOAT32': 6, 'BOOL': 7, 'STRING': 8, 'ARRAY': 9, 'UINT64': 10, 'INT64': 11, 'FLOAT64': 12, 'COUNT': 13}),
    'llama_vocab_type': ('IntEnum', {'NONE': 0, 'SPM': 1, 'BPE': 2, 'WPM': 3, 'UGM': 4, 'RWKV': 5, 'PLAMO2': 6, 'TEST': 7}),
    'llama_rope_type': ('IntEnum', {'NONE': -1, 'NORM': 0, 'NEOX': 2, 'MROPE': 8, 'IMROPE': 40, 'VISION': 24}),
    'llama_token_type': ('IntEnum', {'UNDEFINED': 0, 'NORMAL': 1, 'UNKNOWN': 2, 'CONTROL': 3, 'USER_DEFINED': 4, 'UNUSED': 5, 'BYTE': 6}),
    'llama_token_attr': ('IntFlag', {'UNDEFINED': 0, 'UNKNOWN': 1, 'UNUSED': 2, 'NORMAL': 4, 'CONTROL': 8, 'USER_DEFINED': 16, 'BYTE': 32, 'NORMALIZED': 64, 'LSTRIP': 128, 'RSTRIP': 256, 'SINGLE_WORD': 512}),
    'llama_ftype': ('IntEnum', {'ALL_F32': 0, 'MOSTLY_F16': 1, 'MOSTLY_Q4_0': 2, 'MOSTLY_Q4_1': 3, 'MOSTLY_Q8_0': 7, 'MOSTLY_Q5_0': 8, 'MOSTLY_Q5_1': 9, 'MOSTLY_Q2_K': 10, 'MOSTLY_Q3_K_S': 11, 'MOSTLY_Q3_K_M': 12, 'MOSTLY_Q3_K_L': 13, 'MOSTLY_Q4_K_S': 14, 'MOSTLY_Q4_K_M': 15, 'MOSTLY_Q5_K_S': 16, 'MOSTLY_Q5_K_M': 17, 'MOSTLY_Q6_K': 18, 'MOSTLY_IQ2_XXS': 19, 'MOSTLY_IQ2_XS': 20, 'MOSTLY_Q2_K_S': 21, 'MOSTLY_IQ3_XS': 22, 'MOSTLY_IQ3_XXS': 23, 'MOSTLY_IQ1_S': 24, 'MOSTLY_IQ4_NL': 25, 'MOSTLY_IQ3_S': 26, 'MOSTLY_IQ3_M': 27, 'MOSTLY_IQ2_S': 28, 'MOSTLY_IQ2_M': 29, 'MOSTLY_IQ4_XS': 30, 'MOSTLY_IQ1_M': 31, 'MOSTLY_BF16': 32, 'MOSTLY_TQ1_0': 36, 'MOSTLY_TQ2_0': 37, 'MOSTLY_MXFP4_MOE': 38, 'MOSTLY_NVFP4': 39, 'MOSTLY_Q1_0': 40, 'MOSTLY_Q2_0': 41, 'GUESSED': 1024}),
    'llama_rope_scaling_type': ('IntEnum', {'UNSPECIFIED': -1, 'NONE': 0, 'LINEAR': 1, 'YARN': 2, 'LONGROPE': 3, 'MAX_VALUE': 3}),
    'llama_pooling_type': ('IntEnum', {'UNSPECIFIED': -1, 'NONE': 0, 'MEAN': 1, 'CLS': 2, 'LAST': 3, 'RANK': 4}),
    'llama_attention_type': ('IntEnum', {'UNSPECIFIED': -1, 'CAUSAL': 0, 'NON_CAUSAL': 1}),
    'llama_flash_attn_type': ('IntEnum', {'AUTO': -1, 'DISABLED': 0, 'ENABLED': 1}),
    'llama_split_mode': ('IntEnum', {'NONE': 0, 'LAYER': 1, 'ROW': 2, 'TENSOR': 3}),
    'llama_load_mode': ('IntEnum', {'AUTO': -1, 'NONE': 0, 'MMAP': 1, 'MLOCK': 2, 'MMAP_MLOCK': 3, 'DIRECT_IO': 4}),
    'llama_lazy_mode': ('IntEnum', {'OFF': 0, 'AUTO': 1, 'ON': 2}),
    'llama_context_type': ('IntEnum', {'DEFAULT': 0, 'MTP': 1}),
    'llama_model_kv_override_type': ('IntEnum', {'INT': 0, 'FLOAT': 1, 'BOOL': 2, 'STR': 3}),
    'llama_model_meta_key': ('IntEnum', {'SAMPLING_SEQUENCE': 0, 'SAMPLING_TOP_K': 1, 'SAMPLING_TOP_P': 2, 'SAMPLING_MIN_P': 3, 'SAMPLING_XTC_PROBABILITY': 4, 'SAMPLING_XTC_THRESHOLD': 5, 'SAMPLING_TEMP': 6, 'SAMPLING_PENALTY_LAST_N': 7, 'SAMPLING_PENALTY_REPEAT': 8, 'SAMPLING_MIROSTAT': 9, 'SAMPLING_MIROSTAT_TAU': 10, 'SAMPLING_MIROSTAT_ETA': 11}),
    'llama_process_type': ('IntEnum', {'ENCODE': 0, 'DECODE': 1}),
    'mtmd_input_chunk_type': ('IntEnum', {'TEXT': 0, 'IMAGE': 1, 'AUDIO': 2, 'COUNT': 3}),
    'mtmd_gen_audio_type': ('IntEnum', {'NONE': 0, 'QWEN3TTS': 1, 'POCKETTTS': 2}),
    'mtmd_gen_process_type': ('IntEnum', {'GEN_CODE': 0, 'GEN_WAV': 1}),
    'mtmd_helper_gen_audio_outtype': ('IntEnum', {'PCM': 0, 'WAV': 1}),
    'llamapack_status': ('IntEnum', {'OK': 0, 'INVALID': 1, 'NO_MEMORY': 2, 'INTERNAL': 3, 'CONFLICT': 4, 'CANCELLED': 5}),
    'llamapack_piece_kind': ('IntEnum', {'DATA': 0, 'END': 1, 'TIMEOUT': 2}),
}

# library, result, parameters
FUNCTIONS = {
    'ggml_set_abort_callback': 'ggml-base ggml_abort_callback_t ggml_abort_callback_t',
    'ggml_abort': 'ggml-base None c_char_p c_int c_char_p ...',
    'ggml_status_to_string': 'ggml-base c_char_p c_int',
    'ggml_fp16_to_fp32': 'ggml-base c_float c_uint16',
    'ggml_fp32_to_fp16': 'ggml-base c_uint16 c_float',
    'ggml_fp16_to_fp32_row': 'ggml-base None c_uint16_p c_float_p c_int64',
    'ggml_fp32_to_fp16_row': 'ggml-base None c_float_p c_uint16_p c_int64',
    'ggml_fp32_to_bf16': 'ggml-base ggml_bf16_t c_float',
    'ggml_bf16_to_fp32': 'ggml-base c_float ggml_bf16_t',
    'ggml_bf16_to_fp32_row': 'ggml-base None ggml_bf16_t_p c_float_p c_int64',
    'ggml_fp32_to_bf16_row_ref': 'ggml-base None c_float_p ggml_bf16_t_p c_int64',
    'ggml_fp32_to_bf16_row': 'ggml-base None c_float_p ggml_bf16_t_p c_int64',
    'ggml_guid_matches': 'ggml-base c_bool c_uint8_pp c_uint8_pp',
    'ggml_version': 'ggml-base c_char_p',
    'ggml_commit': 'ggml-base c_char_p',
    'ggml_time_init': 'ggml-base None',
    'ggml_time_ms': 'ggml-base c_int64',
    'ggml_time_us': 'ggml-base c_int64',
    'ggml_cycles': 'ggml-base c_int64',
    'ggml_cycles_per_ms': 'ggml-base c_int64',
    'ggml_fopen': 'ggml-base FILE_p c_char_p c_char_p',
    'ggml_print_object': 'ggml-base None ggml_object_p',
    'ggml_print_objects': 'ggml-base None ggml_context_p',
    'ggml_nelements': 'ggml-base c_int64 ggml_tensor_p',
    'ggml_nrows': 'ggml-base c_int64 ggml_tensor_p',
    'ggml_nbytes': 'ggml-base c_size_t ggml_tensor_p',
    'ggml_nbytes_pad': 'ggml-base c_size_t ggml_tensor_p',
    'ggml_blck_size': 'ggml-base c_int64 c_int',
    'ggml_type_size': 'ggml-base c_size_t c_int',
    'ggml_row_size': 'ggml-base c_size_t c_int c_int64',
    'ggml_type_name': 'ggml-base c_char_p c_int',
    'ggml_op_name': 'ggml-base c_char_p c_int',
    'ggml_op_symbol': 'ggml-base c_char_p c_int',
    'ggml_unary_op_name': 'ggml-base c_char_p c_int',
    'ggml_glu_op_name': 'ggml-base c_char_p c_int',
    'ggml_op_desc': 'ggml-base c_char_p ggml_tensor_p',
    'ggml_element_size': 'ggml-base c_size_t ggml_tensor_p',
    'ggml_is_quantized': 'ggml-base c_bool c_int',
    'ggml_ftype_to_ggml_type': 'ggml-base c_int c_int',
    'ggml_is_transposed': 'ggml-base c_bool ggml_tensor_p',
    'ggml_is_permuted': 'ggml-base c_bool ggml_tensor_p',
    'ggml_is_empty': 'ggml-base c_bool ggml_tensor_p',
    'ggml_is_view': 'ggml-base c_bool ggml_tensor_p',
    'ggml_is_scalar': 'ggml-base c_bool ggml_tensor_p',
    'ggml_is_vector': 'ggml-base c_bool ggml_tensor_p',
    'ggml_is_matrix': 'ggml-base c_bool ggml_tensor_p',
    'ggml_is_3d': 'ggml-base c_bool ggml_tensor_p',
    'ggml_n_dims': 'ggml-base c_int ggml_tensor_p',
    'ggml_is_contiguous': 'ggml-base c_bool ggml_tensor_p',
    'ggml_is_contiguous_0': 'ggml-base c_bool ggml_tensor_p',
    'ggml_is_contiguous_1': 'ggml-base c_bool ggml_tensor_p',
    'ggml_is_contiguous_2': 'ggml-base c_bool ggml_tensor_p',
    'ggml_is_contiguous_to_1': 'ggml-base c_bool ggml_tensor_p',
    'ggml_is_contiguous_to_2': 'ggml-base c_bool ggml_tensor_p',
    'ggml_is_contiguous_to_3': 'ggml-base c_bool ggml_tensor_p',
    'ggml_is_contiguously_allocated': 'ggml-base c_bool ggml_tensor_p',
    'ggml_is_contiguous_channels': 'ggml-base c_bool ggml_tensor_p',
    'ggml_is_contiguous_rows': 'ggml-base c_bool ggml_tensor_p',
    'ggml_are_same_shape': 'ggml-base c_bool ggml_tensor_p ggml_tensor_p',
    'ggml_are_same_stride': 'ggml-base c_bool ggml_tensor_p ggml_tensor_p',
    'ggml_can_repeat': 'ggml-base c_bool ggml_tensor_p ggml_tensor_p',
    'ggml_tensor_overhead': 'ggml-base c_size_t',
    'ggml_validate_row_data': 'ggml-base c_bool c_int c_void_p c_size_t',
    'ggml_init': 'ggml-base ggml_context_p ggml_init_params',
    'ggml_reset': 'ggml-base None ggml_context_p',
    'ggml_free': 'ggml-base None ggml_context_p',
    'ggml_used_mem': 'ggml-base c_size_t ggml_context_p',
    'ggml_get_no_alloc': 'ggml-base c_bool ggml_context_p',
    'ggml_set_no_alloc': 'ggml-base None ggml_context_p c_bool',
    'ggml_get_mem_buffer': 'ggml-base c_void_p ggml_context_p',
    'ggml_get_mem_size': 'ggml-base c_size_t ggml_context_p',
    'ggml_get_max_tensor_size': 'ggml-base c_size_t ggml_context_p',
    'ggml_new_tensor': 'ggml-base ggml_tensor_p ggml_context_p c_int c_int c_int64_p',
    'ggml_new_tensor_1d': 'ggml-base ggml_tensor_p ggml_context_p c_int c_int64',
    'ggml_new_tensor_2d': 'ggml-base ggml_tensor_p ggml_context_p c_int c_int64 c_int64',
    'ggml_new_tensor_3d': 'ggml-base ggml_tensor_p ggml_context_p c_int c_int64 c_int64 c_int64',
    'ggml_new_tensor_4d': 'ggml-base ggml_tensor_p ggml_context_p c_int c_int64 c_int64 c_int64 c_int64',
    'ggml_new_buffer': 'ggml-base c_void_p ggml_context_p c_size_t',
    'ggml_dup_tensor': 'ggml-base ggml_tensor_p ggml_context_p ggml_tensor_p',
    'ggml_get_first_tensor': 'ggml-base ggml_tensor_p ggml_context_p',
    'ggml_get_next_tensor': 'ggml-base ggml_tensor_p ggml_context_p ggml_tensor_p',
    'ggml_get_tensor': 'ggml-base ggml_tensor_p ggml_context_p c_char_p',
    'ggml_unravel_index': 'ggml-base None ggml_tensor_p c_int64 c_int64_p c_int64_p c_int64_p c_int64_p',
    'ggml_get_unary_op': 'ggml-base c_int ggml_tensor_p',
    'ggml_get_glu_op': 'ggml-base c_int ggml_tensor_p',
    'ggml_get_data': 'ggml-base c_void_p ggml_tensor_p',
    'ggml_get_data_f32': 'ggml-base c_float_p ggml_tensor_p',
    'ggml_get_name': 'ggml-base c_char_p ggml_tensor_p',
    'ggml_set_name': 'ggml-base ggml_tensor_p ggml_tensor_p c_char_p',
    'ggml_format_name': 'ggml-base ggml_tensor_p ggml_tensor_p c_char_p ...',
    'ggml_set_input': 'ggml-base None ggml_tensor_p',
    'ggml_set_output': 'ggml-base None ggml_tensor_p',
    'ggml_set_param': 'ggml-base None ggml_tensor_p',
    'ggml_set_loss': 'ggml-base None ggml_tensor_p',
    'ggml_prec_set_acc': 'ggml-base c_bool ggml_tensor_p c_int',
    'ggml_prec_set_src': 'ggml-base c_bool ggml_tensor_p c_int c_int',
    'ggml_mul_mat': 'ggml-base ggml_tensor_p ggml_context_p ggml_tensor_p ggml_tensor_p',
    'ggml_mul_mat_set_hint': 'ggml-base None ggml_tensor_p c_int',
    'ggml_soft_max_add_sinks': 'ggml-base None ggml_tensor_p ggml_tensor_p',
    'ggml_rope_yarn_corr_dims': 'ggml-base None c_int c_int c_float c_float c_float c_float_p',
    'ggml_rope_set_offset': 'ggml-base ggml_tensor_p ggml_tensor_p c_int',
    'ggml_flash_attn_ext_get_prec': 'ggml-base c_int ggml_tensor_p',
    'ggml_flash_attn_ext_set_n_kv_max': 'ggml-base None ggml_tensor_p c_int32',
    'ggml_flash_attn_ext_add_sinks': 'ggml-base None ggml_tensor_p ggml_tensor_p',
    'ggml_build_forward_select': 'ggml-base ggml_tensor_p ggml_cgraph_p ggml_tensor_pp c_int c_int',
    'ggml_build_forward_expand': 'ggml-base None ggml_cgraph_p ggml_tensor_p',
    'ggml_build_forward_order': 'ggml-base None ggml_cgraph_p ggml_tensor_p',
    'ggml_build_backward_expand': 'ggml-base None ggml_context_p ggml_cgraph_p ggml_tensor_pp',
    'ggml_new_graph': 'ggml-base ggml_cgraph_p ggml_context_p',
    'ggml_new_graph_custom': 'ggml-base ggml_cgraph_p ggml_context_p c_size_t c_bool',
    'ggml_graph_dup': 'ggml-base ggml_cgraph_p ggml_context_p ggml_cgraph_p c_bool',
    'ggml_graph_cpy': 'ggml-base None ggml_cgraph_p ggml_cgraph_p',
    'ggml_graph_reset': 'ggml-base None ggml_cgraph_p',
    'ggml_graph_clear': 'ggml-base None ggml_cgraph_p',
    'ggml_graph_size': 'ggml-base c_int ggml_cgraph_p',
    'ggml_graph_node': 'ggml-base ggml_tensor_p ggml_cgraph_p c_int',
    'ggml_graph_nodes': 'ggml-base ggml_tensor_pp ggml_cgraph_p',
    'ggml_graph_n_nodes': 'ggml-base c_int ggml_cgraph_p',
    'ggml_graph_add_node': 'ggml-base None ggml_cgraph_p ggml_tensor_p',
    'ggml_graph_overhead': 'ggml-base c_size_t',
    'ggml_graph_overhead_custom': 'ggml-base c_size_t c_size_t c_bool',
    'ggml_graph_get_tensor': 'ggml-base ggml_tensor_p ggml_cgraph_p c_char_p',
    'ggml_graph_get_grad': 'ggml-base ggml_tensor_p ggml_cgraph_p ggml_tensor_p',
    'ggml_graph_get_grad_acc': 'ggml-base ggml_tensor_p ggml_cgraph_p ggml_tensor_p',
    'ggml_graph_print': 'ggml-base None ggml_cgraph_p',
    'ggml_graph_dump_dot': 'ggml-base None ggml_cgraph_p ggml_cgraph_p c_char_p',
    'ggml_log_get': 'ggml-base None ggml_log_callback_p c_void_pp',
    'ggml_log_set': 'ggml-base None ggml_log_callback c_void_p',
    'ggml_set_zero': 'ggml-base ggml_tensor_p ggml_tensor_p',
    'ggml_quantize_init': 'ggml-base None c_int',
    'ggml_quantize_free': 'ggml-base None',
    'ggml_quantize_requires_imatrix': 'ggml-base c_bool c_int',
    'ggml_quantize_chunk': 'ggml-base c_size_t c_int c_float_p c_void_p c_int64 c_int64 c_int64 c_float_p',
    'ggml_get_type_traits': 'ggml-base ggml_type_traits_p c_int',
    'ggml_threadpool_params_default': 'ggml-base ggml_threadpool_params c_int',
    'ggml_threadpool_params_init': 'ggml-base None ggml_threadpool_params_p c_int',
    'ggml_threadpool_params_match': 'ggml-base c_bool ggml_threadpool_params_p ggml_threadpool_params_p',
    'ggml_tallocr_new': 'ggml-base ggml_tallocr ggml_backend_buffer_p',
    'ggml_tallocr_alloc': 'ggml-base c_int ggml_tallocr_p ggml_tensor_p',
    'ggml_gallocr_new': 'ggml-base ggml_gallocr_p ggml_backend_buffer_type_p',
    'ggml_gallocr_new_n': 'ggml-base ggml_gallocr_p ggml_backend_buffer_type_pp c_int',
    'ggml_gallocr_free': 'ggml-base None ggml_gallocr_p',
    'ggml_gallocr_reserve': 'ggml-base c_bool ggml_gallocr_p ggml_cgraph_p',
    'ggml_gallocr_reserve_n_size': 'ggml-base None ggml_gallocr_p ggml_cgraph_p c_int_p c_int_p c_size_t_p',
    'ggml_gallocr_reserve_n': 'ggml-base c_bool ggml_gallocr_p ggml_cgraph_p c_int_p c_int_p',
    'ggml_gallocr_alloc_graph': 'ggml-base c_bool ggml_gallocr_p ggml_cgraph_p',
    'ggml_gallocr_get_buffer_size': 'ggml-base c_size_t ggml_gallocr_p c_int',
    'ggml_backend_alloc_ctx_tensors_from_buft_size': 'ggml-base c_size_t ggml_context_p ggml_backend_buffer_type_p',
    'ggml_backend_alloc_ctx_tensors_from_buft': 'ggml-base ggml_backend_buffer_p ggml_context_p ggml_backend_buffer_type_p',
    'ggml_backend_alloc_ctx_tensors': 'ggml-base ggml_backend_buffer_p ggml_context_p ggml_backend_p',
    'ggml_backend_buft_name': 'ggml-base c_char_p ggml_backend_buffer_type_p',
    'ggml_backend_buft_alloc_buffer': 'ggml-base ggml_backend_buffer_p ggml_backend_buffer_type_p c_size_t',
    'ggml_backend_buft_get_alignment': 'ggml-base c_size_t ggml_backend_buffer_type_p',
    'ggml_backend_buft_get_max_size': 'ggml-base c_size_t ggml_backend_buffer_type_p',
    'ggml_backend_buft_get_alloc_size': 'ggml-base c_size_t ggml_backend_buffer_type_p ggml_tensor_p',
    'ggml_backend_buft_is_host': 'ggml-base c_bool ggml_backend_buffer_type_p',
    'ggml_backend_buft_get_device': 'ggml-base ggml_backend_device_p ggml_backend_buffer_type_p',
    'ggml_backend_buffer_name': 'ggml-base c_char_p ggml_backend_buffer_p',
    'ggml_backend_buffer_free': 'ggml-base None ggml_backend_buffer_p',
    'ggml_backend_buffer_get_base': 'ggml-base c_void_p ggml_backend_buffer_p',
    'ggml_backend_buffer_get_size': 'ggml-base c_size_t ggml_backend_buffer_p',
    'ggml_backend_buffer_init_tensor': 'ggml-base c_int ggml_backend_buffer_p ggml_tensor_p',
    'ggml_backend_buffer_get_alignment': 'ggml-base c_size_t ggml_backend_buffer_p',
    'ggml_backend_buffer_get_max_size': 'ggml-base c_size_t ggml_backend_buffer_p',
    'ggml_backend_buffer_get_alloc_size': 'ggml-base c_size_t ggml_backend_buffer_p ggml_tensor_p',
    'ggml_backend_buffer_clear': 'ggml-base None ggml_backend_buffer_p c_uint8',
    'ggml_backend_buffer_is_host': 'ggml-base c_bool ggml_backend_buffer_p',
    'ggml_backend_buffer_set_usage': 'ggml-base None ggml_backend_buffer_p c_int',
    'ggml_backend_buffer_get_usage': 'ggml-base c_int ggml_backend_buffer_p',
    'ggml_backend_buffer_get_type': 'ggml-base ggml_backend_buffer_type_p ggml_backend_buffer_p',
    'ggml_backend_buffer_reset': 'ggml-base None ggml_backend_buffer_p',
    'ggml_backend_tensor_copy': 'ggml-base None ggml_tensor_p ggml_tensor_p',
    'ggml_backend_guid': 'ggml-base c_uint8_16_p ggml_backend_p',
    'ggml_backend_name': 'ggml-base c_char_p ggml_backend_p',
    'ggml_backend_free': 'ggml-base None ggml_backend_p',
    'ggml_backend_get_default_buffer_type': 'ggml-base ggml_backend_buffer_type_p ggml_backend_p',
    'ggml_backend_alloc_buffer': 'ggml-base ggml_backend_buffer_p ggml_backend_p c_size_t',
    'ggml_backend_get_alignment': 'ggml-base c_size_t ggml_backend_p',
    'ggml_backend_get_max_size': 'ggml-base c_size_t ggml_backend_p',
    'ggml_backend_tensor_set_async': 'ggml-base None ggml_backend_p ggml_tensor_p c_void_p c_size_t c_size_t',
    'ggml_backend_tensor_get_async': 'ggml-base None ggml_backend_p ggml_tensor_p c_void_p c_size_t c_size_t',
    'ggml_backend_tensor_set_2d_async': 'ggml-base None ggml_backend_p ggml_tensor_p c_void_p c_size_t c_size_t c_size_t c_size_t c_size_t',
    'ggml_backend_tensor_get_2d_async': 'ggml-base None ggml_backend_p ggml_tensor_p c_void_p c_size_t c_size_t c_size_t c_size_t c_size_t',
    'ggml_backend_tensor_set': 'ggml-base None ggml_tensor_p c_void_p c_size_t c_size_t',
    'ggml_backend_tensor_get': 'ggml-base None ggml_tensor_p c_void_p c_size_t c_size_t',
    'ggml_backend_tensor_set_2d': 'ggml-base None ggml_tensor_p c_void_p c_size_t c_size_t c_size_t c_size_t c_size_t',
    'ggml_backend_tensor_get_2d': 'ggml-base None ggml_tensor_p c_void_p c_size_t c_size_t c_size_t c_size_t c_size_t',
    'ggml_backend_tensor_memset': 'ggml-base None ggml_tensor_p c_uint8 c_size_t c_size_t',
    'ggml_backend_synchronize': 'ggml-base None ggml_backend_p',
    'ggml_backend_graph_plan_create': 'ggml-base c_void_p ggml_backend_p ggml_cgraph_p',
    'ggml_backend_graph_plan_free': 'ggml-base None ggml_backend_p c_void_p',
    'ggml_backend_graph_plan_compute': 'ggml-base c_int ggml_backend_p c_void_p',
    'ggml_backend_graph_compute': 'ggml-base c_int ggml_backend_p ggml_cgraph_p',
    'ggml_backend_graph_compute_async': 'ggml-base c_int ggml_backend_p ggml_cgraph_p',
    'ggml_backend_supports_op': 'ggml-base c_bool ggml_backend_p ggml_tensor_p',
    'ggml_backend_supports_buft': 'ggml-base c_bool ggml_backend_p ggml_backend_buffer_type_p',
    'ggml_backend_offload_op': 'ggml-base c_bool ggml_backend_p ggml_tensor_p',
    'ggml_backend_tensor_copy_async': 'ggml-base None ggml_backend_p ggml_backend_p ggml_tensor_p ggml_tensor_p',
    'ggml_backend_get_device': 'ggml-base ggml_backend_device_p ggml_backend_p',
    'ggml_backend_event_new': 'ggml-base ggml_backend_event_p ggml_backend_device_p',
    'ggml_backend_event_free': 'ggml-base None ggml_backend_event_p',
    'ggml_backend_event_record': 'ggml-base None ggml_backend_event_p ggml_backend_p',
    'ggml_backend_event_synchronize': 'ggml-base None ggml_backend_event_p',
    'ggml_backend_event_wait': 'ggml-base None ggml_backend_p ggml_backend_event_p',
    'ggml_backend_dev_name': 'ggml-base c_char_p ggml_backend_device_p',
    'ggml_backend_dev_description': 'ggml-base c_char_p ggml_backend_device_p',
    'ggml_backend_dev_memory': 'ggml-base None ggml_backend_device_p c_size_t_p c_size_t_p',
    'ggml_backend_dev_type': 'ggml-base c_int ggml_backend_device_p',
    'ggml_backend_dev_get_props': 'ggml-base None ggml_backend_device_p ggml_backend_dev_props_p',
    'ggml_backend_dev_backend_reg': 'ggml-base ggml_backend_reg_p ggml_backend_device_p',
    'ggml_backend_dev_init': 'ggml-base ggml_backend_p ggml_backend_device_p c_char_p',
    'ggml_backend_dev_buffer_type': 'ggml-base ggml_backend_buffer_type_p ggml_backend_device_p',
    'ggml_backend_dev_host_buffer_type': 'ggml-base ggml_backend_buffer_type_p ggml_backend_device_p',
    'ggml_backend_dev_buffer_from_host_ptr': 'ggml-base ggml_backend_buffer_p ggml_backend_device_p c_void_p c_size_t c_size_t',
    'ggml_backend_dev_supports_op': 'ggml-base c_bool ggml_backend_device_p ggml_tensor_p',
    'ggml_backend_dev_supports_buft': 'ggml-base c_bool ggml_backend_device_p ggml_backend_buffer_type_p',
    'ggml_backend_dev_offload_op': 'ggml-base c_bool ggml_backend_device_p ggml_tensor_p',
    'ggml_backend_reg_name': 'ggml-base c_char_p ggml_backend_reg_p',
    'ggml_backend_reg_dev_count': 'ggml-base c_size_t ggml_backend_reg_p',
    'ggml_backend_reg_dev_get': 'ggml-base ggml_backend_device_p ggml_backend_reg_p c_size_t',
    'ggml_backend_reg_get_proc_address': 'ggml-base c_void_p ggml_backend_reg_p c_char_p',
    'ggml_backend_register': 'ggml None ggml_backend_reg_p',
    'ggml_backend_device_register': 'ggml None ggml_backend_device_p',
    'ggml_backend_reg_count': 'ggml c_size_t',
    'ggml_backend_reg_get': 'ggml ggml_backend_reg_p c_size_t',
    'ggml_backend_reg_by_name': 'ggml ggml_backend_reg_p c_char_p',
    'ggml_backend_dev_count': 'ggml c_size_t',
    'ggml_backend_dev_get': 'ggml ggml_backend_device_p c_size_t',
    'ggml_backend_dev_by_name': 'ggml ggml_backend_device_p c_char_p',
    'ggml_backend_dev_by_type': 'ggml ggml_backend_device_p c_int',
    'ggml_backend_init_by_name': 'ggml ggml_backend_p c_char_p c_char_p',
    'ggml_backend_init_by_type': 'ggml ggml_backend_p c_int c_char_p',
    'ggml_backend_init_best': 'ggml ggml_backend_p',
    'ggml_backend_load': 'ggml ggml_backend_reg_p c_char_p',
    'ggml_backend_unload': 'ggml None ggml_backend_reg_p',
    'ggml_backend_load_all': 'ggml None',
    'ggml_backend_load_all_from_path': 'ggml None c_char_p',
    'ggml_backend_sched_new': 'ggml-base ggml_backend_sched_p ggml_backend_pp ggml_backend_buffer_type_pp c_int c_size_t c_bool c_bool',
    'ggml_backend_sched_free': 'ggml-base None ggml_backend_sched_p',
    'ggml_backend_sched_reserve_size': 'ggml-base None ggml_backend_sched_p ggml_cgraph_p c_size_t_p',
    'ggml_backend_sched_reserve': 'ggml-base c_bool ggml_backend_sched_p ggml_cgraph_p',
    'ggml_backend_sched_get_n_backends': 'ggml-base c_int ggml_backend_sched_p',
    'ggml_backend_sched_get_backend': 'ggml-base ggml_backend_p ggml_backend_sched_p c_int',
    'ggml_backend_sched_get_n_splits': 'ggml-base c_int ggml_backend_sched_p',
    'ggml_backend_sched_get_n_copies': 'ggml-base c_int ggml_backend_sched_p',
    'ggml_backend_sched_get_buffer_type': 'ggml-base ggml_backend_buffer_type_p ggml_backend_sched_p ggml_backend_p',
    'ggml_backend_sched_get_buffer_size': 'ggml-base c_size_t ggml_backend_sched_p ggml_backend_p',
    'ggml_backend_sched_set_tensor_backend': 'ggml-base None ggml_backend_sched_p ggml_tensor_p ggml_backend_p',
    'ggml_backend_sched_get_tensor_backend': 'ggml-base ggml_backend_p ggml_backend_sched_p ggml_tensor_p',
    'ggml_backend_sched_split_graph': 'ggml-base None ggml_backend_sched_p ggml_cgraph_p',
    'ggml_backend_sched_alloc_graph': 'ggml-base c_bool ggml_backend_sched_p ggml_cgraph_p',
    'ggml_backend_sched_graph_compute': 'ggml-base c_int ggml_backend_sched_p ggml_cgraph_p',
    'ggml_backend_sched_graph_compute_async': 'ggml-base c_int ggml_backend_sched_p ggml_cgraph_p',
    'ggml_backend_sched_synchronize': 'ggml-base None ggml_backend_sched_p',
    'ggml_backend_sched_reset': 'ggml-base None ggml_backend_sched_p',
    'ggml_backend_sched_set_eval_callback': 'ggml-base None ggml_backend_sched_p ggml_backend_sched_eval_callback c_void_p',
    'ggml_backend_meta_split_axis_name': 'ggml-base c_char_p c_int',
    'ggml_backend_meta_device': 'ggml-base ggml_backend_device_p ggml_backend_device_pp c_size_t ggml_backend_meta_get_split_state_t c_void_p',
    'ggml_backend_graph_copy': 'ggml-base ggml_backend_graph_copy ggml_backend_p ggml_cgraph_p',
    'ggml_backend_graph_copy_free': 'ggml-base None ggml_backend_graph_copy',
    'ggml_backend_compare_graph_backend': 'ggml-base c_bool ggml_backend_p ggml_backend_p ggml_cgraph_p ggml_backend_eval_callback c_void_p ggml_tensor_pp c_size_t',
    'ggml_backend_tensor_alloc': 'ggml-base c_int ggml_backend_buffer_p ggml_tensor_p c_void_p',
    'ggml_backend_view_init': 'ggml-base c_int ggml_tensor_p',
    'ggml_backend_cpu_buffer_from_ptr': 'ggml-base ggml_backend_buffer_p c_void_p c_size_t',
    'ggml_backend_cpu_buffer_type': 'ggml-base ggml_backend_buffer_type_p',
    'gguf_init_empty': 'ggml-base gguf_context_p',
    'gguf_init_from_file_ptr': 'ggml-base gguf_context_p FILE_p gguf_init_params',
    'gguf_init_from_file': 'ggml-base gguf_context_p c_char_p gguf_init_params',
    'gguf_init_from_buffer': 'ggml-base gguf_context_p c_void_p c_size_t gguf_init_params',
    'gguf_init_from_callback': 'ggml-base gguf_context_p gguf_reader_callback_t c_void_p c_size_t c_uint64 gguf_init_params',
    'gguf_free': 'ggml-base None gguf_context_p',
    'gguf_type_name': 'ggml-base c_char_p c_int',
    'gguf_get_version': 'ggml-base c_uint32 gguf_context_p',
    'gguf_get_alignment': 'ggml-base c_size_t gguf_context_p',
    'gguf_get_data_offset': 'ggml-base c_size_t gguf_context_p',
    'gguf_get_n_kv': 'ggml-base c_int64 gguf_context_p',
    'gguf_find_key': 'ggml-base c_int64 gguf_context_p c_char_p',
    'gguf_get_key': 'ggml-base c_char_p gguf_context_p c_int64',
    'gguf_get_kv_type': 'ggml-base c_int gguf_context_p c_int64',
    'gguf_get_arr_type': 'ggml-base c_int gguf_context_p c_int64',
    'gguf_get_val_u8': 'ggml-base c_uint8 gguf_context_p c_int64',
    'gguf_get_val_i8': 'ggml-base c_int8 gguf_context_p c_int64',
    'gguf_get_val_u16': 'ggml-base c_uint16 gguf_context_p c_int64',
    'gguf_get_val_i16': 'ggml-base c_int16 gguf_context_p c_int64',
    'gguf_get_val_u32': 'ggml-base c_uint32 gguf_context_p c_int64',
    'gguf_get_val_i32': 'ggml-base c_int32 gguf_context_p c_int64',
    'gguf_get_val_f32': 'ggml-base c_float gguf_context_p c_int64',
    'gguf_get_val_u64': 'ggml-base c_uint64 gguf_context_p c_int64',
    'gguf_get_val_i64': 'ggml-base c_int64 gguf_context_p c_int64',
    'gguf_get_val_f64': 'ggml-base c_double gguf_context_p c_int64',
    'gguf_get_val_bool': 'ggml-base c_bool gguf_context_p c_int64',
    'gguf_get_val_str': 'ggml-base c_char_p gguf_context_p c_int64',
    'gguf_get_val_data': 'ggml-base c_void_p gguf_context_p c_int64',
    'gguf_get_arr_n': 'ggml-base c_size_t gguf_context_p c_int64',
    'gguf_get_arr_data': 'ggml-base c_void_p gguf_context_p c_int64',
    'gguf_get_arr_str': 'ggml-base c_char_p gguf_context_p c_int64 c_size_t',
    'gguf_get_n_tensors': 'ggml-base c_int64 gguf_context_p',
    'gguf_find_tensor': 'ggml-base c_int64 gguf_context_p c_char_p',
    'gguf_get_tensor_offset': 'ggml-base c_size_t gguf_context_p c_int64',
    'gguf_get_tensor_name': 'ggml-base c_char_p gguf_context_p c_int64',
    'gguf_get_tensor_ne': 'ggml-base c_int64_p gguf_context_p c_int64',
    'gguf_get_tensor_type': 'ggml-base c_int gguf_context_p c_int64',
    'gguf_get_tensor_size': 'ggml-base c_size_t gguf_context_p c_int64',
    'gguf_remove_key': 'ggml-base c_int64 gguf_context_p c_char_p',
    'gguf_set_val_u8': 'ggml-base None gguf_context_p c_char_p c_uint8',
    'gguf_set_val_i8': 'ggml-base None gguf_context_p c_char_p c_int8',
    'gguf_set_val_u16': 'ggml-base None gguf_context_p c_char_p c_uint16',
    'gguf_set_val_i16': 'ggml-base None gguf_context_p c_char_p c_int16',
    'gguf_set_val_u32': 'ggml-base None gguf_context_p c_char_p c_uint32',
    'gguf_set_val_i32': 'ggml-base None gguf_context_p c_char_p c_int32',
    'gguf_set_val_f32': 'ggml-base None gguf_context_p c_char_p c_float',
    'gguf_set_val_u64': 'ggml-base None gguf_context_p c_char_p c_uint64',
    'gguf_set_val_i64': 'ggml-base None gguf_context_p c_char_p c_int64',
    'gguf_set_val_f64': 'ggml-base None gguf_context_p c_char_p c_double',
    'gguf_set_val_bool': 'ggml-base None gguf_context_p c_char_p c_bool',
    'gguf_set_val_str': 'ggml-base None gguf_context_p c_char_p c_char_p',
    'gguf_set_arr_data': 'ggml-base None gguf_context_p c_char_p c_int c_void_p c_size_t',
    'gguf_set_arr_str': 'ggml-base None gguf_context_p c_char_p c_char_pp c_size_t',
    'gguf_set_kv': 'ggml-base None gguf_context_p gguf_context_p',
    'gguf_add_tensor': 'ggml-base None gguf_context_p ggml_tensor_p',
    'gguf_set_tensor_type': 'ggml-base None gguf_context_p c_char_p c_int',
    'gguf_set_tensor_data': 'ggml-base None gguf_context_p c_char_p c_void_p',
    'gguf_write_to_file_ptr': 'ggml-base c_bool gguf_context_p FILE_p c_bool',
    'gguf_write_to_file': 'ggml-base c_bool gguf_context_p c_char_p c_bool',
    'gguf_get_meta_size': 'ggml-base c_size_t gguf_context_p',
    'gguf_get_meta_data': 'ggml-base None gguf_context_p c_void_p',
    'llama_ftype_name': 'llamapack c_char_p c_int',
    'llama_flash_attn_type_name': 'llamapack c_char_p c_int',
    'llama_load_mode_name': 'llamapack c_char_p c_int',
    'llama_load_mode_from_str': 'llamapack c_int c_char_p',
    'llama_version': 'llamapack c_char_p',
    'llama_model_default_params': 'llamapack llama_model_params',
    'llama_context_default_params': 'llamapack llama_context_params',
    'llama_sampler_chain_default_params': 'llamapack llama_sampler_chain_params',
    'llama_model_quantize_default_params': 'llamapack llama_model_quantize_params',
    'llama_backend_init': 'llamapack None',
    'llama_backend_free': 'llamapack None',
    'llama_numa_init': 'llamapack None c_int',
    'llama_attach_threadpool': 'llamapack None llama_context_p ggml_threadpool_p ggml_threadpool_p',
    'llama_detach_threadpool': 'llamapack None llama_context_p',
    'llama_model_init_from_user': 'llamapack llama_model_p gguf_context_p llama_model_set_tensor_data_t c_void_p llama_model_params',
    'llama_model_load_from_file': 'llamapack llama_model_p c_char_p llama_model_params',
    'llama_model_load_from_file_ptr': 'llamapack llama_model_p FILE_p llama_model_params',
    'llama_model_load_from_splits': 'llamapack llama_model_p c_char_pp c_size_t llama_model_params',
    'llama_model_save_to_file': 'llamapack None llama_model_p c_char_p',
    'llama_model_free': 'llamapack None llama_model_p',
    'llama_init_from_model': 'llamapack llama_context_p llama_model_p llama_context_params',
    'llama_free': 'llamapack None llama_context_p',
    'llama_time_us': 'llamapack c_int64',
    'llama_max_devices': 'llamapack c_size_t',
    'llama_max_parallel_sequences': 'llamapack c_size_t',
    'llama_max_tensor_buft_overrides': 'llamapack c_size_t',
    'llama_supports_mmap': 'llamapack c_bool',
    'llama_supports_mlock': 'llamapack c_bool',
    'llama_supports_gpu_offload': 'llamapack c_bool',
    'llama_supports_rpc': 'llamapack c_bool',
    'llama_n_ctx': 'llamapack c_uint32 llama_context_p',
    'llama_n_ctx_seq': 'llamapack c_uint32 llama_context_p',
    'llama_n_batch': 'llamapack c_uint32 llama_context_p',
    'llama_n_ubatch': 'llamapack c_uint32 llama_context_p',
    'llama_n_seq_max': 'llamapack c_uint32 llama_context_p',
    'llama_n_rs_seq': 'llamapack c_uint32 llama_context_p',
    'llama_get_model': 'llamapack llama_model_p llama_context_p',
    'llama_get_memory': 'llamapack llama_memory_i_p llama_context_p',
    'llama_pooling_type': 'llamapack c_int llama_context_p',
    'llama_model_get_vocab': 'llamapack llama_vocab_p llama_model_p',
    'llama_model_rope_type': 'llamapack c_int llama_model_p',
    'llama_model_n_ctx_train': 'llamapack c_int32 llama_model_p',
    'llama_model_n_embd': 'llamapack c_int32 llama_model_p',
    'llama_model_n_embd_inp': 'llamapack c_int32 llama_model_p',
    'llama_model_n_embd_out': 'llamapack c_int32 llama_model_p',
    'llama_model_n_layer': 'llamapack c_int32 llama_model_p',
    'llama_model_n_layer_nextn': 'llamapack c_int32 llama_model_p',
    'llama_model_n_head': 'llamapack c_int32 llama_model_p',
    'llama_model_n_head_kv': 'llamapack c_int32 llama_model_p',
    'llama_model_n_swa': 'llamapack c_int32 llama_model_p',
    'llama_model_rope_freq_scale_train': 'llamapack c_float llama_model_p',
    'llama_model_n_cls_out': 'llamapack c_uint32 llama_model_p',
    'llama_model_cls_label': 'llamapack c_char_p llama_model_p c_uint32',
    'llama_vocab_type': 'llamapack c_int llama_vocab_p',
    'llama_vocab_n_tokens': 'llamapack c_int32 llama_vocab_p',
    'llama_model_meta_val_str': 'llamapack c_int32 llama_model_p c_char_p char_p c_size_t',
    'llama_model_meta_count': 'llamapack c_int32 llama_model_p',
    'llama_model_meta_key_str': 'llamapack c_char_p c_int',
    'llama_model_meta_key_by_index': 'llamapack c_int32 llama_model_p c_int32 char_p c_size_t',
    'llama_model_meta_val_str_by_index': 'llamapack c_int32 llama_model_p c_int32 char_p c_size_t',
    'llama_model_desc': 'llamapack c_int32 llama_model_p char_p c_size_t',
    'llama_model_ftype': 'llamapack c_int llama_model_p',
    'llama_model_size': 'llamapack c_uint64 llama_model_p',
    'llama_model_chat_template': 'llamapack c_char_p llama_model_p c_char_p',
    'llama_model_n_params': 'llamapack c_uint64 llama_model_p',
    'llama_model_has_encoder': 'llamapack c_bool llama_model_p',
    'llama_model_has_decoder': 'llamapack c_bool llama_model_p',
    'llama_model_decoder_start_token': 'llamapack c_int32 llama_model_p',
    'llama_model_is_recurrent': 'llamapack c_bool llama_model_p',
    'llama_model_is_hybrid': 'llamapack c_bool llama_model_p',
    'llama_model_is_diffusion': 'llamapack c_bool llama_model_p',
    'llama_model_quantize': 'llamapack c_uint32 c_char_p c_char_p llama_model_quantize_params_p',
    'llama_adapter_lora_init': 'llamapack llama_adapter_lora_p llama_model_p c_char_p',
    'llama_adapter_lora_init_from_file_ptr': 'llamapack llama_adapter_lora_p llama_model_p FILE_p',
    'llama_adapter_meta_val_str': 'llamapack c_int32 llama_adapter_lora_p c_char_p char_p c_size_t',
    'llama_adapter_meta_count': 'llamapack c_int32 llama_adapter_lora_p',
    'llama_adapter_meta_key_by_index': 'llamapack c_int32 llama_adapter_lora_p c_int32 char_p c_size_t',
    'llama_adapter_meta_val_str_by_index': 'llamapack c_int32 llama_adapter_lora_p c_int32 char_p c_size_t',
    'llama_adapter_lora_free': 'llamapack None llama_adapter_lora_p',
    'llama_adapter_get_alora_n_invocation_tokens': 'llamapack c_uint64 llama_adapter_lora_p',
    'llama_adapter_get_alora_invocation_tokens': 'llamapack c_int32_p llama_adapter_lora_p',
    'llama_set_adapters_lora': 'llamapack c_int32 llama_context_p llama_adapter_lora_pp c_size_t c_float_p',
    'llama_set_adapter_cvec': 'llamapack c_int32 llama_context_p c_float_p c_size_t c_int32 c_int32 c_int32',
    'llama_memory_clear': 'llamapack None llama_memory_i_p c_bool',
    'llama_memory_seq_rm': 'llamapack c_bool llama_memory_i_p c_int32 c_int32 c_int32',
    'llama_memory_seq_cp': 'llamapack None llama_memory_i_p c_int32 c_int32 c_int32 c_int32',
    'llama_memory_seq_keep': 'llamapack None llama_memory_i_p c_int32',
    'llama_memory_seq_add': 'llamapack None llama_memory_i_p c_int32 c_int32 c_int32 c_int32',
    'llama_memory_seq_div': 'llamapack None llama_memory_i_p c_int32 c_int32 c_int32 c_int',
    'llama_memory_seq_pos_min': 'llamapack c_int32 llama_memory_i_p c_int32',
    'llama_memory_seq_pos_max': 'llamapack c_int32 llama_memory_i_p c_int32',
    'llama_memory_can_shift': 'llamapack c_bool llama_memory_i_p',
    'llama_state_get_size': 'llamapack c_size_t llama_context_p',
    'llama_state_get_data': 'llamapack c_size_t llama_context_p c_uint8_p c_size_t',
    'llama_state_set_data': 'llamapack c_size_t llama_context_p c_uint8_p c_size_t',
    'llama_state_load_file': 'llamapack c_bool llama_context_p c_char_p c_int32_p c_size_t c_size_t_p',
    'llama_state_save_file': 'llamapack c_bool llama_context_p c_char_p c_int32_p c_size_t',
    'llama_state_seq_get_size': 'llamapack c_size_t llama_context_p c_int32',
    'llama_state_seq_get_data': 'llamapack c_size_t llama_context_p c_uint8_p c_size_t c_int32',
    'llama_state_seq_set_data': 'llamapack c_size_t llama_context_p c_uint8_p c_size_t c_int32',
    'llama_state_seq_save_file': 'llamapack c_size_t llama_context_p c_char_p c_int32 c_int32_p c_size_t',
    'llama_state_seq_load_file': 'llamapack c_size_t llama_context_p c_char_p c_int32 c_int32_p c_size_t c_size_t_p',
    'llama_state_seq_get_size_ext': 'llamapack c_size_t llama_context_p c_int32 c_uint32',
    'llama_state_seq_get_data_ext': 'llamapack c_size_t llama_context_p c_uint8_p c_size_t c_int32 c_uint32',
    'llama_state_seq_set_data_ext': 'llamapack c_size_t llama_context_p c_uint8_p c_size_t c_int32 c_uint32',
    'llama_batch_get_one': 'llamapack llama_batch c_int32_p c_int32',
    'llama_batch_init': 'llamapack llama_batch c_int32 c_int32 c_int32',
    'llama_batch_free': 'llamapack None llama_batch',
    'llama_encode': 'llamapack c_int32 llama_context_p llama_batch',
    'llama_decode': 'llamapack c_int32 llama_context_p llama_batch',
    'llama_batch_ext_init': 'llamapack llama_batch_ext_p llama_context_p',
    'llama_batch_ext_free': 'llamapack None llama_batch_ext_p',
    'llama_batch_ext_clear': 'llamapack None llama_batch_ext_p',
    'llama_batch_ext_add': 'llamapack c_int32 llama_batch_ext_p c_int32',
    'llama_batch_ext_add_token': 'llamapack c_int32 llama_batch_ext_p c_int32 c_int32',
    'llama_batch_ext_add_embd': 'llamapack c_int32 llama_batch_ext_p c_int32 llama_embd',
    'llama_batch_ext_add_seq': 'llamapack c_bool llama_batch_ext_p c_int32 c_int32',
    'llama_batch_ext_set_embd_token': 'llamapack c_bool llama_batch_ext_p c_int32 llama_embd',
    'llama_batch_ext_set_embd_state': 'llamapack c_bool llama_batch_ext_p c_int32 llama_embd',
    'llama_batch_ext_set_output_embd': 'llamapack c_bool llama_batch_ext_p c_int32 c_bool',
    'llama_batch_ext_set_output_logits': 'llamapack c_bool llama_batch_ext_p c_int32 c_bool',
    'llama_batch_ext_set_pos': 'llamapack c_bool llama_batch_ext_p c_int32 c_int32_p',
    'llama_process': 'llamapack c_int32 llama_context_p c_int llama_batch_ext_p',
    'llama_set_n_threads': 'llamapack None llama_context_p c_int32 c_int32',
    'llama_n_threads': 'llamapack c_int32 llama_context_p',
    'llama_n_threads_batch': 'llamapack c_int32 llama_context_p',
    'llama_set_embeddings': 'llamapack None llama_context_p c_bool',
    'llama_set_causal_attn': 'llamapack None llama_context_p c_bool',
    'llama_get_causal_attn': 'llamapack c_bool llama_context_p',
    'llama_set_abort_callback': 'llamapack None llama_context_p ggml_abort_callback c_void_p',
    'llama_synchronize': 'llamapack None llama_context_p',
    'llama_get_logits': 'llamapack c_float_p llama_context_p',
    'llama_get_logits_ith': 'llamapack c_float_p llama_context_p c_int32',
    'llama_get_embeddings': 'llamapack c_float_p llama_context_p',
    'llama_get_embeddings_ith': 'llamapack c_float_p llama_context_p c_int32',
    'llama_get_embeddings_seq': 'llamapack c_float_p llama_context_p c_int32',
    'llama_get_sampled_token_ith': 'llamapack c_int32 llama_context_p c_int32',
    'llama_get_sampled_probs_ith': 'llamapack c_float_p llama_context_p c_int32',
    'llama_get_sampled_probs_count_ith': 'llamapack c_uint32 llama_context_p c_int32',
    'llama_get_sampled_logits_ith': 'llamapack c_float_p llama_context_p c_int32',
    'llama_get_sampled_logits_count_ith': 'llamapack c_uint32 llama_context_p c_int32',
    'llama_get_sampled_candidates_ith': 'llamapack c_int32_p llama_context_p c_int32',
    'llama_get_sampled_candidates_count_ith': 'llamapack c_uint32 llama_context_p c_int32',
    'llama_vocab_get_text': 'llamapack c_char_p llama_vocab_p c_int32',
    'llama_vocab_get_score': 'llamapack c_float llama_vocab_p c_int32',
    'llama_vocab_get_attr': 'llamapack c_int llama_vocab_p c_int32',
    'llama_vocab_is_eog': 'llamapack c_bool llama_vocab_p c_int32',
    'llama_vocab_is_control': 'llamapack c_bool llama_vocab_p c_int32',
    'llama_vocab_bos': 'llamapack c_int32 llama_vocab_p',
    'llama_vocab_eos': 'llamapack c_int32 llama_vocab_p',
    'llama_vocab_eot': 'llamapack c_int32 llama_vocab_p',
    'llama_vocab_sep': 'llamapack c_int32 llama_vocab_p',
    'llama_vocab_nl': 'llamapack c_int32 llama_vocab_p',
    'llama_vocab_pad': 'llamapack c_int32 llama_vocab_p',
    'llama_vocab_mask': 'llamapack c_int32 llama_vocab_p',
    'llama_vocab_get_add_bos': 'llamapack c_bool llama_vocab_p',
    'llama_vocab_get_add_eos': 'llamapack c_bool llama_vocab_p',
    'llama_vocab_get_add_sep': 'llamapack c_bool llama_vocab_p',
    'llama_vocab_get_suppress_tokens': 'llamapack c_int32_p llama_vocab_p c_int32_p',
    'llama_vocab_fim_pre': 'llamapack c_int32 llama_vocab_p',
    'llama_vocab_fim_suf': 'llamapack c_int32 llama_vocab_p',
    'llama_vocab_fim_mid': 'llamapack c_int32 llama_vocab_p',
    'llama_vocab_fim_pad': 'llamapack c_int32 llama_vocab_p',
    'llama_vocab_fim_rep': 'llamapack c_int32 llama_vocab_p',
    'llama_vocab_fim_sep': 'llamapack c_int32 llama_vocab_p',
    'llama_tokenize': 'llamapack c_int32 llama_vocab_p c_char_p c_int32 c_int32_p c_int32 c_bool c_bool',
    'llama_token_to_piece': 'llamapack c_int32 llama_vocab_p c_int32 char_p c_int32 c_int32 c_bool',
    'llama_detokenize': 'llamapack c_int32 llama_vocab_p c_int32_p c_int32 char_p c_int32 c_bool c_bool',
    'llama_chat_apply_template': 'llamapack c_int32 c_char_p llama_chat_message_p c_size_t c_bool char_p c_int32',
    'llama_chat_builtin_templates': 'llamapack c_int32 c_char_pp c_size_t',
    'llama_set_sampler': 'llamapack c_bool llama_context_p c_int32 llama_sampler_p',
    'llama_sampler_init': 'llamapack llama_sampler_p llama_sampler_i_p c_void_p',
    'llama_sampler_name': 'llamapack c_char_p llama_sampler_p',
    'llama_sampler_accept': 'llamapack None llama_sampler_p c_int32',
    'llama_sampler_apply': 'llamapack None llama_sampler_p llama_token_data_array_p',
    'llama_sampler_reset': 'llamapack None llama_sampler_p',
    'llama_sampler_clone': 'llamapack llama_sampler_p llama_sampler_p',
    'llama_sampler_copy': 'llamapack None llama_sampler_p llama_sampler_p',
    'llama_sampler_free': 'llamapack None llama_sampler_p',
    'llama_sampler_chain_init': 'llamapack llama_sampler_p llama_sampler_chain_params',
    'llama_sampler_chain_add': 'llamapack None llama_sampler_p llama_sampler_p',
    'llama_sampler_chain_get': 'llamapack llama_sampler_p llama_sampler_p c_int32',
    'llama_sampler_chain_n': 'llamapack c_int32 llama_sampler_p',
    'llama_sampler_chain_remove': 'llamapack llama_sampler_p llama_sampler_p c_int32',
    'llama_sampler_init_greedy': 'llamapack llama_sampler_p',
    'llama_sampler_init_dist': 'llamapack llama_sampler_p c_uint32',
    'llama_sampler_init_top_k': 'llamapack llama_sampler_p c_int32',
    'llama_sampler_init_top_p': 'llamapack llama_sampler_p c_float c_size_t',
    'llama_sampler_init_min_p': 'llamapack llama_sampler_p c_float c_size_t',
    'llama_sampler_init_typical': 'llamapack llama_sampler_p c_float c_size_t',
    'llama_sampler_init_temp': 'llamapack llama_sampler_p c_float',
    'llama_sampler_init_temp_ext': 'llamapack llama_sampler_p c_float c_float c_float',
    'llama_sampler_init_xtc': 'llamapack llama_sampler_p c_float c_float c_size_t c_uint32',
    'llama_sampler_init_top_n_sigma': 'llamapack llama_sampler_p c_float',
    'llama_sampler_init_mirostat': 'llamapack llama_sampler_p c_int32 c_uint32 c_float c_float c_int32',
    'llama_sampler_init_mirostat_v2': 'llamapack llama_sampler_p c_uint32 c_float c_float',
    'llama_sampler_init_grammar': 'llamapack llama_sampler_p llama_vocab_p c_char_p c_char_p',
    'llama_sampler_init_grammar_lazy_patterns': 'llamapack llama_sampler_p llama_vocab_p c_char_p c_char_p c_char_pp c_size_t c_int32_p c_size_t',
    'llama_sampler_init_penalties': 'llamapack llama_sampler_p c_int32 c_int32 c_float c_float c_float',
    'llama_sampler_init_dry': 'llamapack llama_sampler_p llama_vocab_p c_float c_float c_int32 c_int32 c_char_pp c_size_t',
    'llama_sampler_init_adaptive_p': 'llamapack llama_sampler_p c_float c_float c_uint32',
    'llama_sampler_init_logit_bias': 'llamapack llama_sampler_p c_int32 c_int32 llama_logit_bias_p',
    'llama_sampler_init_infill': 'llamapack llama_sampler_p llama_vocab_p',
    'llama_sampler_get_seed': 'llamapack c_uint32 llama_sampler_p',
    'llama_sampler_sample': 'llamapack c_int32 llama_sampler_p llama_context_p c_int32',
    'llama_split_path': 'llamapack c_int32 char_p c_size_t c_char_p c_int32 c_int32',
    'llama_split_prefix': 'llamapack c_int32 char_p c_size_t c_char_p c_int32 c_int32',
    'llama_print_system_info': 'llamapack c_char_p',
    'llama_log_get': 'llamapack None ggml_log_callback_p c_void_pp',
    'llama_log_set': 'llamapack None ggml_log_callback c_void_p',
    'llama_perf_context': 'llamapack llama_perf_context_data llama_context_p',
    'llama_perf_context_print': 'llamapack None llama_context_p',
    'llama_perf_context_reset': 'llamapack None llama_context_p',
    'llama_perf_sampler': 'llamapack llama_perf_sampler_data llama_sampler_p',
    'llama_perf_sampler_print': 'llamapack None llama_sampler_p',
    'llama_perf_sampler_reset': 'llamapack None llama_sampler_p',
    'llama_opt_param_filter_all': 'llamapack c_bool ggml_tensor_p c_void_p',
    'llama_opt_init': 'llamapack None llama_context_p llama_model_p llama_opt_params',
    'llama_opt_epoch': 'llamapack None llama_context_p ggml_opt_dataset_p ggml_opt_result_p ggml_opt_result_p c_int64 ggml_opt_epoch_callback ggml_opt_epoch_callback',
    'mtmd_default_marker': 'llamapack c_char_p',
    'mtmd_context_params_default': 'llamapack mtmd_context_params',
    'mtmd_init_from_file': 'llamapack mtmd_context_p c_char_p llama_model_p mtmd_context_params',
    'mtmd_free': 'llamapack None mtmd_context_p',
    'mtmd_decode_use_non_causal': 'llamapack c_bool mtmd_context_p mtmd_input_chunk_p',
    'mtmd_decode_use_mrope': 'llamapack c_bool mtmd_context_p',
    'mtmd_support_vision': 'llamapack c_bool mtmd_context_p',
    'mtmd_support_audio': 'llamapack c_bool mtmd_context_p',
    'mtmd_get_audio_sample_rate': 'llamapack c_int mtmd_context_p',
    'mtmd_get_marker': 'llamapack c_char_p mtmd_context_p',
    'mtmd_bitmap_init': 'llamapack mtmd_bitmap_p c_uint32 c_uint32 c_uint8_p',
    'mtmd_bitmap_init_from_audio': 'llamapack mtmd_bitmap_p c_size_t c_float_p',
    'mtmd_bitmap_get_nx': 'llamapack c_uint32 mtmd_bitmap_p',
    'mtmd_bitmap_get_ny': 'llamapack c_uint32 mtmd_bitmap_p',
    'mtmd_bitmap_get_data': 'llamapack c_uint8_p mtmd_bitmap_p',
    'mtmd_bitmap_get_n_bytes': 'llamapack c_size_t mtmd_bitmap_p',
    'mtmd_bitmap_is_audio': 'llamapack c_bool mtmd_bitmap_p',
    'mtmd_bitmap_free': 'llamapack None mtmd_bitmap_p',
    'mtmd_bitmap_get_id': 'llamapack c_char_p mtmd_bitmap_p',
    'mtmd_bitmap_set_id': 'llamapack None mtmd_bitmap_p c_char_p',
    'mtmd_bitmap_set_mergeable': 'llamapack None mtmd_bitmap_p c_bool',
    'mtmd_bitmap_init_lazy': 'llamapack mtmd_bitmap_p mtmd_context_p c_char_p c_void_p mtmd_bitmap_lazy_callback',
    'mtmd_input_chunks_init': 'llamapack mtmd_input_chunks_p',
    'mtmd_input_chunks_size': 'llamapack c_size_t mtmd_input_chunks_p',
    'mtmd_input_chunks_get': 'llamapack mtmd_input_chunk_p mtmd_input_chunks_p c_size_t',
    'mtmd_input_chunks_free': 'llamapack None mtmd_input_chunks_p',
    'mtmd_input_chunk_get_type': 'llamapack c_int mtmd_input_chunk_p',
    'mtmd_input_chunk_get_tokens_text': 'llamapack c_int32_p mtmd_input_chunk_p c_size_t_p',
    'mtmd_input_chunk_get_tokens_image': 'llamapack mtmd_image_tokens_p mtmd_input_chunk_p',
    'mtmd_input_chunk_get_n_tokens': 'llamapack c_size_t mtmd_input_chunk_p',
    'mtmd_input_chunk_get_id': 'llamapack c_char_p mtmd_input_chunk_p',
    'mtmd_input_chunk_get_n_pos': 'llamapack c_int32 mtmd_input_chunk_p',
    'mtmd_input_chunk_copy': 'llamapack mtmd_input_chunk_p mtmd_input_chunk_p',
    'mtmd_input_chunk_free': 'llamapack None mtmd_input_chunk_p',
    'mtmd_input_chunk_get_placeholder': 'llamapack mtmd_input_chunk_p mtmd_input_chunk_p',
    'mtmd_input_chunk_save': 'llamapack c_int32 mtmd_input_chunk_p char_p c_size_t c_size_t_p',
    'mtmd_input_chunk_load': 'llamapack mtmd_input_chunk_p c_char_p c_size_t',
    'mtmd_image_tokens_get_n_tokens': 'llamapack c_size_t mtmd_image_tokens_p',
    'mtmd_image_tokens_get_id': 'llamapack c_char_p mtmd_image_tokens_p',
    'mtmd_image_tokens_get_n_pos': 'llamapack c_int32 mtmd_image_tokens_p',
    'mtmd_image_tokens_get_decoder_pos': 'llamapack mtmd_decoder_pos mtmd_image_tokens_p c_int32 c_size_t',
    'mtmd_tokenize': 'llamapack c_int32 mtmd_context_p mtmd_input_chunks_p mtmd_input_text_p mtmd_bitmap_pp c_size_t',
    'mtmd_tokenize_from_parts': 'llamapack c_int32 mtmd_context_p mtmd_input_chunks_p mtmd_input_part_pp c_size_t c_bool',
    'mtmd_encode_chunk': 'llamapack c_int32 mtmd_context_p mtmd_input_chunk_p',
    'mtmd_get_output_embd': 'llamapack c_float_p mtmd_context_p',
    'mtmd_batch_init': 'llamapack mtmd_batch_p mtmd_context_p',
    'mtmd_batch_free': 'llamapack None mtmd_batch_p',
    'mtmd_batch_add_chunk': 'llamapack c_int32 mtmd_batch_p mtmd_input_chunk_p',
    'mtmd_batch_encode': 'llamapack c_int32 mtmd_batch_p',
    'mtmd_batch_get_output_embd': 'llamapack c_float_p mtmd_batch_p mtmd_input_chunk_p',
    'mtmd_log_set': 'llamapack None ggml_log_callback c_void_p',
    'mtmd_get_cap_from_file': 'llamapack mtmd_caps c_char_p',
    'mtmd_gen_audio_get_info': 'llamapack mtmd_gen_audio_info mtmd_context_p',
    'mtmd_gen_inp_default': 'llamapack mtmd_gen_inp mtmd_context_p',
    'mtmd_gen_audio_process': 'llamapack c_int32 mtmd_context_p mtmd_gen_inp_p mtmd_gen_out_p',
    'mtmd_test_create_input_chunks': 'llamapack mtmd_input_chunks_p',
    'mtmd_helper_video_init_params_default': 'llamapack mtmd_helper_video_init_params',
    'mtmd_helper_init_opt_default': 'llamapack mtmd_helper_init_opt',
    'mtmd_helper_log_set': 'llamapack None ggml_log_callback c_void_p',
    'mtmd_helper_support_video': 'llamapack c_bool mtmd_context_p',
    'mtmd_helper_bitmap_init_from_file': 'llamapack mtmd_helper_bitmap_wrapper mtmd_context_p c_char_p c_bool mtmd_helper_init_opt',
    'mtmd_helper_bitmap_init_from_buf': 'llamapack mtmd_helper_bitmap_wrapper mtmd_context_p c_uint8_p c_size_t c_bool mtmd_helper_init_opt',
    'mtmd_helper_get_n_tokens': 'llamapack c_size_t mtmd_input_chunks_p',
    'mtmd_helper_get_n_pos': 'llamapack c_int32 mtmd_input_chunks_p',
    'mtmd_helper_image_get_decoder_pos': 'llamapack None mtmd_image_tokens_p c_int32 mtmd_decoder_pos_p',
    'mtmd_helper_eval_chunks': 'llamapack c_int32 mtmd_context_p llama_context_p mtmd_input_chunks_p c_int32 c_int32 c_int32 c_bool c_int32_p',
    'mtmd_helper_eval_chunk_single': 'llamapack c_int32 mtmd_context_p llama_context_p mtmd_input_chunk_p c_int32 c_int32 c_int32 c_bool c_int32_p',
    'mtmd_helper_decode_image_chunk': 'llamapack c_int32 mtmd_context_p llama_context_p mtmd_input_chunk_p c_float_p c_int32 c_int32 c_int32 c_int32_p mtmd_helper_post_decode_callback c_void_p',
    'mtmd_helper_video_init': 'llamapack mtmd_helper_video_p mtmd_context_p c_char_p mtmd_helper_video_init_params',
    'mtmd_helper_video_init_from_buf': 'llamapack mtmd_helper_video_p mtmd_context_p c_uint8_p c_size_t mtmd_helper_video_init_params',
    'mtmd_helper_video_free': 'llamapack None mtmd_helper_video_p',
    'mtmd_helper_video_get_info': 'llamapack mtmd_helper_video_info mtmd_helper_video_p',
    'mtmd_helper_video_read_next': 'llamapack c_int32 mtmd_helper_video_p mtmd_bitmap_pp char_pp',
    'mtmd_helper_model_can_chat': 'llamapack c_bool llama_context_p mtmd_context_p',
    'mtmd_helper_gen_audio_init': 'llamapack mtmd_helper_gen_audio_p llama_context_p mtmd_context_p',
    'mtmd_helper_gen_audio_free': 'llamapack None mtmd_helper_gen_audio_p',
    'mtmd_helper_gen_audio_reset': 'llamapack None mtmd_helper_gen_audio_p',
    'mtmd_helper_gen_audio_set_input': 'llamapack c_int32 mtmd_helper_gen_audio_p mtmd_helper_gen_audio_inp_p',
    'mtmd_helper_gen_audio_step_prompt': 'llamapack c_int32 mtmd_helper_gen_audio_p c_int32',
    'mtmd_helper_gen_audio_step_gen': 'llamapack c_int32 mtmd_helper_gen_audio_p c_int32 c_float_p c_float_pp c_bool_p',
    'mtmd_helper_gen_audio_get_output': 'llamapack c_int32 mtmd_helper_gen_audio_p c_int32_p c_char_pp c_size_t_p c_int64_p',
    'llamapack_string_free': 'llamapack None char_p',
    'llamapack_abi_table': 'llamapack c_char_p',
    'llamapack_abi_id': 'llamapack c_char_p',
    'llamapack_layout_hash': 'llamapack c_char_p',
    'llamapack_struct_sizes': 'llamapack c_size_t c_uint32_pp',
    'llamapack_build_info': 'llamapack c_char_p',
    'llamapack_log_set': 'llamapack None llamapack_log_callback c_int32',
    'llamapack_chat_templates_init': 'llamapack c_int llama_model_p c_char_p llamapack_chat_templates_pp char_pp',
    'llamapack_chat_templates_free': 'llamapack None llamapack_chat_templates_p',
    'llamapack_chat_templates_explicit': 'llamapack c_bool llamapack_chat_templates_p',
    'llamapack_chat_templates_facts': 'llamapack c_int llamapack_chat_templates_p char_pp char_pp',
    'llamapack_chat_apply': 'llamapack c_int llamapack_chat_templates_p c_char_p char_pp char_pp',
    'llamapack_chat_parse': 'llamapack c_int c_char_p char_pp char_pp',
    'llamapack_sampler_init_grammar': 'llamapack c_int llama_vocab_p c_char_p c_char_p llamapack_grammar_beginning_p llama_sampler_pp char_pp',
    'llamapack_sampler_apply': 'llamapack c_int llama_sampler_p llama_token_data_array_p char_pp',
    'llamapack_sampler_accept': 'llamapack c_int llama_sampler_p c_int32 char_pp',
    'llamapack_sampler_accept_prompt': 'llamapack c_int llama_sampler_p c_int32_p c_size_t char_pp',
    'llamapack_sampler_sample': 'llamapack c_int llama_sampler_p llama_context_p c_int32 llama_token_data_array_p c_int32_p char_pp',
    'llamapack_sampler_copy': 'llamapack c_int llama_sampler_p llama_sampler_pp char_pp',
    'llamapack_sampler_reset': 'llamapack c_int llama_sampler_p char_pp',
    'llamapack_grammar_check': 'llamapack c_int llama_vocab_p c_char_p c_char_p char_pp',
    'llamapack_model_facts_get': 'llamapack None llama_model_p llamapack_model_facts_p',
    'llamapack_watch_new': 'llamapack c_int llama_context_p llamapack_poll_callback c_void_p c_int32 llamapack_watch_pp char_pp',
    'llamapack_watch_free': 'llamapack None llamapack_watch_p',
    'llamapack_watch_stop': 'llamapack None llamapack_watch_p c_bool',
    'llamapack_decode': 'llamapack c_int llama_context_p llama_batch_p llamapack_watch_p c_bool c_int32_p char_pp',
    'llamapack_encode': 'llamapack c_int llama_context_p llama_batch_p llamapack_watch_p c_bool c_int32_p char_pp',
    'llamapack_memory_update': 'llamapack c_int llama_context_p char_pp',
    'llamapack_model_load': 'llamapack c_int c_char_p llama_model_params_p llama_model_pp char_pp',
    'llamapack_context_init': 'llamapack c_int llama_model_p llama_context_params_p llama_context_pp char_pp',
    'llamapack_adapter_load': 'llamapack c_int llama_model_p c_char_p llama_adapter_lora_pp char_pp',
    'llamapack_model_quantize': 'llamapack c_int c_char_p c_char_p llama_model_quantize_params_p llamapack_quantize_callback c_uint32_p char_pp',
    'llamapack_tokenize': 'llamapack c_int llama_vocab_p c_char_p c_int32 c_int32_p c_int32 c_bool c_bool c_int32_p char_pp',
    'llamapack_gguf_skip_strings': 'llamapack c_uint64 c_uint8_p c_uint64 c_uint64 c_uint64_p',
    'llamapack_gguf_find_duplicate': 'llamapack c_int c_uint8_p c_uint64 c_uint64 c_int64_p c_int64_p char_pp',
    'llamapack_engine_options': 'llamapack c_char_p',
    'llamapack_engine_new': 'llamapack c_int c_char_p llamapack_load_callback llamapack_engine_pp char_pp',
    'llamapack_engine_stop': 'llamapack None llamapack_engine_p',
    'llamapack_engine_free': 'llamapack None llamapack_engine_p',
    'llamapack_inbox_new': 'llamapack c_int llamapack_inbox_pp char_pp',
    'llamapack_inbox_next': 'llamapack c_bool llamapack_inbox_p c_int32 c_uint64_p',
    'llamapack_inbox_wake': 'llamapack None llamapack_inbox_p',
    'llamapack_inbox_free': 'llamapack None llamapack_inbox_p',
    'llamapack_request_new': 'llamapack c_int llamapack_engine_p c_char_p c_char_p c_char_p c_size_t llamapack_upload_p c_size_t llamapack_inbox_p c_uint64 llamapack_request_pp char_pp',
    'llamapack_request_next': 'llamapack None llamapack_request_p c_int32 llamapack_piece_p',
    'llamapack_request_cancel': 'llamapack None llamapack_request_p',
    'llamapack_request_free': 'llamapack None llamapack_request_p',
    'llamapack_projector_load': 'llamapack c_int c_char_p llama_model_p mtmd_context_params_p mtmd_context_pp char_pp',
    'llamapack_media_decode': 'llamapack c_int mtmd_context_p c_uint8_p c_size_t mtmd_bitmap_pp char_pp',
    'llamapack_media_tokenize': 'llamapack c_int mtmd_context_p mtmd_input_text_p mtmd_bitmap_pp c_size_t mtmd_input_chunks_p c_int32_p char_pp',
    'llamapack_media_encode': 'llamapack c_int mtmd_context_p mtmd_input_chunk_p c_float_pp c_int32_p char_pp',
}

class Native:
    """The functions of the loaded libraries; each is looked up and given its types when it is first used."""

    def __init__(self, libraries):
        self._libraries = libraries

    def __getattr__(self, name):
        try:
            library, result, *arguments = FUNCTIONS[name].split()
        except KeyError:
            raise AttributeError(f"llama.cpp has no function {name!r} in this build's bindings.", name=name) from None
        if arguments and arguments[-1] == "...":
            arguments.pop()
        types = globals()
        function = self._libraries[library][name]
        function.restype = types.get(result)
        function.argtypes = [types[argument] for argument in arguments]
        self.__dict__[name] = function
        return function

    def __dir__(self):
        return sorted({*super().__dir__(), *FUNCTIONS})


def __getattr__(name):
    try:
        base, members = ENUMS[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name) from None
    import enum

    return globals().setdefault(name, getattr(enum, base)(name, members, module=__name__))
