"""Small models to begin with: where they are, how large they are, and under which terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SmallModel:
    """A model that a hub has as a GGUF file of `megabytes`; it needs about `memory` MB with a context for a chat."""

    name: str
    reference: str
    megabytes: int
    license: str
    remark: str

    @property
    def memory(self) -> int:
        """About how many MB it needs: its file, the KV cache, and what is computed."""
        return self.megabytes * 5 // 4 + 700


SMALL_MODELS: Sequence[SmallModel] = (
    SmallModel(
        name="SmolLM2 135M Instruct",
        reference="hf:bartowski/SmolLM2-135M-Instruct-GGUF:Q4_K_M",
        megabytes=105,
        license="Apache-2.0",
        remark="to try things out; its answers are often wrong",
    ),
    SmallModel(
        name="Qwen3 0.6B",
        reference="hf:Qwen/Qwen3-0.6B-GGUF:Q8_0",
        megabytes=639,
        license="Apache-2.0",
        remark="many languages; thinks before it answers",
    ),
    SmallModel(
        name="Gemma 3 1B",
        reference="hf:ggml-org/gemma-3-1b-it-GGUF:Q4_K_M",
        megabytes=806,
        license="Gemma Terms of Use",
        remark="English; writes fluently",
    ),
    SmallModel(
        name="Qwen3 4B",
        reference="hf:Qwen/Qwen3-4B-GGUF:Q4_K_M",
        megabytes=2497,
        license="Apache-2.0",
        remark="many languages; better, and slow without a GPU",
    ),
)


def fitting(free: int) -> list[SmallModel]:
    """Return the models that fit into `free` bytes of memory."""
    return [each for each in SMALL_MODELS if each.memory * 10**6 <= free]


def recommended(free: int) -> SmallModel | None:
    """Return the one to begin with: the largest below 700 MB that fits, for any processor; None if none does."""
    return max((each for each in fitting(free) if each.megabytes < 700), key=lambda each: each.megabytes, default=None)
