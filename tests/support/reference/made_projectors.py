"""Small projectors with random weights, for the made models: LLaVA's, Gemma 3's, Qwen2-VL's, and Ultravox's for audio.

Their embeddings are meaningless, and of the width of the made models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import gguf
import numpy as np

from tests.support.reference.made_models import N_EMBD, add_value, finish
from tests.support.reference.weights import Floats

WIDTH = 32
INNER = 48
HEADS = 2
BLOCKS = 3
PATCH = 16
MEL_BINS = 16
STACKED = 20
SECONDS = 30
MEAN = (0.48, 0.46, 0.41)
STD = (0.27, 0.26, 0.28)
TOKENS = {"llava": 4, "gemma3": 4, "ultravox": 75}
"""The tokens of an image, or of 30 seconds of audio."""
IMAGE_SIZE = {"llava": 32, "gemma3": 64}
"""Width and height to which each kind brings an image, in pixels; Qwen2-VL's takes images of any size."""
SQUARE = 2 * PATCH
"""Pixels of a side of what is a token to Qwen2-VL."""
Shapes = dict[str, tuple[int, ...]]


def write_projector(path: Path, kind: str = "llava", *, seed: int = 1, width: int = N_EMBD, **metadata: object) -> Path:
    """Write a projector of `kind`, one of KINDS, for a model of `width`; `metadata` is added, with `__` for a dot."""
    shapes, numbers = KINDS[kind]
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "clip")
    for key, value in (numbers | {key.replace("__", "."): value for key, value in metadata.items()}).items():
        add_value(writer, f"clip.{key}", value)
    for name, shape in shapes(width).items():
        writer.add_tensor(name, _random(random, name, shape))
    finish(writer)
    return path


def _random(random: np.random.Generator, name: str, shape: tuple[int, ...]) -> Floats:
    if "ln" in name.split(".")[-2] or "norm" in name:
        middle = 0.0 if name.endswith("bias") else 1.0
        return np.asarray(middle + 0.1 * random.standard_normal(shape), dtype=np.float32)
    if len(shape) == 1 or name.endswith("bias"):
        return np.asarray(0.1 * random.standard_normal(shape), dtype=np.float32)
    # a table of positions is added to what has about this size; all others keep the size of what they multiply
    size = 0.5 if "embd.weight" in name and "patch" not in name else 1 / np.sqrt(np.prod(shape[1:]))
    if name == "mm.input_projection.weight":
        size = 1 / np.sqrt(shape[0])
    return np.asarray(size * random.standard_normal(shape), dtype=np.float32)


def _encoder(side: str, *, key_bias: bool = True) -> Shapes:
    shapes: Shapes = {}
    for block in (f"{side}.blk.{index}" for index in range(BLOCKS)):
        for name, rows, columns in (
            ("attn_q", WIDTH, WIDTH),
            ("attn_k", WIDTH, WIDTH),
            ("attn_v", WIDTH, WIDTH),
            ("attn_out", WIDTH, WIDTH),
            ("ffn_up", INNER, WIDTH),
            ("ffn_down", WIDTH, INNER),
        ):
            shapes[f"{block}.{name}.weight"] = (rows, columns)
            if key_bias or name != "attn_k":
                shapes[f"{block}.{name}.bias"] = (rows,)
        for name in ("ln1", "ln2"):
            shapes |= {f"{block}.{name}.weight": (WIDTH,), f"{block}.{name}.bias": (WIDTH,)}
    return shapes


def _llava(width: int) -> Shapes:
    patches = (IMAGE_SIZE["llava"] // PATCH) ** 2
    return _encoder("v") | {
        "v.patch_embd.weight": (WIDTH, 3, PATCH, PATCH),
        "v.position_embd.weight": (patches, WIDTH),
        "v.pre_ln.weight": (WIDTH,),
        "v.pre_ln.bias": (WIDTH,),
        "mm.0.weight": (width, WIDTH),
        "mm.0.bias": (width,),
        "mm.2.weight": (width, width),
        "mm.2.bias": (width,),
    }


def _gemma3(width: int) -> Shapes:
    patches = (IMAGE_SIZE["gemma3"] // PATCH) ** 2
    return _encoder("v") | {
        "v.patch_embd.weight": (WIDTH, 3, PATCH, PATCH),
        "v.patch_embd.bias": (WIDTH,),
        "v.position_embd.weight": (patches, WIDTH),
        "v.post_ln.weight": (WIDTH,),
        "v.post_ln.bias": (WIDTH,),
        "mm.soft_emb_norm.weight": (WIDTH,),
        "mm.input_projection.weight": (WIDTH, width),
    }


def _qwen2vl(width: int) -> Shapes:
    return _encoder("v") | {
        "v.patch_embd.weight": (WIDTH, 3, PATCH, PATCH),
        "v.patch_embd.weight.1": (WIDTH, 3, PATCH, PATCH),
        "v.post_ln.weight": (WIDTH,),
        "v.post_ln.bias": (WIDTH,),
        "mm.0.weight": (4 * WIDTH, 4 * WIDTH),
        "mm.0.bias": (4 * WIDTH,),
        "mm.2.weight": (width, 4 * WIDTH),
        "mm.2.bias": (width,),
    }


def _ultravox(width: int) -> Shapes:
    return _encoder("a", key_bias=False) | {
        "a.conv1d.1.weight": (WIDTH, MEL_BINS, 3),
        "a.conv1d.1.bias": (WIDTH, 1),
        "a.conv1d.2.weight": (WIDTH, WIDTH, 3),
        "a.conv1d.2.bias": (WIDTH, 1),
        "a.position_embd.weight": (SECONDS * 50, WIDTH),
        "a.post_ln.weight": (WIDTH,),
        "a.post_ln.bias": (WIDTH,),
        "mm.a.norm_pre.weight": (WIDTH * STACKED,),
        "mm.a.mlp.1.weight": (2 * INNER, WIDTH * STACKED),
        "mm.a.norm_mid.weight": (INNER,),
        "mm.a.mlp.2.weight": (width, INNER),
    }


def _sizes(side: str) -> dict[str, object]:
    return {
        f"has_{side}_encoder": True,
        f"{side}.embedding_length": WIDTH,
        f"{side}.feed_forward_length": INNER,
        f"{side}.block_count": BLOCKS,
        f"{side}.projection_dim": N_EMBD,
        f"{side}.attention.head_count": HEADS,
        f"{side}.attention.layer_norm_epsilon": 1e-5,
    }


def _pixels(kind: str) -> dict[str, object]:
    return {
        "vision.image_size": IMAGE_SIZE.get(kind, 8 * SQUARE),
        "vision.patch_size": PATCH,
        "vision.image_mean": list(MEAN),
        "vision.image_std": list(STD),
    }


_AUDIO = {"audio.num_mel_bins": MEL_BINS, "audio.projector.stack_factor": STACKED, **_sizes("audio")}

KINDS: Mapping[str, tuple[Callable[[int], Shapes], dict[str, object]]] = {
    "llava": (_llava, {"projector_type": "mlp", **_sizes("vision"), **_pixels("llava")}),
    "gemma3": (
        _gemma3,
        {
            "projector_type": "gemma3",
            "use_gelu": True,
            "vision.projector.scale_factor": 2,
            **_sizes("vision"),
            **_pixels("gemma3"),
        },
    ),
    "qwen2vl": (_qwen2vl, {"projector_type": "qwen2vl_merger", **_sizes("vision"), **_pixels("qwen2vl")}),
    "ultravox": (_ultravox, {"projector_type": "ultravox", **_AUDIO}),
    "llava and ultravox": (
        lambda width: _llava(width) | _ultravox(width),
        {
            "vision.projector_type": "mlp",
            "audio.projector_type": "ultravox",
            **_sizes("vision"),
            **_pixels("llava"),
            **_AUDIO,
        },
    ),
}
