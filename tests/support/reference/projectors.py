"""Independent forward passes of projectors in numpy, to compare llama.cpp's embeddings with.

Written from the papers and the definitions of the models: a vision transformer that normalizes before each sum, as in
CLIP and SigLIP, with LLaVA's projector on the output of its last block but one, or Gemma 3's on that of the last;
Qwen2-VL's, whose attention knows rows and columns by rotation; Whisper's encoder with Ultravox's projector. Weights
have GGUF's names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.support.reference.bert import gelu
from tests.support.reference.weights import Floats, Weights

Pixels = NDArray[np.uint8]
LOW_HZ, LOG_STEP = 1000.0, np.log(6.4) / 27
WHISPERS_FLOOR = 1e-10
SAMPLE_RATE, WINDOW, HOP, SECONDS = 16_000, 400, 160, 30


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """Blocks of attention and of two linear layers; `side` is "v" for images and "a" for audio.

    `places` are row and column of each patch, by which queries and keys are rotated.
    """

    weights: Weights
    side: str
    activation: Callable[[Floats], Floats]
    places: NDArray[np.int64] | None = None

    def run(self, x: Floats, blocks: int) -> Floats:
        """Return the output of the block number `blocks`, a row for each row of `x`."""
        for block in (f"{self.side}.blk.{index}" for index in range(blocks)):
            x = x + self._attention(self.norm(x, f"{block}.ln1"), block)
            inner = self.activation(self.linear(self.norm(x, f"{block}.ln2"), f"{block}.ffn_up"))
            x = x + self.linear(inner, f"{block}.ffn_down")
        return x

    def number(self, key: str) -> float:
        """Return the number under `key` of this side."""
        return self.weights.number(f"{'vision' if self.side == 'v' else 'audio'}.{key}")

    def linear(self, x: Floats, name: str) -> Floats:
        """Return `x` times a matrix, with the bias that belongs to it, if there is one."""
        bias = self.weights.tensors.get(f"{name}.bias", np.zeros(1, dtype=np.float32))
        return np.asarray(x @ self.weights.tensors[f"{name}.weight"].T + bias, dtype=np.float32)

    def norm(self, x: Floats, name: str) -> Floats:
        """Return the rows with mean 0 and variance 1, scaled and shifted by the weights."""
        x = x - x.mean(axis=-1, keepdims=True)
        scale = np.sqrt((x * x).mean(axis=-1, keepdims=True) + self.number("attention.layer_norm_epsilon"))
        weight, bias = (self.weights.tensors[f"{name}.{part}"] for part in ("weight", "bias"))
        return np.asarray(x / scale * weight + bias, dtype=np.float32)

    def _attention(self, x: Floats, block: str) -> Floats:
        heads = int(self.number("attention.head_count"))
        q, k, v = (self.linear(x, f"{block}.attn_{name}").reshape(len(x), heads, -1) for name in "qkv")
        if self.places is not None:
            q, k = (_rotated(each, self.places) for each in (q, k))
        scores = np.einsum("qhd,khd->hqk", q, k) / np.sqrt(np.float32(q.shape[-1]))
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = np.einsum("hqk,khd->qhd", scores / scores.sum(axis=-1, keepdims=True), v)
        return self.linear(mixed.reshape(len(x), -1), f"{block}.attn_out")


def embed_llava(weights: Weights, pixels: Pixels) -> Floats:
    """Return a row for each patch of an image of the projector's own size: RGB bytes, height by width by 3."""
    encoder = Encoder(weights=weights, side="v", activation=quick_gelu)
    x = encoder.norm(_patches(encoder, pixels), "v.pre_ln")
    x = encoder.run(x, int(encoder.number("block_count")) - 1)
    return encoder.linear(tanh_gelu(encoder.linear(x, "mm.0")), "mm.2")


def embed_gemma3(weights: Weights, pixels: Pixels) -> Floats:
    """Return a row for each square of patches of an image of the projector's own size: RGB bytes, as for LLaVA."""
    encoder = Encoder(weights=weights, side="v", activation=tanh_gelu)
    x = encoder.run(_patches(encoder, pixels), int(encoder.number("block_count")))
    x = encoder.norm(x, "v.post_ln")
    side, pooled = int(len(x) ** 0.5), int(encoder.number("projector.scale_factor"))
    squares = x.reshape(side // pooled, pooled, side // pooled, pooled, -1)
    x = squares.mean(axis=(1, 3)).reshape(-1, x.shape[-1])
    x = _rms(x, encoder.number("attention.layer_norm_epsilon")) * weights.tensors["mm.soft_emb_norm.weight"]
    return np.asarray(x @ weights.tensors["mm.input_projection.weight"], dtype=np.float32)


def embed_qwen2vl(weights: Weights, pixels: Pixels) -> Floats:
    """Return a row for each square of four patches of an image whose sides are whole squares: RGB bytes, as above."""
    rows, columns = (side // int(weights.metadata["clip.vision.patch_size"]) for side in pixels.shape[:2])
    # the patches of a square are neighbours: its upper two, its lower two, and then those of the square to its right
    order = np.arange(rows * columns).reshape(rows // 2, 2, columns // 2, 2).transpose(0, 2, 1, 3).reshape(-1)
    places = np.stack([order // columns, order % columns], axis=-1)
    encoder = Encoder(weights=weights, side="v", activation=quick_gelu, places=places)
    kernel = weights.tensors["v.patch_embd.weight"] + weights.tensors["v.patch_embd.weight.1"]  # the same image twice
    x = (_brightness(encoder, pixels) @ kernel.reshape(len(kernel), -1).T)[order]
    x = encoder.norm(encoder.run(x, int(encoder.number("block_count"))), "v.post_ln")
    return encoder.linear(gelu(encoder.linear(x.reshape(len(x) // 4, -1), "mm.0")), "mm.2")


def embed_ultravox(weights: Weights, samples: Floats, floor: float = WHISPERS_FLOOR) -> Floats:
    """Return the rows of at most 30 seconds of audio, 16,000 samples a second; `floor` is as for `log_mel`."""
    encoder = Encoder(weights=weights, side="a", activation=gelu)
    x = log_mel(samples, int(encoder.number("num_mel_bins")), floor)
    x = gelu(_convolved(weights, x, "a.conv1d.1", stride=1))
    x = gelu(_convolved(weights, x, "a.conv1d.2", stride=2))
    x = encoder.run(x + weights.tensors["a.position_embd.weight"][: len(x)], int(encoder.number("block_count")))
    x = encoder.norm(x, "a.post_ln")
    x = x.reshape(len(x) // int(encoder.number("projector.stack_factor")), -1)
    x = encoder.linear(_rms(x, 1e-6) * weights.tensors["mm.a.norm_pre.weight"], "mm.a.mlp.1")
    passed, gate = np.split(x, 2, axis=-1)
    x = passed * gate / (1 + np.exp(-gate))
    return encoder.linear(_rms(x, 1e-6) * weights.tensors["mm.a.norm_mid.weight"], "mm.a.mlp.2")


def _brightness(encoder: Encoder, pixels: Pixels) -> Floats:
    """Return a row for each patch: the brightness of its pixels by channel."""
    weights, size = encoder.weights, int(encoder.number("patch_size"))
    mean, std = (np.array(weights.metadata[f"clip.vision.image_{name}"], np.float32) for name in ("mean", "std"))
    x = (pixels.astype(np.float32) / 255 - mean) / std
    rows, columns = pixels.shape[0] // size, pixels.shape[1] // size
    x = x.reshape(rows, size, columns, size, 3).transpose(0, 2, 4, 1, 3).reshape(rows * columns, -1)
    return np.asarray(x, dtype=np.float32)


def _patches(encoder: Encoder, pixels: Pixels) -> Floats:
    """Return a row for each patch: its brightness times the weights, and the place in the image added."""
    weights, x = encoder.weights, _brightness(encoder, pixels)
    x = x @ weights.tensors["v.patch_embd.weight"].reshape(-1, x.shape[-1]).T
    x = x + weights.tensors.get("v.patch_embd.bias", np.zeros(1, dtype=np.float32))
    return np.asarray(x + weights.tensors["v.position_embd.weight"], dtype=np.float32)


def _rotated(x: Floats, places: NDArray[np.int64]) -> Floats:
    """Return heads of rows rotated: a half of the pairs by the row of the patch, the other half by its column."""
    size = x.shape[-1]
    frequencies = 10000 ** (-np.arange(0, size // 2, 2, dtype=np.float64) / (size // 2))
    angles = (places[:, :, None] * frequencies).reshape(len(x), 1, -1)
    first, second = np.split(x, 2, axis=-1)
    cos, sin = np.cos(angles), np.sin(angles)
    return np.concatenate([first * cos - second * sin, first * sin + second * cos], axis=-1).astype(np.float32)


def _convolved(weights: Weights, x: Floats, name: str, *, stride: int) -> Floats:
    """Return the rows of `x` convolved with a kernel of three rows, with a row of zeros before and after."""
    kernel = weights.tensors[f"{name}.weight"]
    padded = np.pad(x, ((1, 1), (0, 0)))
    windows = np.stack([padded[at : at + len(x)] for at in range(3)], axis=-1)[::stride]
    found = np.einsum("tck,ock->to", windows, kernel) + weights.tensors[f"{name}.bias"].reshape(-1)
    return np.asarray(found, dtype=np.float32)


def _rms(x: Floats, epsilon: float) -> Floats:
    return np.asarray(x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + epsilon), dtype=np.float32)


def quick_gelu(x: Floats) -> Floats:
    """Return x times the logistic function of 1.702 x."""
    return np.asarray(x / (1 + np.exp(-1.702 * x)), dtype=np.float32)


def tanh_gelu(x: Floats) -> Floats:
    """Return GELU by its approximation with the hyperbolic tangent."""
    return np.asarray(0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))), dtype=np.float32)


def log_mel(samples: Floats, bins: int, floor: float = WHISPERS_FLOOR) -> Floats:
    """Return Whisper's spectrogram of 30 seconds: a row for each 10 milliseconds; no power is below `floor`."""
    padded = np.pad(samples.astype(np.float64), (0, SAMPLE_RATE * SECONDS - len(samples)))
    padded = np.pad(padded, WINDOW // 2, mode="reflect")
    window = np.hanning(WINDOW + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][: SAMPLE_RATE * SECONDS // HOP]
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    logs = np.log10(np.maximum(power @ mel_filters(bins).T, floor))
    return np.asarray((np.maximum(logs, logs.max() - 8) + 4) / 4, dtype=np.float32)


def mel_filters(bins: int) -> NDArray[np.float64]:
    """Return Slaney's triangles on the mel scale, each with the same area: a row for each bin."""
    highest = _to_mel(SAMPLE_RATE / 2)
    edges = np.array([_to_hz(mel) for mel in np.linspace(0, highest, bins + 2)])
    frequencies = np.linspace(0, SAMPLE_RATE / 2, WINDOW // 2 + 1)
    rising = (frequencies - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - frequencies) / np.diff(edges)[1:, None]
    areas = 2 / (edges[2:] - edges[:-2])
    return np.asarray(np.maximum(0, np.minimum(rising, falling)) * areas[:, None])


def _to_mel(hz: float) -> float:
    return float(hz * 3 / 200 if hz < LOW_HZ else LOW_HZ * 3 / 200 + np.log(hz / LOW_HZ) / LOG_STEP)


def _to_hz(mel: float) -> float:
    low = LOW_HZ * 3 / 200
    return float(mel * 200 / 3 if mel < low else LOW_HZ * np.exp((mel - low) * LOG_STEP))
