"""The time that llamapack's Python code takes per token: native calls that compute are replaced by empty ones.

Run it where llamapack is installed: python -m benchmarks.overhead MODEL. Other load on the machine matters little,
because the fastest of many rounds counts.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable
from typing import Any

from llamapack import Context, Model, Sampler, generate

TOKENS, ROUNDS = 200, 40
COMPUTING = ("llamapack_decode", "llamapack_sampler_sample")


class Bound:
    """The library, with empty functions in place of those that compute; calling one costs the same as before."""

    def __init__(self, real: Any) -> None:
        """Keep the argument types, because converting arguments is part of the cost."""
        self._real = real
        for name in COMPUTING:
            prototype = ctypes.CFUNCTYPE(ctypes.c_int32, *getattr(real, name).argtypes)
            # Takes no arguments, and returns 0; ctypes releases the interpreter's lock during the call.
            setattr(self, name, prototype(("PyGILState_Check", ctypes.CDLL(None))))

    def __getattr__(self, name: str) -> Any:
        """Return any other function unchanged."""
        return getattr(self._real, name)


def per_token(run: Callable[[], None]) -> float:
    """Return the microseconds per token of the fastest round."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - began)
    return best / TOKENS * 1e6


def emptied(context: Context, sampler: Sampler, token: int) -> None:
    """Replace the computing functions of both; the sampler then always returns `token`."""
    for each in (context._watch, sampler):
        setattr(each, "_native", Bound(each._native))  # noqa: B010 - it only imitates the library
    sampler._token.value = token


def main(path: str) -> None:
    """Measure both ways to generate."""
    with Model(path) as model, Context(model, n_ctx=512) as context:
        tokens = model.vocab.tokenize("Once upon a time, there was a king")
        context.decode(tokens)
        generation = generate(model, "x", temperature=0, context=context)
        sampler = Sampler.greedy()
        for each in (generation.sampler, sampler):
            emptied(context, each, tokens[-1])
        next(generation)

        def objects() -> None:
            for _ in range(TOKENS):
                context.decode([sampler.sample(context)])

        def through_generate() -> None:
            for _ in range(TOKENS):
                next(generation)

        for name, run in (("generate", through_generate), ("decode and sample", objects)):
            print(f"{name}: {per_token(run):.1f} µs per token outside of computing")
        if "--profile" in sys.argv:
            import cProfile

            for run in (through_generate, objects):
                with cProfile.Profile() as profile:
                    run()
                profile.print_stats("tottime")


if __name__ == "__main__":
    main(sys.argv[1])
