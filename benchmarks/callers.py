"""One measurement of several callers, in its own process: python -m benchmarks.callers MODEL CALLERS THREADS TOKENS.

Each caller is a thread with a context of its own, which generates TOKENS tokens. THREADS is the number of threads of
each context. It prints tokens per second, of all callers together. A fifth argument is a library to load
in the place of the CPU level's own.
"""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from llamapack import Context, Model, Sampler
from llamapack._native.modules import load_backend
from llamapack.backends import cpu

PROMPT = "Once upon a time, there was a king who"


def main(path: str, callers: str, n_threads: str, count: str, library: str = "") -> None:
    """Measure once, after a warm-up of every context."""
    if library:
        setattr(cpu, "load_backend", lambda _: load_backend(Path(library)))  # noqa: B010 - for the measurement only
    number = int(callers)
    everyone = threading.Barrier(number)

    def call(model: Model) -> tuple[float, float]:
        context = Context(model, n_ctx=512, n_threads=int(n_threads))
        with context, Sampler.greedy() as sampler:
            context.decode(model.vocab.tokenize(PROMPT))
            context.decode([sampler.sample(context)])
            everyone.wait()
            began = time.perf_counter()
            for _ in range(int(count)):
                context.decode([sampler.sample(context)])
            return began, time.perf_counter()

    with Model(path) as model, ThreadPoolExecutor(number) as pool:
        times = list(pool.map(call, [model] * number))
    began, ended = min(time[0] for time in times), max(time[1] for time in times)
    print(number * int(count) / (ended - began))


if __name__ == "__main__":
    main(*sys.argv[1:])
