"""The parameters of a context, checked here because llama.cpp aborts the process for some values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from llamapack._native import _generated as api
from llamapack._native.library import native
from llamapack._util.arguments import INT32_MAX, check_bool, check_choice, check_int, check_number
from llamapack.backends.devices import present_devices
from llamapack.errors import InputError
from llamapack.model import Model
from llamapack.threads import default_threads, warn_of_threads

CacheType = Literal["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"]
FlashAttention = Literal["auto", "on", "off"]
Pooling = Literal["none", "mean", "cls", "last", "rank"]
Attention = Literal["causal", "non-causal"]
RopeScaling = Literal["none", "linear", "yarn", "longrope"]

DEFAULT_N_CTX = 4096
MAX_SEQUENCES = 256  # LLAMA_MAX_SEQ
_CELL_BYTES = 52  # of llama_kv_cells, for each token
MAX_THREADS = 512  # GGML_MAX_N_THREADS

# llama.cpp's own list (common/arg.cpp): other types have no kernel for the cache. The numbers are ggml_type's.
CACHE_TYPES: Mapping[str, int] = {
    "f32": 0,
    "f16": 1,
    "bf16": 30,
    "q8_0": 8,
    "q5_1": 7,
    "q5_0": 6,
    "q4_1": 3,
    "q4_0": 2,
    "iq4_nl": 20,
}
_FLASH: Mapping[str, int] = {"auto": -1, "off": 0, "on": 1}
POOLINGS: Mapping[str, int] = {"none": 0, "mean": 1, "cls": 2, "last": 3, "rank": 4}
_ATTENTIONS: Mapping[str, int] = {"causal": 0, "non-causal": 1}
_LEAVE_OUT = "Leave it out for the model's own."
_SCALINGS: Mapping[str, int] = {"none": 0, "linear": 1, "yarn": 2, "longrope": 3}


@dataclass(frozen=True, kw_only=True)
class ContextOptions:
    """The parameters of a context, described in Context. None leaves the choice to the model or to llamapack."""

    n_ctx: int | None = None
    n_batch: int | None = None
    n_ubatch: int | None = None
    n_seq_max: int = 1
    n_outputs_max: int | None = None
    n_threads: int | None = None
    n_threads_batch: int | None = None
    flash_attention: FlashAttention = "auto"
    type_k: CacheType = "f16"
    type_v: CacheType = "f16"
    kv_unified: bool | None = None
    swa_full: bool = True
    offload_kqv: bool = True
    op_offload: bool = True
    embeddings: bool = False
    pooling: Pooling | None = None
    attention: Attention | None = None
    rope_scaling: RopeScaling | None = None
    rope_freq_base: float | None = None
    rope_freq_scale: float | None = None
    yarn_ext_factor: float | None = None
    yarn_attn_factor: float | None = None
    yarn_beta_fast: float | None = None
    yarn_beta_slow: float | None = None
    yarn_orig_ctx: int | None = None

    def __post_init__(self) -> None:
        """Check that flags are bools: a text such as "no" would count as true."""
        for name in ("swa_full", "offload_kqv", "op_offload", "embeddings"):
            check_bool(name, getattr(self, name))
        if self.kv_unified is not None:
            check_bool("kv_unified", self.kv_unified)


def native_params(model: Model, options: ContextOptions) -> api.llama_context_params:
    """Convert `options` to llama.cpp's parameters for `model`.

    Raises InputError for everything that llama.cpp would reject or abort on.
    """
    params = native().llama_context_default_params()
    params.no_perf = True
    _check_model(model)
    _set_sizes(params, model, options)
    _set_threads(params, options)
    _set_cache(params, model, options)
    _check_memory(params, model)
    _set_embeddings(params, model, options)
    _set_rope(params, options)
    params.swa_full, params.offload_kqv, params.op_offload = options.swa_full, options.offload_kqv, options.op_offload
    return params


def check_threads(name: str, value: object) -> int:
    """Return `value` if ggml accepts it as a number of threads; raises InputError otherwise."""
    return check_int(name, value, most=MAX_THREADS)


def threads_to_compute(name: str, value: object) -> int:
    """Return `value` as `check_threads` does; more threads than processors are a ThreadsWarning."""
    count = check_threads(name, value)
    warn_of_threads(name, count)
    return count


def _check_model(model: Model) -> None:
    if model.facts.vocab_only:
        raise InputError(
            f"{model!r} was loaded without its weights, so there is nothing to compute with.",
            fix="Load it without vocab_only=True.",
        )


def _set_sizes(params: api.llama_context_params, model: Model, options: ContextOptions) -> None:
    size = options.n_ctx
    if size is None:
        size = min(DEFAULT_N_CTX, model.n_ctx_train or DEFAULT_N_CTX)
    # llama.cpp rounds up to a multiple of 256, in 32 bits
    check_int("n_ctx", size, most=INT32_MAX - 256 * MAX_SEQUENCES)
    sequences = check_int("n_seq_max", options.n_seq_max, most=MAX_SEQUENCES)
    if sequences > size:
        raise InputError(
            f"n_seq_max={sequences} sequences do not fit a KV cache of n_ctx={size} tokens.",
            fix="Make n_ctx larger: the sequences share it.",
        )
    rounded = -(-size // 256) * 256
    batch = check_int("n_batch", 2048 if options.n_batch is None else options.n_batch)
    ubatch = check_int("n_ubatch", min(512, batch) if options.n_ubatch is None else options.n_ubatch)
    wanted = batch
    if options.n_ubatch is None and sequences <= batch and _pooled_sequences(sequences, ubatch, options) is None:
        ubatch = -(-ubatch // sequences) * sequences
        batch = max(batch, ubatch)
    if ubatch > batch:
        raise InputError(
            f"n_ubatch={ubatch} is more than n_batch={batch}.",
            why="A batch of n_batch tokens is computed in parts of n_ubatch.",
            fix="Make n_batch larger, or n_ubatch smaller.",
        )
    if options.attention == "non-causal":
        batch = ubatch  # tokens that see each other cannot be computed in parts
    elif model.facts.causal:
        batch = min(batch, rounded)
    if sequences > batch:
        raise InputError(
            f"n_batch={batch} has no room for one token of each of n_seq_max={sequences} sequences.",
            fix=f"Make n_batch at least {sequences}.",
        )
    params.n_ctx = size
    params.n_batch, params.n_ubatch = batch, min(ubatch, batch)
    params.n_seq_max = _even(sequences, min(rounded, params.n_ubatch), options)
    params.n_outputs_max = _outputs_max(options, sequences, batch, min(wanted, batch))
    params.n_outputs_max_per_seq = params.n_outputs_max
    params.kv_unified = _is_unified(model, options)


def _even(sequences: int, tokens: int, options: ContextOptions) -> int:
    found = _pooled_sequences(sequences, tokens, options)
    if found is None:
        raise InputError(
            f"n_ubatch={tokens} cannot be shared evenly by n_seq_max={sequences} sequences, as pooling wants it.",
            fix="Use powers of 2 for both.",
        )
    return found


def _pooled_sequences(sequences: int, tokens: int, options: ContextOptions) -> int | None:
    """Return the least number of sequences, from `sequences` up, that upstream can pool; None if there is none.

    Upstream first tries a batch of all sequences, rounded up to the same length for each, and asserts that no batch is
    larger than that.
    """
    if not _is_pooled(options) or tokens % sequences == 0:
        return sequences
    return next((more for more in range(sequences, MAX_SEQUENCES + 1) if tokens % more == 0), None)


def _is_pooled(options: ContextOptions) -> bool:
    return options.embeddings and options.pooling != "none"


def _outputs_max(options: ContextOptions, sequences: int, batch: int, wanted: int) -> int:
    """Return how many outputs a batch may have; `wanted` is the caller's n_batch, which may be less than `batch`."""
    if options.n_outputs_max is None:
        return batch
    most = check_int("n_outputs_max", options.n_outputs_max)
    if most < sequences:
        raise InputError(
            f"n_outputs_max={most} is less than n_seq_max={sequences}: each sequence has at least one output.",
            fix=f"Make n_outputs_max at least {sequences}.",
        )
    if options.embeddings and most < wanted:
        raise InputError(
            f"n_outputs_max={most} is less than n_batch={wanted}, but with embeddings every token is an output.",
            fix="Leave n_outputs_max out, or make n_batch as small.",
        )
    return batch if options.embeddings else min(most, batch)


def _is_unified(model: Model, options: ContextOptions) -> bool:
    """Return True if all sequences must share one cache, because separate ones would give wrong or no results."""
    needed = options.n_seq_max > 1 and (_is_pooled(options) or (model.has_encoder and model.has_decoder))
    if options.kv_unified is None:
        return needed
    if needed and not options.kv_unified:
        raise InputError(
            "kv_unified=False cannot be combined with several sequences here.",
            why="Pooling would see parts of a sequence only, and an encoder's output is not kept per sequence.",
            fix="Leave kv_unified out.",
        )
    return options.kv_unified


def _set_threads(params: api.llama_context_params, options: ContextOptions) -> None:
    count = default_threads().count if options.n_threads is None else options.n_threads
    params.n_threads = threads_to_compute("n_threads", count)
    batch = options.n_threads_batch
    params.n_threads_batch = params.n_threads if batch is None else threads_to_compute("n_threads_batch", batch)


def _set_cache(params: api.llama_context_params, model: Model, options: ContextOptions) -> None:
    params.flash_attn_type = check_choice("flash_attention", options.flash_attention, _FLASH)
    params.type_k = check_choice("type_k", options.type_k, CACHE_TYPES)
    params.type_v = check_choice("type_v", options.type_v, CACHE_TYPES)
    if _is_quantized(options.type_v) and options.flash_attention == "off":
        raise InputError(
            f"type_v={options.type_v!r} needs flash attention, which is off.",
            why="Without it the V cache is kept transposed, and blocks cannot be.",
            fix='Use flash_attention="auto", or type_v="f16".',
        )
    facts = model.facts
    for name, kind, size in (("k", options.type_k, facts.head_size_k), ("v", options.type_v, facts.head_size_v)):
        block = native().ggml_blck_size(CACHE_TYPES[kind])
        if size % block:
            raise InputError(
                f"type_{name}={kind!r} does not fit this model: its heads are {size} wide, which is not a multiple of "
                f"the type's block of {block}.",
                fix=f'Use type_{name}="f16".',
            )
    if model.facts.mla and options.type_k != options.type_v:
        raise InputError(
            f"type_k={options.type_k!r} and type_v={options.type_v!r} differ, but this model keeps K and V in one.",
            fix="Use the same type for both.",
        )


def _check_memory(params: api.llama_context_params, model: Model) -> None:
    """Reject a cache larger than the machine's memory: the system might grant it and kill the process later."""
    if not model.facts.causal or model.offload.devices:
        return
    facts, bound = model.facts, native()
    needed = params.n_ctx * (
        facts.cache_size_k * bound.ggml_type_size(params.type_k) // bound.ggml_blck_size(params.type_k)
        + facts.cache_size_v * bound.ggml_type_size(params.type_v) // bound.ggml_blck_size(params.type_v)
        + _CELL_BYTES
    )
    total = sum(device.memory_total for device in present_devices() if device.kind == "cpu")
    if needed > total:
        raise InputError(
            f"A KV cache of n_ctx={params.n_ctx} tokens takes {needed / 2**30:.1f} GiB; this machine has "
            f"{total / 2**30:.1f} GiB.",
            fix='Make n_ctx smaller, or use smaller types such as type_k="q8_0".',
        )


def _is_quantized(kind: str) -> bool:
    return kind not in ("f32", "f16", "bf16")


def _set_embeddings(params: api.llama_context_params, model: Model, options: ContextOptions) -> None:
    params.embeddings = options.embeddings
    if options.attention is not None:
        params.attention_type = check_choice("attention", options.attention, _ATTENTIONS)
    if options.pooling is None:
        return
    params.pooling_type = check_choice("pooling", options.pooling, POOLINGS)
    if options.pooling != "none" and not options.embeddings:
        raise InputError(
            f"pooling={options.pooling!r} has nothing to pool: this context makes logits, not embeddings.",
            fix="Add embeddings=True, or leave pooling out.",
        )
    if options.pooling == "rank" and not model.facts.classifier:
        raise InputError(
            'pooling="rank" needs a model with a classification head, and this one has none.',
            fix='Use a reranking model, or another pooling such as "mean".',
        )


def _set_rope(params: api.llama_context_params, options: ContextOptions) -> None:
    if options.rope_scaling is not None:
        params.rope_scaling_type = check_choice("rope_scaling", options.rope_scaling, _SCALINGS)
    if options.rope_freq_base is not None:
        params.rope_freq_base = _frequency("rope_freq_base", options.rope_freq_base)
    if options.rope_freq_scale is not None:
        params.rope_freq_scale = _frequency("rope_freq_scale", options.rope_freq_scale)
    for name in ("yarn_ext_factor", "yarn_attn_factor", "yarn_beta_fast", "yarn_beta_slow"):
        value = getattr(options, name)
        if value is not None:
            setattr(params, name, check_number(name, value, 0, 1e30, wanted="0 or more", fix=_LEAVE_OUT))
    if options.yarn_orig_ctx is not None:
        params.yarn_orig_ctx = check_int("yarn_orig_ctx", options.yarn_orig_ctx)


def _frequency(name: str, value: float) -> float:
    # the range in which a 32-bit float and its logarithm are finite
    return check_number(name, value, 1e-30, 1e30, wanted="more than 0", fix=_LEAVE_OUT)
