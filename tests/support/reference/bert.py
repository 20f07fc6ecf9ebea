"""An independent forward pass of BERT in numpy, to compare llama.cpp's embeddings and rankings with.

Written from the papers: learned positions, attention without a mask, GELU by the error function, a LayerNorm behind
each sum. Weights have GGUF's names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.support.reference.weights import Floats, Weights

EVERY_TOKEN_IS_OF_THE_FIRST_TEXT = 0


@dataclass(frozen=True, kw_only=True)
class Bert:
    """A model of the architecture bert."""

    weights: Weights

    def run(self, tokens: Sequence[int]) -> Floats:
        """Return the output of the last layer, a row for each token."""
        x = self._matrix("token_embd")[np.asarray(tokens)] + self._matrix("position_embd")[: len(tokens)]
        x = self._norm(x + self._matrix("token_types")[EVERY_TOKEN_IS_OF_THE_FIRST_TEXT], "token_embd_norm")
        for layer in (f"blk.{index}" for index in range(int(self.weights.number("block_count")))):
            x = self._norm(x + self._attention(x, layer), f"{layer}.attn_output_norm")
            inner = gelu(self._linear(x, f"{layer}.ffn_up"))
            x = self._norm(x + self._linear(inner, f"{layer}.ffn_down"), f"{layer}.layer_output_norm")
        return x

    def embed(self, tokens: Sequence[int]) -> Floats:
        """Return the mean of the rows, with length 1."""
        mean = self.run(tokens).mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)

    def rank(self, tokens: Sequence[int]) -> float:
        """Return what the classifier makes of the first token, by way of the pooler where there is one."""
        first = self.run(tokens)[0]
        if "cls.weight" in self.weights.tensors:
            first = np.tanh(self._linear(first, "cls"))
        return float(self._linear(first, "cls.output")[0])

    def _matrix(self, name: str) -> Floats:
        return self.weights.tensors[f"{name}.weight"]

    def _linear(self, x: Floats, name: str) -> Floats:
        return np.asarray(x @ self._matrix(name).T + self.weights.tensors[f"{name}.bias"], dtype=np.float32)

    def _norm(self, x: Floats, name: str) -> Floats:
        x = x - x.mean(axis=-1, keepdims=True)
        scale = np.sqrt((x * x).mean(axis=-1, keepdims=True) + self.weights.number("attention.layer_norm_epsilon"))
        return np.asarray(x / scale * self._matrix(name) + self.weights.tensors[f"{name}.bias"], dtype=np.float32)

    def _attention(self, x: Floats, layer: str) -> Floats:
        heads = int(self.weights.number("attention.head_count"))
        q, k, v = (self._linear(x, f"{layer}.attn_{name}").reshape(len(x), heads, -1) for name in "qkv")
        q, k, v = (part.transpose(1, 0, 2) for part in (q, k, v))
        scores = q @ k.transpose(0, 2, 1) / np.float32(q.shape[-1] ** 0.5)
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = scores / scores.sum(axis=-1, keepdims=True) @ v
        return self._linear(mixed.transpose(1, 0, 2).reshape(len(x), -1), f"{layer}.attn_output")


def gelu(x: Floats) -> Floats:
    """Return x times the normal distribution's cumulative function at x."""
    return np.asarray(0.5 * x * (1 + erf(x / np.float32(2**0.5))), dtype=np.float32)


def erf(x: Floats) -> Floats:
    """Return the error function, to 2e-7: formula 7.1.26 of Abramowitz and Stegun."""
    t = 1 / (1 + 0.3275911 * np.abs(x))
    sum_ = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.asarray(np.sign(x) * (1 - sum_ * np.exp(-x * x)))
