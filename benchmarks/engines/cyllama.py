"""cyllama's side of `nox -s bench -- engine`. It chooses its number of threads itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial

import cyllama
from cyllama.batching import BatchGenerator

from benchmarks.engines.clock import REPEATS, Work, main


def measure(work: Work) -> None:
    """Measure everything for the number of slots."""
    config = cyllama.GenerationConfig(max_tokens=work.tokens, temperature=0.0, n_ctx=512 * work.slots, n_gpu_layers=0)
    if work.slots > 1:
        size = {"n_ctx": 512 * work.slots, "n_seq_max": work.slots, "n_gpu_layers": 0}

        def together(generator: BatchGenerator, texts: list[str]) -> list[int]:
            return [int(answer.stats.generated_tokens) for answer in generator.generate_batch(texts, config)]

        # A generator does not forget its texts, and refuses others after them: the warm-up has one of its own.
        with closing(BatchGenerator(work.model, **size)) as generator:
            together(generator, ["warm up"])
        with closing(BatchGenerator(work.model, **size)) as generator:
            work.batch(partial(together, generator))
        return
    llm = cyllama.LLM(work.model, config=config)

    def ask(text: str) -> int:
        return int(llm(text).stats.generated_tokens)

    def stream(text: str) -> Iterator[str]:
        return iter(llm(text, stream=True))

    ask("warm up")
    for _ in range(REPEATS):
        work.whole(ask)
        work.streamed(stream)


if __name__ == "__main__":
    main(measure)
