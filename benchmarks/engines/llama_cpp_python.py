"""llama-cpp-python's side of `nox -s bench -- engine`. It works on one request at a time."""

from __future__ import annotations

from collections.abc import Iterator

from llama_cpp import Llama

from benchmarks.engines.clock import REPEATS, Work, main


def measure(work: Work) -> None:
    """Measure everything for the number of slots; what is asked at once is done one after the other."""
    llm = Llama(work.model, n_ctx=512, n_threads=work.threads, n_threads_batch=work.threads, verbose=False)

    def ask(text: str) -> int:
        return int(llm.create_completion(text, max_tokens=work.tokens, temperature=0)["usage"]["completion_tokens"])

    def stream(text: str) -> Iterator[str]:
        for chunk in llm.create_completion(text, max_tokens=work.tokens, temperature=0, stream=True):
            yield chunk["choices"][0]["text"]

    ask("warm up")
    if work.slots > 1:
        work.batch(lambda texts: [ask(text) for text in texts])
        return
    for _ in range(REPEATS):
        work.whole(ask)
        work.streamed(stream)


if __name__ == "__main__":
    main(measure)
