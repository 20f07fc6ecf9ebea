"""Small models with random weights, one for each kind of memory and of position that llama.cpp has.

Their output is meaningless. Without a vocabulary their tokens are numbers without text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import gguf
import numpy as np

from tests.support.gguf.files import Values
from tests.support.reference.made_vocabularies import add_vocabulary, add_words, tokens_of, whole_words
from tests.support.reference.weights import Floats

N_VOCAB = 96
N_EMBD = 64
N_FF = 96
N_HEAD = 2  # of 32 each, so that quantized caches fit
N_CTX = 512
N_EXPERT = 4
Shapes = dict[str, tuple[int, ...]]


def write_model(
    path: Path,
    kind: str,
    *,
    seed: int = 1,
    n_layer: int = 2,
    n_vocab: int = N_VOCAB,
    words: Sequence[str] = (),
    vocabulary: Values | None = None,
    weights: Mapping[str, Floats] | None = None,
    **metadata: object,
) -> Path:
    """Write a model of `kind`, one of KINDS, with random weights; `metadata` is added, with `__` for a dot.

    With `words`, it has BERT's tokenizer, and these are its tokens. With `vocabulary`, it has that one. Without both it
    has none. `weights` replace random ones by name, or are added to them.
    """
    if vocabulary is not None:
        n_vocab = len(tokens_of(vocabulary))
    architecture, shapes = KINDS[kind]
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, architecture)
    numbers: dict[str, object] = {
        "context_length": N_CTX,
        "embedding_length": N_EMBD,
        "block_count": n_layer,
        "feed_forward_length": N_FF,
        "attention.head_count": N_HEAD,
        "attention.head_count_kv": N_HEAD if architecture in ("gpt2", "bert", "t5") else 1,
        "attention.layer_norm_rms_epsilon": 1e-5,
        "attention.layer_norm_epsilon": 1e-5,
        "vocab_size": n_vocab,
        **EXTRA.get(kind, {}),
        **{key.replace("__", "."): value for key, value in metadata.items()},
    }
    for key, value in numbers.items():
        add_value(writer, key if key.startswith("tokenizer.") else f"{architecture}.{key}", value)
    if vocabulary is not None:
        add_vocabulary(writer, vocabulary)
    elif words:
        add_words(writer, whole_words(words, n_vocab))
    else:
        writer.add_tokenizer_model("none")
    made = {name: _random(random, name, shape) for name, shape in shapes(n_layer, n_vocab).items()}
    for name, tensor in (made | dict(weights or {})).items():
        writer.add_tensor(name, tensor)
    finish(writer)
    return path


def finish(writer: gguf.GGUFWriter) -> None:
    """Write the file."""
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_value(writer: gguf.GGUFWriter, key: str, value: object) -> None:
    """Add a value with the type that llama.cpp expects."""
    if isinstance(value, bool):
        writer.add_bool(key, value)
    elif isinstance(value, int):
        writer.add_uint32(key, value)
    elif isinstance(value, float):
        writer.add_float32(key, value)
    elif isinstance(value, str):
        writer.add_string(key, value)
    else:
        assert isinstance(value, Sequence), value
        writer.add_array(key, value)


def _random(random: np.random.Generator, name: str, shape: tuple[int, ...]) -> Floats:
    if name.endswith("norm.weight") or "_norm" in name:
        return np.asarray(1 + 0.1 * random.standard_normal(shape), dtype=np.float32)
    if name.endswith("ssm_a"):
        return np.asarray(-np.abs(random.standard_normal(shape)) - 0.1, dtype=np.float32)
    return np.asarray(random.standard_normal(shape) / np.sqrt(shape[-1]), dtype=np.float32)


def _llama(n_layer: int, n_vocab: int, *, bias: bool = False, post: bool = False, wide: bool = False) -> Shapes:
    shapes: Shapes = {"token_embd.weight": (n_vocab, N_EMBD), "output_norm.weight": (N_EMBD,)}
    half = N_EMBD if wide else N_EMBD // N_HEAD
    for layer in (f"blk.{index}" for index in range(n_layer)):
        shapes |= {
            f"{layer}.attn_norm.weight": (N_EMBD,),
            f"{layer}.attn_q.weight": (N_EMBD, N_EMBD),
            f"{layer}.attn_k.weight": (half, N_EMBD),
            f"{layer}.attn_v.weight": (half, N_EMBD),
            f"{layer}.attn_output.weight": (N_EMBD, N_EMBD),
            f"{layer}.ffn_norm.weight": (N_EMBD,),
            f"{layer}.ffn_gate.weight": (N_FF, N_EMBD),
            f"{layer}.ffn_up.weight": (N_FF, N_EMBD),
            f"{layer}.ffn_down.weight": (N_EMBD, N_FF),
        }
        if bias:
            shapes |= {f"{layer}.attn_{n}.bias": (N_EMBD if n == "q" else half,) for n in "qkv"}
        if post:
            shapes |= {f"{layer}.{name}.weight": (N_EMBD,) for name in ("post_attention_norm", "post_ffw_norm")}
            shapes |= {f"{layer}.attn_{n}_norm.weight": (half,) for n in "qk"}
    return shapes


def _moe(n_layer: int, n_vocab: int) -> Shapes:
    """Return the shapes of a llama with several feed-forward networks in each layer, of which some are used."""
    shapes: Shapes = _llama(n_layer, n_vocab) | {"output.weight": (n_vocab, N_EMBD)}
    for layer in (f"blk.{index}" for index in range(n_layer)):
        for name in ("gate", "up", "down"):
            shapes[f"{layer}.ffn_{name}_exps.weight"] = (N_EXPERT, *shapes.pop(f"{layer}.ffn_{name}.weight"))
        shapes[f"{layer}.ffn_gate_inp.weight"] = (N_EXPERT, N_EMBD)
    return shapes


def _gpt2(n_layer: int, n_vocab: int) -> Shapes:
    shapes: Shapes = {
        "token_embd.weight": (n_vocab, N_EMBD),
        "position_embd.weight": (N_CTX, N_EMBD),
        "output_norm.weight": (N_EMBD,),
        "output_norm.bias": (N_EMBD,),
    }
    for layer in (f"blk.{index}" for index in range(n_layer)):
        for name, rows, columns in (
            ("attn_qkv", 3 * N_EMBD, N_EMBD),
            ("attn_output", N_EMBD, N_EMBD),
            ("ffn_up", N_FF, N_EMBD),
            ("ffn_down", N_EMBD, N_FF),
        ):
            shapes |= {f"{layer}.{name}.weight": (rows, columns), f"{layer}.{name}.bias": (rows,)}
        for name in ("attn_norm", "ffn_norm"):
            shapes |= {f"{layer}.{name}.weight": (N_EMBD,), f"{layer}.{name}.bias": (N_EMBD,)}
    return shapes


def _bert(n_layer: int, n_vocab: int) -> Shapes:
    shapes: Shapes = {
        "token_embd.weight": (n_vocab, N_EMBD),
        "token_types.weight": (2, N_EMBD),
        "position_embd.weight": (N_CTX, N_EMBD),
        "token_embd_norm.weight": (N_EMBD,),
        "token_embd_norm.bias": (N_EMBD,),
    }
    for layer in (f"blk.{index}" for index in range(n_layer)):
        for name, rows, columns in (
            ("attn_q", N_EMBD, N_EMBD),
            ("attn_k", N_EMBD, N_EMBD),
            ("attn_v", N_EMBD, N_EMBD),
            ("attn_output", N_EMBD, N_EMBD),
            ("ffn_up", N_FF, N_EMBD),
            ("ffn_down", N_EMBD, N_FF),
        ):
            shapes |= {f"{layer}.{name}.weight": (rows, columns), f"{layer}.{name}.bias": (rows,)}
        for name in ("attn_output_norm", "layer_output_norm"):
            shapes |= {f"{layer}.{name}.weight": (N_EMBD,), f"{layer}.{name}.bias": (N_EMBD,)}
    return shapes


def _reranker(n_layer: int, n_vocab: int) -> Shapes:
    return _bert(n_layer, n_vocab) | {"cls.output.weight": (1, N_EMBD), "cls.output.bias": (1,)}


def _pooled_reranker(n_layer: int, n_vocab: int) -> Shapes:
    return _reranker(n_layer, n_vocab) | {"cls.weight": (N_EMBD, N_EMBD), "cls.bias": (N_EMBD,)}


def _t5(n_layer: int, n_vocab: int) -> Shapes:
    shapes: Shapes = {
        "token_embd.weight": (n_vocab, N_EMBD),
        "enc.output_norm.weight": (N_EMBD,),
        "dec.output_norm.weight": (N_EMBD,),
    }
    for side in ("enc", "dec"):
        for layer in (f"{side}.blk.{index}" for index in range(n_layer)):
            attentions = ("attn",) if side == "enc" else ("attn", "cross_attn")
            for attention in attentions:
                shapes |= {f"{layer}.{attention}_{n}.weight": (N_EMBD, N_EMBD) for n in "qkvo"}
                shapes |= {f"{layer}.{attention}_norm.weight": (N_EMBD,)}
            shapes |= {
                f"{layer}.attn_rel_b.weight": (32, N_HEAD),
                f"{layer}.ffn_norm.weight": (N_EMBD,),
                f"{layer}.ffn_up.weight": (N_FF, N_EMBD),
                f"{layer}.ffn_down.weight": (N_EMBD, N_FF),
            }
    return shapes


def _mamba(n_layer: int, n_vocab: int) -> Shapes:
    inner, state, rank = 2 * N_EMBD, 16, 4
    shapes: Shapes = {"token_embd.weight": (n_vocab, N_EMBD), "output_norm.weight": (N_EMBD,)}
    for layer in (f"blk.{index}" for index in range(n_layer)):
        shapes |= {
            f"{layer}.attn_norm.weight": (N_EMBD,),
            f"{layer}.ssm_in.weight": (2 * inner, N_EMBD),
            f"{layer}.ssm_conv1d.weight": (inner, 4),
            f"{layer}.ssm_conv1d.bias": (inner,),
            f"{layer}.ssm_x.weight": (rank + 2 * state, inner),
            f"{layer}.ssm_dt.weight": (inner, rank),
            f"{layer}.ssm_dt.bias": (inner,),
            f"{layer}.ssm_a": (inner, state),
            f"{layer}.ssm_d": (inner,),
            f"{layer}.ssm_out.weight": (N_EMBD, inner),
        }
    return shapes


def _lfm2(n_layer: int, n_vocab: int) -> Shapes:
    """One layer with attention, the others with a short convolution."""
    shapes: Shapes = {"token_embd.weight": (n_vocab, N_EMBD), "token_embd_norm.weight": (N_EMBD,)}
    for index in range(n_layer):
        layer = f"blk.{index}"
        shapes |= {
            f"{layer}.attn_norm.weight": (N_EMBD,),
            f"{layer}.ffn_norm.weight": (N_EMBD,),
            f"{layer}.ffn_gate.weight": (N_FF, N_EMBD),
            f"{layer}.ffn_up.weight": (N_FF, N_EMBD),
            f"{layer}.ffn_down.weight": (N_EMBD, N_FF),
        }
        if index == 0:
            shapes |= {f"{layer}.attn_{n}.weight": (N_EMBD if n == "q" else 32, N_EMBD) for n in "qkv"}
            shapes |= {f"{layer}.attn_{n}_norm.weight": (32,) for n in "qk"}
            shapes |= {f"{layer}.attn_output.weight": (N_EMBD, N_EMBD)}
        else:
            shapes |= {
                f"{layer}.shortconv.conv.weight": (N_EMBD, 3),
                f"{layer}.shortconv.in_proj.weight": (3 * N_EMBD, N_EMBD),
                f"{layer}.shortconv.out_proj.weight": (N_EMBD, N_EMBD),
            }
    return shapes


def _mimo2(n_layer: int, n_vocab: int) -> Shapes:
    """Return the shapes of a model whose last layer predicts the token after the next one."""
    shapes: Shapes = _llama(n_layer, n_vocab) | {"output.weight": (n_vocab, N_EMBD)}
    for layer in (f"blk.{index}" for index in range(n_layer)):
        rows = sum(shapes.pop(f"{layer}.attn_{name}.weight")[0] for name in "qkv")
        shapes |= {f"{layer}.attn_qkv.weight": (rows, N_EMBD)}
    last = f"blk.{n_layer - 1}.nextn"
    shapes |= {f"{last}.eh_proj.weight": (N_EMBD, 2 * N_EMBD)}
    return shapes | {f"{last}.{name}.weight": (N_EMBD,) for name in ("enorm", "hnorm", "shared_head_norm")}


KINDS: Mapping[str, tuple[str, Callable[[int, int], Shapes]]] = {
    "llama": ("llama", _llama),
    "narrow": ("llama", _llama),  # heads too narrow for quantized caches
    "untied": ("llama", lambda n_layer, n_vocab: _llama(n_layer, n_vocab) | {"output.weight": (n_vocab, N_EMBD)}),
    "wide": ("llama", lambda n_layer, n_vocab: _llama(n_layer, n_vocab, wide=True)),  # one head of 64
    "moe": ("llama", _moe),
    "gpt2": ("gpt2", _gpt2),  # absolute positions
    "bert": ("bert", _bert),  # no memory
    "reranker": ("bert", _reranker),
    "pooled reranker": ("bert", _pooled_reranker),
    "t5": ("t5", _t5),  # encoder and decoder
    "mamba": ("mamba", _mamba),  # recurrent
    "lfm2": ("lfm2", _lfm2),  # hybrid
    "gemma3": ("gemma3", lambda n_layer, n_vocab: _llama(n_layer, n_vocab, post=True)),  # sliding windows
    "mimo2": ("mimo2", _mimo2),  # predicts a token more
    "qwen2vl": ("qwen2vl", lambda n_layer, n_vocab: _llama(n_layer, n_vocab, bias=True)),  # several positions a row
}
EXTRA: Mapping[str, Mapping[str, object]] = {
    "llama": {"rope.dimension_count": 32, "rope.freq_base": 10000.0},
    "wide": {"rope.dimension_count": 64, "attention.head_count": 1},
    "moe": {"rope.dimension_count": 32, "rope.freq_base": 10000.0, "expert_count": N_EXPERT, "expert_used_count": 2},
    "narrow": {"rope.dimension_count": 16, "attention.head_count": 4, "attention.head_count_kv": 2},
    "bert": {"attention.causal": False, "pooling_type": 1, "tokenizer.ggml.token_type_count": 2},
    "reranker": {"attention.causal": False, "pooling_type": 4, "tokenizer.ggml.token_type_count": 2},
    "pooled reranker": {"attention.causal": False, "pooling_type": 4, "tokenizer.ggml.token_type_count": 2},
    "t5": {"attention.relative_buckets_count": 32, "decoder_start_token_id": 0},
    "mamba": {
        "ssm.conv_kernel": 4,
        "ssm.inner_size": 2 * N_EMBD,
        "ssm.state_size": 16,
        "ssm.time_step_rank": 4,
        "attention.head_count": 0,
        "attention.head_count_kv": 0,
        "feed_forward_length": 0,
    },
    "lfm2": {"shortconv.l_cache": 3, "attention.head_count_kv": [1, 0]},
    "gemma3": {"attention.sliding_window": 16, "attention.key_length": 32, "attention.value_length": 32},
    "mimo2": {
        "nextn_predict_layers": 1,
        "expert_feed_forward_length": N_FF,
        "attention.sliding_window": 16,
        "attention.sliding_window_pattern": [1, 0],
        "attention.key_length": 32,
        "attention.value_length": 32,
        "rope.dimension_count": 32,
    },
    "qwen2vl": {"rope.dimension_sections": [4, 6, 6, 0]},
}
