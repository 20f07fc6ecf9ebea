"""xllamacpp's side of `nox -s bench -- engine`: llama.cpp's server core in its process, asked without HTTP."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any

import xllamacpp

from benchmarks.engines.clock import REPEATS, Work, main


def measure(work: Work) -> None:
    """Measure everything for the number of slots."""
    options = xllamacpp.CommonParams()
    options.model.path = work.model
    options.n_ctx, options.n_parallel = 512 * work.slots, work.slots
    options.cpuparams.n_threads = options.cpuparams_batch.n_threads = work.threads
    options.verbosity = -1
    server = xllamacpp.Server(options)

    def body(text: str, *, stream: bool) -> dict[str, Any]:
        return {"prompt": text, "n_predict": work.tokens, "max_tokens": work.tokens, "temperature": 0, "stream": stream}

    def ask(text: str) -> int:
        return int(server.handle_completions(body(text, stream=False))["usage"]["completion_tokens"])

    def stream(text: str) -> Iterator[Any]:
        pieces: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def take(piece: Any) -> bool:
            pieces.put(piece)
            return False  # go on

        def run() -> None:
            server.handle_completions(body(text, stream=True), take)
            pieces.put(None)

        caller = threading.Thread(target=run)
        caller.start()
        yield from iter(pieces.get, None)
        caller.join()

    ask("warm up")
    if work.slots > 1:
        work.together(ask)
        return
    for _ in range(REPEATS):
        work.whole(ask)
        work.streamed(stream)


if __name__ == "__main__":
    main(measure)
