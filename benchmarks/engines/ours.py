"""llamapack's side of `nox -s bench -- engine`: see benchmarks/engines/__init__.py.

With one slot, `generate`, `generated` and `generate_first` are the same for `llamapack.generate`, which takes turns
with Llama.
"""

from __future__ import annotations

from collections.abc import Iterator

from llamapack import Context, Llama, Model, generate

from benchmarks.engines.clock import REPEATS, Work, main

SIZE = 512
"""Tokens of context for a request."""


def measure(work: Work) -> None:
    """Measure everything for the number of slots."""
    with Llama(work.model, ctx_size=SIZE * work.slots, parallel=work.slots, threads=work.threads) as llm:

        def ask(text: str) -> int:
            return llm.complete(text, max_tokens=work.tokens, temperature=0).usage.completion

        def stream(text: str) -> Iterator[str]:
            return iter(llm.stream_complete(text, max_tokens=work.tokens, temperature=0))

        ask("warm up")
        if work.slots > 1:
            work.together(ask)
            return
        with Model(work.model) as model, Context(model, n_ctx=SIZE, n_threads=work.threads) as context:

            def through_generate(text: str) -> Iterator[str]:
                context.clear()
                return generate(model, text, max_tokens=work.tokens, temperature=0, context=context)

            for _ in through_generate("warm up"):
                pass
            for _ in range(REPEATS):
                work.streamed(through_generate, "generate", "generate_first")
                work.whole(ask)
                work.streamed(through_generate, "generate", "generate_first")
                work.streamed(stream)


if __name__ == "__main__":
    main(measure)
