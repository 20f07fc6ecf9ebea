"""Write GGUF files, valid or not, and remember where each field is.

A file is described as data, so that a test can change the description, or the bytes of a field.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from llamapack.gguf.formats import SCALARS, TENSOR_TYPES, ValueType

MarkKind = Literal["magic", "version", "count", "length", "text", "type", "number", "dimension", "offset", "data"]
Item = int | float | bool | str | bytes


@dataclass(frozen=True, kw_only=True)
class Mark:
    """The place of a field in a file, and its kind."""

    kind: MarkKind
    label: str
    at: int
    size: int


@dataclass(frozen=True, kw_only=True)
class Value:
    """A metadata value; `item` is the type of an array's elements."""

    type: int
    value: Item | Sequence[Item]
    item: int | None = None


Values = dict[str | bytes, Value]


@dataclass(frozen=True, kw_only=True)
class TensorData:
    """A tensor; its offset is computed unless it is given."""

    name: str | bytes
    shape: tuple[int, ...]
    type: int
    data: bytes
    offset: int | None = None


@dataclass(frozen=True, kw_only=True)
class Description:
    """Everything that a file contains."""

    values: Values
    tensors: tuple[TensorData, ...] = ()
    version: int = 3
    alignment: int = 32

    def with_value(self, key: str | bytes, value: Value) -> Description:
        """Return a copy that has `value` under `key`."""
        return replace(self, values={**self.values, key: value})

    def without(self, key: str | bytes) -> Description:
        """Return a copy that has no `key`."""
        return replace(self, values={name: value for name, value in self.values.items() if name != key})


@dataclass(kw_only=True)
class Encoded:
    """The bytes of a file, and the marks of its fields."""

    data: bytearray = field(default_factory=bytearray)
    marks: list[Mark] = field(default_factory=list)

    def put(self, kind: MarkKind, label: str, raw: bytes) -> None:
        """Append `raw` and its mark."""
        self.marks.append(Mark(kind=kind, label=label, at=len(self.data), size=len(raw)))
        self.data += raw

    def put_string(self, label: str, text: str | bytes) -> None:
        """Append a text, preceded by its length."""
        raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        self.put("length", label, struct.pack("<Q", len(raw)))
        self.put("text", label, raw)

    def find(self, label: str, kind: MarkKind) -> Mark:
        """Return the first mark of that label and kind."""
        return next(mark for mark in self.marks if mark.label == label and mark.kind == kind)


def text(value: str | bytes) -> Value:
    """Describe a string."""
    return Value(type=ValueType.STRING, value=value)


def uint32(value: int) -> Value:
    """Describe a uint32."""
    return Value(type=ValueType.UINT32, value=value)


def float32(value: float) -> Value:
    """Describe a float32."""
    return Value(type=ValueType.FLOAT32, value=value)


def array(item: ValueType, values: Sequence[Item]) -> Value:
    """Describe an array."""
    return Value(type=ValueType.ARRAY, value=values, item=item)


def encode(described: Description) -> Encoded:
    """Return the bytes of the described file."""
    out = Encoded()
    out.put("magic", "magic", b"GGUF")
    out.put("version", "version", struct.pack("<I", described.version))
    out.put("count", "tensors", struct.pack("<Q", len(described.tensors)))
    out.put("count", "entries", struct.pack("<Q", len(described.values)))
    for key, value in described.values.items():
        _put_value(out, key, value)
    offset = 0
    for tensor in described.tensors:
        _put_tensor(out, tensor, offset)
        offset += _padded(len(tensor.data), described.alignment)
    for tensor in described.tensors:
        out.data += bytes(_padded(len(out.data), described.alignment) - len(out.data))
        out.put("data", str(tensor.name), tensor.data)
    return out


def _put_value(out: Encoded, key: str | bytes, value: Value) -> None:
    label = str(key)
    out.put_string(f"key {label}", key)
    out.put("type", label, struct.pack("<I", value.type))
    if value.item is None:
        _put_item(out, label, value.type, value.value)
        return
    assert isinstance(value.value, Sequence)
    out.put("type", f"item {label}", struct.pack("<I", value.item))
    out.put("count", label, struct.pack("<Q", len(value.value)))
    for item in value.value:
        _put_item(out, label, value.item, item)


def _put_item(out: Encoded, label: str, kind: int, item: object) -> None:
    if kind == ValueType.STRING:
        assert isinstance(item, (str, bytes))
        out.put_string(label, item)
    else:
        out.put("number", label, SCALARS[ValueType(kind)].pack(item))


def _put_tensor(out: Encoded, tensor: TensorData, offset: int) -> None:
    label = str(tensor.name)
    out.put_string(f"tensor {label}", tensor.name)
    out.put("count", f"dimensions {label}", struct.pack("<I", len(tensor.shape)))
    for length in tensor.shape:
        out.put("dimension", label, struct.pack("<Q", length))
    out.put("type", f"tensor {label}", struct.pack("<I", tensor.type))
    out.put("offset", label, struct.pack("<Q", offset if tensor.offset is None else tensor.offset))


def _padded(size: int, alignment: int) -> int:
    return (size + alignment - 1) // alignment * alignment


def byte_tokens() -> list[str]:
    """Return GPT-2's characters for the 256 bytes."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in plain]
    letters = {byte: chr(byte) for byte in plain} | {byte: chr(256 + at) for at, byte in enumerate(rest)}
    return [letters[byte] for byte in range(256)]


MERGES = ("h e", "l l", "he ll", "hell o", "Ġ w", "o r", "Ġw or", "l d", "Ġwor ld")
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
WIDTH = 32


def bpe_vocabulary(special: Sequence[str] = SPECIAL, more: Sequence[str] = ()) -> Values:
    """Describe a byte-level vocabulary of 268 tokens, with three `special` ones: unknown, begin, end; and of `more`."""
    tokens = [*special, *byte_tokens(), *(merge.replace(" ", "") for merge in MERGES), *more]
    return {
        "tokenizer.ggml.model": text("gpt2"),
        "tokenizer.ggml.pre": text("gpt-2"),
        "tokenizer.ggml.tokens": array(ValueType.STRING, tokens),
        "tokenizer.ggml.token_type": array(ValueType.INT32, [3 if token in special else 1 for token in tokens]),
        "tokenizer.ggml.merges": array(ValueType.STRING, list(MERGES)),
        "tokenizer.ggml.bos_token_id": uint32(1),
        "tokenizer.ggml.eos_token_id": uint32(2),
        "tokenizer.ggml.add_bos_token": Value(type=ValueType.BOOL, value=False),
    }


def spm_vocabulary() -> Values:
    """Describe a SentencePiece vocabulary of 268 tokens with byte fallback."""
    words = ["▁", "h", "e", "l", "o", "he", "ll", "▁w", "▁world"]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *words]
    types = [2, 3, 3, *(6 for _ in range(256)), *(1 for _ in words)]
    return {
        "tokenizer.ggml.model": text("llama"),
        "tokenizer.ggml.tokens": array(ValueType.STRING, tokens),
        "tokenizer.ggml.scores": array(ValueType.FLOAT32, [-float(at) for at in range(len(tokens))]),
        "tokenizer.ggml.token_type": array(ValueType.INT32, types),
        "tokenizer.ggml.bos_token_id": uint32(1),
        "tokenizer.ggml.eos_token_id": uint32(2),
        "tokenizer.ggml.unknown_token_id": uint32(0),
    }


def hyperparameters(architecture: str = "llama") -> Values:
    """Describe the sizes of the tiny model."""
    return {
        "general.architecture": text(architecture),
        "general.name": text("tiny"),
        "general.alignment": uint32(32),
        "general.file_type": uint32(7),
        f"{architecture}.context_length": uint32(64),
        f"{architecture}.embedding_length": uint32(WIDTH),
        f"{architecture}.block_count": uint32(1),
        f"{architecture}.feed_forward_length": uint32(WIDTH),
        f"{architecture}.attention.head_count": uint32(2),
        f"{architecture}.attention.head_count_kv": uint32(1),
        f"{architecture}.attention.layer_norm_rms_epsilon": float32(1e-5),
        f"{architecture}.rope.dimension_count": uint32(WIDTH // 2),
        f"{architecture}.rope.freq_base": float32(10000.0),
        f"{architecture}.vocab_size": uint32(268),
    }


def tiny_tensors() -> tuple[TensorData, ...]:
    """Describe the weights of a llama of one layer: Q8_0 embeddings, Q4_0 matrices, F32 norms; the same each time."""
    half = WIDTH // 2
    numbers = random.Random(0)  # noqa: S311 - weights, not secrets
    shapes = {
        "token_embd.weight": (8, (WIDTH, 268)),
        "output_norm.weight": (0, (WIDTH,)),
        "blk.0.attn_norm.weight": (0, (WIDTH,)),
        "blk.0.attn_q.weight": (2, (WIDTH, WIDTH)),
        "blk.0.attn_k.weight": (2, (WIDTH, half)),
        "blk.0.attn_v.weight": (2, (WIDTH, half)),
        "blk.0.attn_output.weight": (2, (WIDTH, WIDTH)),
        "blk.0.ffn_norm.weight": (0, (WIDTH,)),
        "blk.0.ffn_gate.weight": (2, (WIDTH, WIDTH)),
        "blk.0.ffn_down.weight": (2, (WIDTH, WIDTH)),
        "blk.0.ffn_up.weight": (2, (WIDTH, WIDTH)),
    }
    return tuple(
        TensorData(name=name, shape=shape, type=kind, data=_weights(numbers, kind, shape))
        for name, (kind, shape) in shapes.items()
    )


def _weights(numbers: random.Random, kind: int, shape: tuple[int, ...]) -> bytes:
    count = 1
    for length in shape:
        count *= length
    if kind == 0:
        return b"".join(struct.pack("<f", numbers.uniform(0.5, 1.5)) for _ in range(count))
    stored = TENSOR_TYPES[kind]
    # a block of either type is a half-precision scale and small integers
    return b"".join(struct.pack("<e", 0.01) + numbers.randbytes(stored.size - 2) for _ in range(count // stored.block))


def tiny_model(special: Sequence[str] = SPECIAL) -> Description:
    """Describe a llama of one layer and 268 tokens that loads and runs, in 20 KB."""
    return Description(values={**hyperparameters(), **bpe_vocabulary(special)}, tensors=tiny_tensors())
