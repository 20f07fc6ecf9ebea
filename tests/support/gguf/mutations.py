"""Damage valid GGUF files, reproducibly: case number n of a seed is always the same file."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from llamapack.gguf.formats import ValueType

from tests.support.gguf.files import (
    Description,
    Encoded,
    Mark,
    TensorData,
    Value,
    Values,
    array,
    encode,
    float32,
    hyperparameters,
    spm_vocabulary,
    text,
    tiny_model,
    tiny_tensors,
    uint32,
)

Random = random.Random
ARCHITECTURES = """
clip llama llama4 deci falcon grok gpt2 gptj gptneox mpt baichuan starcoder refact bert modern-bert nomic-bert
nomic-bert-moe neo-bert jina-bert-v2 jina-bert-v3 eurobert bloom stablelm qwen qwen2 qwen2moe qwen2vl qwen3
qwen3moe qwen3next qwen3vl qwen3vlmoe qwen35 qwen35moe qwen4exp phi2 phi3 phimoe plamo plamo2 plamo3 codeshell
orion internlm2 minicpm minicpm3 gemma gemma2 gemma3 gemma3n gemma4 gemma4-assistant gemma-embedding starcoder2
mamba mamba2 maple jamba falcon-h1 xverse command-r cohere2 cohere2moe dbrx olmo olmo2 olmoe muse-glimmer
openelm arctic deepseek deepseek2 deepseek2-ocr deepseek32 deepseek4 chatglm glm4 glm4moe glm-dsa bitnet t5
t5encoder jais jais2 nemotron nemotron_h nemotron_h_moe exaone exaone4 exaone-moe rwkv6 rwkv6qwen2 rwkv7 arwkv7
granite granitemoe granitehybrid graniteswitch granite_swa chameleon wavtokenizer-dec plm bailingmoe bailingmoe2
bailingmoe3 dots1 dots3note arcee afmoe laguna ernie4_5 ernie4_5-moe hunyuan-moe hunyuan-dense hunyuan_vl hy_v3
hy_v4 smollm3 gpt-oss lfm2 lfm2moe dream smallthinker llada llada-moe seed_oss grovemoe apertus minimax-01
hrm_text minimax-m2 minimax-m3 cogvlm rnd1 pangu-embedded mistral3 eagle3 dflash mistral4 paddleocr mimo2 step35
spark2_5 llama-embed maincoder kimi-linear kimi-k3 glm5-next talkie mellum nanbeige qwen3tts pockettts
""".split()  # noqa: SIM905 - a hundred names
EDGES = (0, 1, 2, 3, 7, 8, 31, 32, 33, 63, 64, 255, 256, 512, 513, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1)
WIDE_EDGES = (*EDGES, 2**32, 2**40, 2**61, 2**62, 2**63 - 1, 2**63, 2**64 - 32, 2**64 - 1)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One damaged file (or, by chance, a valid one)."""

    number: int
    label: str
    data: bytes


def make_case(seed: int, number: int) -> Case:
    """Return case `number` of `seed`."""
    chance = Random(f"{seed}-{number}")
    changed = chance.choices([_change_bytes, _change_description, _change_architecture], [6, 4, 1])[0]
    label, data = changed(chance)
    return Case(number=number, label=f"{changed.__name__.strip('_')}: {label}", data=data)


def make_header_case(seed: int, number: int, header: bytes) -> Case:
    """Return case `number` of `seed`: a file that begins with `header`, with some of its bytes changed."""
    chance = Random(f"{seed}-header-{number}")
    data = bytearray(header)
    places = [chance.randrange(chance.choice([1024, 4096, len(data)])) for _ in range(chance.choice([1, 1, 4, 32]))]
    for at in places:
        data[at] = chance.choice([0, 0xFF, data[at] ^ (1 << chance.randrange(8)), chance.randrange(256)])
    return Case(number=number, label=f"bytes at {places[:4]}", data=bytes(data))


@lru_cache(maxsize=1)
def _bases() -> tuple[Description, ...]:
    spm = Description(values={**hyperparameters(), **spm_vocabulary()}, tensors=tiny_tensors())
    return tiny_model(), spm


@lru_cache(maxsize=1)
def _encoded_bases() -> tuple[Encoded, ...]:
    return tuple(encode(base) for base in _bases())


def _change_bytes(chance: Random) -> tuple[str, bytes]:
    """Change one field, sometimes two, or cut the file, or flip bytes of the header."""
    base = chance.choice(_encoded_bases())
    data = bytearray(base.data)
    labels = []
    for _ in range(chance.choice([1, 1, 1, 2])):
        kind = chance.choices(["field", "flip", "cut", "insert"], [12, 3, 2, 2])[0]
        header = base.marks[-len(tiny_tensors())].at
        if kind == "field":
            mark = _pick(chance, base)
            data[mark.at : mark.at + mark.size] = (raw := _other(chance, mark))
            labels.append(f"{mark.kind} of {mark.label}: {raw[:16].hex()}")
            break  # the marks may have moved
        at = chance.randrange(header) if chance.random() < 0.9 else chance.randrange(len(data))
        if kind == "flip":
            data[at % len(data)] ^= 1 << chance.randrange(8)
        elif kind == "cut":
            del data[at:]
        else:
            data[at:at] = chance.randbytes(chance.choice([1, 4, 8, 64]))
        labels.append(f"{kind} at {at}")
    return ", ".join(labels), bytes(data)


def _pick(chance: Random, base: Encoded) -> Mark:
    """Pick a field: each label with equal probability, so that a vocabulary's hundreds of strings do not dominate."""
    marks = [mark for mark in base.marks if mark.kind != "data"]
    label = chance.choice(sorted({(mark.kind, mark.label) for mark in marks}))
    return chance.choice([mark for mark in marks if (mark.kind, mark.label) == label])


def _other(chance: Random, mark: Mark) -> bytes:
    if mark.kind in ("text", "magic"):
        return _other_text(chance, mark.size)
    if mark.size not in (4, 8) or chance.random() < 0.2:
        return chance.randbytes(mark.size)
    edges = WIDE_EDGES if mark.size == 8 else EDGES
    number = chance.choice(edges) if chance.random() < 0.8 else chance.getrandbits(8 * mark.size)
    return struct.pack("<Q" if mark.size == 8 else "<I", number % (1 << 8 * mark.size))


def _other_text(chance: Random, size: int) -> bytes:
    """Return `size` bytes: noise, NULs, one repeated letter, or the beginning of something known."""
    known = b"general.architecture general.alignment split.count tokenizer.ggml.model"
    return chance.choice([chance.randbytes(size), bytes(size), b"a" * size, (known * (size // 70 + 1))[:size]])


def _change_description(chance: Random) -> tuple[str, bytes]:
    """Change the contents of the file, and write it in the correct format."""
    base = chance.choice(_bases())
    change = chance.choice(_CHANGES)
    label, changed = change(chance, base)
    return f"{change.__name__.strip('_')}, {label}", bytes(encode(changed).data)


def _drop_value(chance: Random, base: Description) -> tuple[str, Description]:
    key = chance.choice(list(base.values))
    return str(key), base.without(key)


def _change_number(chance: Random, base: Description) -> tuple[str, Description]:
    keys = [key for key, value in base.values.items() if value.type == ValueType.UINT32]
    key, number = chance.choice(keys), chance.choice(EDGES)
    return f"{key!s} = {number}", base.with_value(key, uint32(number))


def _change_float(chance: Random, base: Description) -> tuple[str, Description]:
    keys = [key for key, value in base.values.items() if value.type == ValueType.FLOAT32]
    number = chance.choice([0.0, -1.0, 1e38, -1e38, float("inf"), float("-inf"), float("nan"), 1e-45])
    key = chance.choice(keys)
    return f"{key!s} = {number}", base.with_value(key, float32(number))


def _change_type(chance: Random, base: Description) -> tuple[str, Description]:
    key = chance.choice(list(base.values))
    other: Value = chance.choice(
        [
            text("llama"),
            text(""),
            text("x" * 100_000),
            uint32(1),
            Value(type=ValueType.UINT64, value=1),
            Value(type=ValueType.INT32, value=-1),
            Value(type=ValueType.BOOL, value=True),
            float32(1.0),
            array(ValueType.STRING, ["a", "b"]),
            array(ValueType.STRING, []),
            array(ValueType.UINT8, [1] * 5),
            array(ValueType.INT32, [1] * 268),
            array(ValueType.FLOAT32, [1.0] * 268),
            array(ValueType.BOOL, [True]),
            array(ValueType.UINT64, [2**63]),
        ]
    )
    return f"{key!s} is {other.type} {other.item}", base.with_value(key, other)


def _add_value(chance: Random, base: Description) -> tuple[str, Description]:
    """Add a key that llama.cpp asks for."""
    number = chance.choice(EDGES)
    keys = (
        "llama.expert_count",
        "llama.expert_used_count",
        "llama.expert_group_count",
        "llama.expert_group_used_count",
        "llama.nextn_predict_layers",
        "llama.attention.key_length",
        "llama.attention.value_length",
        "llama.attention.key_length_swa",
        "llama.attention.sliding_window",
        "llama.rope.dimension_count_swa",
        "llama.rope.scaling.original_context_length",
        "llama.pooling_type",
        "llama.embedding_length_out",
        "tokenizer.ggml.token_type_count",
        "tokenizer.ggml.unknown_token_id",
        "tokenizer.ggml.seperator_token_id",
        "tokenizer.ggml.padding_token_id",
        "tokenizer.ggml.mask_token_id",
        "tokenizer.ggml.eot_token_id",
        "general.quantization_version",
    )
    key = chance.choice(keys)
    return f"{key} = {number}", base.with_value(key, uint32(number))


def _change_text(chance: Random, base: Description) -> tuple[str, Description]:
    key, options = chance.choice(
        [
            ("llama.rope.scaling.type", ["none", "linear", "yarn", "longrope", "", "unknown"]),
            ("tokenizer.ggml.model", ["none", "no_vocab", *_TOKENIZERS]),
            ("tokenizer.ggml.pre", ["default", "llama-bpe", "kimi-k2", "gemma4", "whitespace", "unknown", ""]),
            (
                "general.architecture",
                ["", "clip", "llama4", "qwen2", "bert", "mamba", "rwkv7", "t5"],
            ),
            ("tokenizer.chat_template", ["{% for", "{{ x }}" * 1000, ""]),
            ("general.name", ["phi-3", "phi3", "modern-bert", "\udcff"]),
        ]
    )
    word = chance.choice(options)
    return f"{key} = {word[:20]!r}", base.with_value(key, text(word))


_TOKENIZERS = ["llama", "bert", "gpt2", "t5", "rwkv", "plamo2", "gemma4", "hybriddna", "whitespace", "test", "other"]


def _change_architecture(chance: Random) -> tuple[str, bytes]:
    """Rename the architecture of the same model, including its keys."""
    base, name = chance.choice(_bases()), chance.choice(ARCHITECTURES)
    more = {key: value for key, value in _MORE_NUMBERS.items() if chance.random() < 0.8}
    if ("expert_count" in more) is not ("expert_used_count" in more):  # rejected for every architecture
        more.pop("expert_count", None) or more.pop("expert_used_count", None)
    extra: Values = {f"{name}.{key}": value for key, value in more.items()}
    tokenizer = {key: value for key, value in base.values.items() if str(key).startswith("tokenizer.")}
    return name, bytes(encode(replace(base, values={**hyperparameters(name), **extra, **tokenizer})).data)


_MORE_NUMBERS: dict[str, Value] = {
    "attention.layer_norm_epsilon": float32(1e-5),
    "attention.key_length": uint32(16),
    "attention.value_length": uint32(16),
    "attention.sliding_window": uint32(8),
    "attention.q_lora_rank": uint32(8),
    "attention.kv_lora_rank": uint32(8),
    "attention.max_alibi_bias": float32(8.0),
    "attention.clamp_kqv": float32(8.0),
    "expert_count": uint32(4),
    "expert_used_count": uint32(2),
    "expert_feed_forward_length": uint32(32),
    "expert_shared_count": uint32(1),
    "expert_weights_scale": float32(1.0),
    "leading_dense_block_count": uint32(0),
    "logit_scale": float32(1.0),
    "ssm.conv_kernel": uint32(4),
    "ssm.inner_size": uint32(64),
    "ssm.state_size": uint32(16),
    "ssm.time_step_rank": uint32(2),
    "ssm.group_count": uint32(1),
    "wkv.head_size": uint32(16),
    "rope.dimension_sections": array(ValueType.INT32, [4, 4, 4, 4]),
}


def _change_tokens(chance: Random, base: Description) -> tuple[str, Description]:
    tokens = list(_items(base, "tokenizer.ggml.tokens"))
    label = chance.choice(["duplicate", "empty", "long", "nul", "invalid", "few", "none", "shuffled"])
    at = chance.randrange(len(tokens))
    if label in ("duplicate", "empty", "long", "nul", "invalid"):
        other = chance.choice(tokens)
        tokens[at] = {"duplicate": other, "empty": "", "long": "x" * 70_000, "nul": "a\0b", "invalid": b"\xff\xfe"}[
            label
        ]
    elif label == "shuffled":
        chance.shuffle(tokens)
    else:
        del tokens[3 if label == "few" else 0 :]
    return f"{label} {at}", base.with_value("tokenizer.ggml.tokens", array(ValueType.STRING, tokens))


def _change_token_types(chance: Random, base: Description) -> tuple[str, Description]:
    types = list(_items(base, "tokenizer.ggml.token_type"))
    if chance.random() < 0.3:
        del types[chance.randrange(len(types)) :]
    kind = chance.choice([0, 1, 2, 3, 4, 5, 6, 7, -1])
    for _ in range(chance.choice([1, 20, 268])):
        if types:
            types[chance.randrange(len(types))] = kind
    return f"{kind}", base.with_value("tokenizer.ggml.token_type", array(ValueType.INT32, types))


def _change_merges(chance: Random, base: Description) -> tuple[str, Description]:
    odd = chance.choice(["", " ", "a", "a b c", " a", "a ", "\0 \0", "x" * 70_000, "a b"])
    merges = [odd] * chance.choice([0, 1, 1000])
    return f"{len(merges)} of {odd[:9]!r}", base.with_value("tokenizer.ggml.merges", array(ValueType.STRING, merges))


def _items(base: Description, key: str) -> list[int | float | bool | str | bytes]:
    values = base.values[key].value
    assert isinstance(values, list)
    return values


def _change_tensor_type(chance: Random, base: Description) -> tuple[str, Description]:
    """Give a tensor another type, with as many bytes as that needs."""
    at = chance.randrange(len(base.tensors))
    kind = chance.choice([*range(43)])
    tensor = replace(base.tensors[at], type=kind)
    tensor = replace(tensor, data=chance.randbytes(_size(tensor)))
    return f"{tensor.name!s} as {kind}", _with_tensor(base, at, tensor)


def _change_shape(chance: Random, base: Description) -> tuple[str, Description]:
    at = chance.randrange(len(base.tensors))
    old = base.tensors[at]
    shape = chance.choice(
        [
            (),
            (0,),
            (1,),
            (32, 0),
            (0, 268),
            (32, 1),
            (32, 268, 1, 1),
            (268, 32),
            (32, 2, 134),
            (64, 134),
            (32, 32, 32, 32),
        ]
    )
    tensor = replace(old, shape=shape)
    return f"{old.name!s} as {shape}", _with_tensor(base, at, replace(tensor, data=bytes(_size(tensor))))


def _change_tensor_name(chance: Random, base: Description) -> tuple[str, Description]:
    at = chance.randrange(len(base.tensors))
    names = ["", "output.weight", "blk.1.attn_q.weight", "blk.0.attn_q.bias", "blk.-1.x", "rope_freqs.weight", "a" * 63]
    name = chance.choice(names)
    return f"{base.tensors[at].name!s} to {name[:20]!r}", _with_tensor(base, at, replace(base.tensors[at], name=name))


def _add_tensor(chance: Random, base: Description) -> tuple[str, Description]:
    name, shape = chance.choice(
        [
            ("blk.0.attn_q.bias", (32,)),
            ("blk.0.ffn_gate.bias", (32,)),
            ("rope_freqs.weight", (8,)),
            ("blk.0.attn_q.scale", (1,)),
            ("output.weight", (32, 268)),
            ("blk.0.ffn_gate_inp.weight", (32, 4)),
            ("blk.0.attn_rot_embd", (32,)),
            ("unknown.weight", (1,)),
        ]
    )
    kind = chance.choice([0, 0, 1, 30, 24, 25, 26, 27, 28])
    tensor = TensorData(name=name, shape=shape, type=kind, data=b"")
    tensor = replace(tensor, data=bytes(_size(tensor)))
    return f"{name} as {kind}", replace(base, tensors=(*base.tensors, tensor))


def _change_alignment(chance: Random, base: Description) -> tuple[str, Description]:
    said, done = chance.choice([1, 2, 8, 16, 64, 4096, 2**20]), chance.choice([1, 8, 32, 64])
    changed = base.with_value("general.alignment", uint32(said))
    return f"{said}, done {done}", replace(changed, alignment=said if chance.random() < 0.5 else done)


def _change_split(chance: Random, base: Description) -> tuple[str, Description]:
    count, number = chance.choice([0, 1, 2, 65535]), chance.choice([0, 1, 65535])
    kind = chance.choice([ValueType.UINT16, ValueType.UINT32])
    if kind is ValueType.UINT32:
        count *= 2
    changed = base.with_value("split.count", Value(type=kind, value=count))
    return f"{number} of {count}", changed.with_value("split.no", Value(type=kind, value=number))


def _with_tensor(base: Description, at: int, tensor: TensorData) -> Description:
    return replace(base, tensors=(*base.tensors[:at], tensor, *base.tensors[at + 1 :]))


def _size(tensor: TensorData) -> int:
    from llamapack.gguf.formats import TENSOR_TYPES

    count = 1
    for length in tensor.shape:
        count *= length
    kind = TENSOR_TYPES.get(tensor.type)
    return -(-count // kind.block) * kind.size if kind else count


_CHANGES: list[Callable[[Random, Description], tuple[str, Description]]] = [
    _drop_value,
    _change_number,
    _change_number,
    _change_float,
    _change_type,
    _change_type,
    _add_value,
    _add_value,
    _change_text,
    _change_tokens,
    _change_token_types,
    _change_merges,
    _change_tensor_type,
    _change_shape,
    _change_tensor_name,
    _add_tensor,
    _change_alignment,
    _change_split,
]
