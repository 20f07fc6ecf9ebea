"""One round of llamapack's side, in its own process: python -m benchmarks.work KIND MODEL THREADS [TOKENS...].

It prints tokens per second, or for the kind `first` the first piece of an answer.
"""

from __future__ import annotations

import os
import sys
import time
from itertools import islice

from llamapack import Context, Model, Sampler, generate


def through_generate(model: Model, text: str, n_threads: int, count: int) -> float:
    """Return the rate of `generate`, from its first piece to its last."""
    with generate(
        model, text, max_tokens=count, temperature=0, n_ctx=_size(model, text, count), n_threads=n_threads
    ) as g:
        next(g)
        first, began = len(g.tokens), time.perf_counter()
        for _ in g:
            pass
        if len(g.tokens) != count:
            raise ValueError(f"The model ended its text after {len(g.tokens)} tokens; choose another prompt.")
        return (count - first) / (time.perf_counter() - began)


def through_objects(model: Model, text: str, n_threads: int, count: int) -> float:
    """Return the rate of a loop over Sampler.sample and Context.decode, of the same length as llama-bench's."""
    context = Context(model, n_ctx=_size(model, text, count), n_threads=n_threads)
    with context, Sampler.greedy() as sampler:
        context.decode(model.vocab.tokenize(text))
        began = time.perf_counter()
        for _ in range(count):
            context.decode([sampler.sample(context)])
        return count / (time.perf_counter() - began)


def reading(model: Model, text: str, n_threads: int, count: int) -> float:
    """Return the rate of reading the prompt, after a warm-up."""
    tokens = model.vocab.tokenize(text)
    with Context(model, n_ctx=len(tokens), n_threads=n_threads) as context:
        context.decode(tokens)
        context.clear()
        began = time.perf_counter()
        context.decode(tokens)
        return len(tokens) / (time.perf_counter() - began)


KINDS = {"generate": through_generate, "objects": through_objects, "prompt": reading}


def main(kind: str, path: str, n_threads: str, count: str, file: str) -> None:
    """Run one round; the prompt is in `file`."""
    with open(file, encoding="utf-8") as opened:  # noqa: PTH123 - pathlib would be imported for the measurement
        text = opened.read()
    # If a backend is named, not using its device is an error: the CPU's rate would be reported as the GPU's.
    with Model(path, require_gpu="LLAMAPACK_BACKENDS" in os.environ) as model:
        if kind == "first":
            pieces = generate(model, text, max_tokens=4, temperature=0, n_ctx=1024, n_threads=int(n_threads))
            print(*islice(pieces, 1), flush=True)
        else:
            print(KINDS[kind](model, text, int(n_threads), int(count)))


def _size(model: Model, text: str, count: int) -> int:
    return len(model.vocab.tokenize(text)) + count


if __name__ == "__main__":
    main(*sys.argv[1:])
