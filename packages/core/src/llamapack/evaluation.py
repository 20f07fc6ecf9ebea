"""How well a model predicts a text: perplexity, measured as llama.cpp's `llama-perplexity` measures it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llamapack._util.arguments import check_int
from llamapack.context import Context
from llamapack.context.batch import Batch
from llamapack.errors import CancelledError, InputError
from llamapack.model import Model

if TYPE_CHECKING:
    from llamapack._native.arrays import Floats

Progress = Callable[[int, int, float], "bool | None"]


@dataclass(frozen=True, kw_only=True)
class Perplexity:
    """The result: `value` is e to the mean negative log-likelihood of `n_tokens` tokens, `error` its standard error.

    `running` is the value after each chunk.
    """

    value: float
    error: float
    n_tokens: int
    running: tuple[float, ...]


@dataclass(kw_only=True)
class _Sums:
    """Sums of the negative log-likelihoods and their squares."""

    first: float = 0.0
    second: float = 0.0
    count: int = 0
    running: list[float] = field(default_factory=list)

    def add(self, value: float) -> None:
        self.first += value
        self.second += value * value
        self.count += 1

    def mark(self) -> float:
        self.running.append(math.exp(self.first / self.count))
        return self.running[-1]

    def result(self) -> Perplexity:
        mean = self.first / self.count
        variance = self.second / self.count - mean * mean
        deviation = math.sqrt(max(variance, 0.0) / (self.count - 1)) if self.count > 1 else math.inf
        value = math.exp(mean)
        return Perplexity(value=value, error=deviation * value, n_tokens=self.count, running=tuple(self.running))


def perplexity(
    model: Model,
    text: str | bytes,
    *,
    n_ctx: int = 512,
    n_batch: int | None = None,
    max_chunks: int | None = None,
    n_threads: int | None = None,
    progress: Progress | None = None,
) -> Perplexity:
    """Measure the perplexity of `text`, which must have at least 2 * n_ctx tokens.

    The text is cut into chunks of `n_ctx` tokens. The first token of each is replaced by the beginning-of-sequence
    token if the model uses one, and the second half of each is scored. Values are comparable only for the same `n_ctx`.
    `n_batch` tokens are read at once (default: n_ctx); most memory is needed for the logits of the scored ones.
    `progress` is called after each chunk with the number of chunks done, their total, and the value so far; if it
    returns False, the measurement stops.

    Raises CancelledError if it was stopped, and InputError for wrong arguments, a text that is too short, and models
    whose tokenizer ends every text with a special token.
    """
    check_int("n_ctx", n_ctx, least=4)
    size = min(n_ctx if n_batch is None else check_int("n_batch", n_batch), n_ctx)
    if max_chunks is not None:
        check_int("max_chunks", max_chunks)
    tokens = _tokens(model, text, n_ctx)
    total = min(len(tokens) // n_ctx, max_chunks or len(tokens))
    sums = _Sums()
    with Context(model, n_ctx=n_ctx, n_batch=size, n_threads=n_threads, n_threads_batch=n_threads) as context:
        for number in range(total):
            _score_chunk(context, tokens[number * n_ctx : (number + 1) * n_ctx], size, sums)
            value = sums.mark()
            if progress is not None and progress(number + 1, total, value) is False:
                raise CancelledError(f"Measuring was stopped by the progress callback after {number + 1} chunks.")
    return sums.result()


def _tokens(model: Model, text: str | bytes, n_ctx: int) -> list[int]:
    if model.vocab.adds_eos:
        raise InputError("The perplexity of this model cannot be measured.", why="It ends every text with a token.")
    tokens = model.vocab.tokenize(text)
    if len(tokens) < 2 * n_ctx:
        raise InputError(
            f"The text has {len(tokens)} tokens, but a context of {n_ctx} needs at least {2 * n_ctx}.",
            fix="Take a longer text, or a smaller n_ctx.",
        )
    return tokens


def _score_chunk(context: Context, chunk: Sequence[int], size: int, sums: _Sums) -> None:
    """Score the tokens in the second half of `chunk`, each by the probability that the model gave it."""
    vocab = context.model.vocab
    asked = list(chunk)
    if vocab.adds_bos and vocab.bos is not None:
        asked[0] = vocab.bos
    scored = range(len(chunk) // 2, len(chunk) - 1)
    context.clear()
    for start in range(0, len(chunk), size):
        part = range(start, min(start + size, len(chunk)))
        batch = Batch()
        batch.add(asked[start : part.stop], outputs=[place in scored for place in part])
        context.decode(batch)
        places = [place for place in part if place in scored]
        if places:
            # release the view before the next batch, which may have to move the buffer
            _score(context.outputs.logits(None, copy=False), [chunk[place + 1] for place in places], sums)


def _score(logits: Floats, tokens: Sequence[int], sums: _Sums) -> None:
    import numpy as np

    for row, token in zip(logits, tokens, strict=True):
        shifted = row - row.max()
        # single precision for the terms and double for their sum, as in llama.cpp
        total = np.exp(shifted).sum(dtype=np.float64)
        sums.add(math.log(total) - float(shifted[token]))
