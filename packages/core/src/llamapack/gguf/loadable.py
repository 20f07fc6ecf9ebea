"""Find values in a model that llama.cpp does not check, and that would make it end the process.

The docstring of each check names the place in llama.cpp that fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from llamapack.gguf.formats import ValueType
from llamapack.gguf.parser import Entry, Tensor
from llamapack.gguf.strings import find_duplicate
from llamapack.gguf.window import Window

MAX_LAYERS = 512
MAX_EXPERTS = 512
_ROPE_SCALING = ("none", "linear", "yarn", "longrope")
_SECTIONED = ("qwen2vl", "paddleocr", "qwen3vl", "qwen3vlmoe", "qwen35", "qwen35moe", "qwen4exp", "qwen3tts")
_RECURRENT_WITHOUT_HEADS = frozenset(
    {"bailingmoe3", "glm5-next", "granitehybrid", "jamba", "kimi-k3", "kimi-linear", "lfm2", "lfm2moe", "plamo2"}
)
_POOLINGS = (0, 1, 2, 3, 4, 2**32 - 1)
_MAX_DUMMY_TOKENS = 1 << 22
_BYTE_TOKEN = 6
_DATA_ALIGNMENT = 32

# Types that the CPU cannot multiply. Some architectures have tables of integers, but not under these names.
_UNUSABLE = frozenset({"I8", "I16", "I32", "I64", "F64", "Q8_1", "Q8_K"})
_MATRIX = re.compile(r"(token_embd|output|blk\.\d+\.(attn|ffn)_(?!gate_tid2eid)\w+)\.weight")
_VECTORS = (
    "norm.weight",
    ".bias",
    ".scale",
    "rope_freqs.weight",
    "rope_factors_long.weight",
    "rope_factors_short.weight",
)


Entries = Mapping[str, Entry]


def problems(entries: Entries, tensors: Mapping[str, Tensor], window: Window) -> Iterator[str]:
    """Yield what llama.cpp could not handle; `window` gives access to the file that has the `entries`."""
    yield from _layers(entries)
    yield from _experts(entries, window)
    yield from _numbers(entries)
    yield from _rope_sections(entries, window)
    yield from _recurrent(entries, window)
    yield from _pooling(entries)
    yield from _tensors(tensors)
    yield from _vocabulary(entries, window)


def _layers(entries: Entries) -> Iterator[str]:
    """llama_model_base::load_hparams."""
    layers, extra = _count(entries, "block_count"), _count(entries, "nextn_predict_layers") or 0
    if layers is None:
        return
    if not 1 <= layers <= MAX_LAYERS:
        yield f"The block_count is {layers}; it must be 1 to {MAX_LAYERS}."
    if extra > layers:
        yield f"The nextn_predict_layers are {extra}, more than the block_count of {layers}."


def _experts(entries: Entries, window: Window) -> Iterator[str]:
    """llama_model_base::load_hparams."""
    experts = _count(entries, "expert_count") or 0
    used = max(_numbers_of(entries, window, "expert_used_count"), default=0)
    groups = _count(entries, "expert_group_count") or 0
    groups_used = _count(entries, "expert_group_used_count") or 0
    if _architecture(entries) in ("hunyuan_vl", "hunyuan-dense") and experts <= 1:
        experts = used = 0
    if experts > MAX_EXPERTS:
        yield f"The expert_count is {experts}; at most {MAX_EXPERTS} are supported."
    if used > experts:
        yield f"The expert_used_count is {used}, more than the expert_count of {experts}."
    if experts and not used:
        yield f"There are {experts} experts, but the expert_used_count is 0."
    if groups and groups >= experts:
        yield f"The expert_group_count is {groups}, which must be less than the expert_count of {experts}."
    elif groups > 1 and (experts % groups or not 0 < groups_used < groups):
        yield f"{experts} experts in {groups} groups, of which {groups_used} are used, cannot be shared out."


def _numbers(entries: Entries) -> Iterator[str]:
    """llama_model_base::load_hparams, ggml_compute_forward_norm and _rms_norm."""
    architecture = _architecture(entries)
    scaling = entries.get(f"{architecture}.rope.scaling.type")
    if scaling is not None and scaling.type is ValueType.STRING:
        name = scaling.value.decode("utf-8", "replace") if isinstance(scaling.value, bytes) else "(a long text)"
        if name not in _ROPE_SCALING:
            yield f"The rope.scaling.type is {name!r}; known are {', '.join(_ROPE_SCALING)}."
    for kind in ("layer_norm_rms_epsilon", "layer_norm_epsilon", "group_norm_epsilon"):
        epsilon = entries.get(f"{architecture}.attention.{kind}")
        if epsilon is not None and isinstance(epsilon.value, float) and not epsilon.value >= 0:
            yield f"The {kind} is {epsilon.value}; it must be a number, and not negative."


def _rope_sections(entries: Entries, window: Window) -> Iterator[str]:
    """ggml_compute_forward_rope, for positions of several dimensions."""
    architecture = _architecture(entries)
    if architecture not in _SECTIONED:
        return
    sections = entries.get(f"{architecture}.rope.dimension_sections")
    if sections is not None and (sections.item not in (ValueType.INT32, ValueType.UINT32) or sections.count < 3):
        return  # llama.cpp itself reports it
    if sections is None or max(window.int32s(sections.at, 3)) < 1:
        yield "The rope.dimension_sections are missing or all zero."


def _recurrent(entries: Entries, window: Window) -> Iterator[str]:
    """llm_graph_input_mem_hybrid::set_input, for architectures whose layers without heads are the recurrent ones."""
    if _architecture(entries) not in _RECURRENT_WITHOUT_HEADS:
        return
    heads = _numbers_of(entries, window, "attention.head_count_kv") or _numbers_of(
        entries, window, "attention.head_count"
    )
    if heads and min(heads) > 0:
        yield "No layer is recurrent: the attention.head_count_kv of none is 0."


def _pooling(entries: Entries) -> Iterator[str]:
    """llm_graph_context::build_pooling."""
    for key in ("pooling_type", "classifier.pooling_type"):
        number = _count(entries, key)
        if number is not None and number not in _POOLINGS:
            yield f"The {key} is {number}; known are 0 to {max(_POOLINGS[:-1])}."


def _tensors(tensors: Mapping[str, Tensor]) -> Iterator[str]:
    """ggml_backend_cpu_buffer_from_ptr, and the CPU's matrix multiplication and binary operations."""
    for name, tensor in tensors.items():
        if tensor.offset % _DATA_ALIGNMENT:
            yield f"The tensor {name!r} is not aligned to {_DATA_ALIGNMENT} bytes, but to general.alignment only."
        if tensor.type.name in _UNUSABLE and _MATRIX.fullmatch(name):
            yield f"The tensor {name!r} is of type {tensor.type.name}, which cannot be multiplied."
        if tensor.type.name != "F32" and name.endswith(_VECTORS):
            yield f"The tensor {name!r} is of type {tensor.type.name}, but must be F32."


def _vocabulary(entries: Entries, window: Window) -> Iterator[str]:
    """llama_vocab::impl::load and token_to_byte."""
    model = entries.get("tokenizer.ggml.model")
    size = _count(entries, "vocab_size") or 0
    if model is not None and model.value in (b"none", b"no_vocab") and size > _MAX_DUMMY_TOKENS:
        yield f"The vocab_size is {size}; at most {_MAX_DUMMY_TOKENS} are supported."
    tokens = entries.get("tokenizer.ggml.tokens")
    if tokens is None or tokens.item is not ValueType.STRING:
        return
    yield from _duplicates(tokens, window)
    types = entries.get("tokenizer.ggml.token_type")
    if model is None or model.value != b"bert" or types is None or types.item is not ValueType.INT32:
        return
    if _BYTE_TOKEN in window.int32s(types.at, min(types.count, tokens.count)):
        yield "The vocabulary is BERT's, which has no byte tokens, but some are marked so."


def _duplicates(tokens: Entry, window: Window) -> Iterator[str]:
    found = find_duplicate(window.read(tokens.at, tokens.size), tokens.count)
    if found is not None:
        yield f"The tokens {found[0]} and {found[1]} of the vocabulary are the same."


def _count(entries: Entries, key: str) -> int | None:
    """Return the number under `key`; None if it is missing, or has a type that llama.cpp itself rejects."""
    entry = entries.get(f"{_architecture(entries)}.{key}")
    if entry is None or entry.type is not ValueType.UINT32 or not isinstance(entry.value, int):
        return None
    return entry.value


def _numbers_of(entries: Entries, window: Window, key: str) -> tuple[int, ...]:
    """Return the number under `key`, or the numbers of an array with one for each layer."""
    entry = entries.get(f"{_architecture(entries)}.{key}")
    if entry is not None and entry.item in (ValueType.INT32, ValueType.UINT32) and 0 < entry.count <= MAX_LAYERS:
        return tuple(number % 2**32 for number in window.int32s(entry.at, entry.count))
    number = _count(entries, key)
    return () if number is None else (number,)


def _architecture(entries: Entries) -> str:
    entry = entries.get("general.architecture")
    return entry.value.decode("utf-8", "replace") if entry is not None and isinstance(entry.value, bytes) else ""
