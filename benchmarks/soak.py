"""Load, generate and close many times, ask an engine of many threads and tasks, and watch the memory.

The Nox session `soak` runs this.

Memory is flat if the resident size stays under a bound: the largest sample of the warm-up, plus the range of the
samples in the warm-up, but at least a small allowance for the allocator.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.reports import write_report

WARM_UP = 0.1
TEXTS = 8
ALLOWANCE = 4_000_000  # bytes; an allocator's arenas come and go by about as much


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The memory during a phase, in bytes."""

    name: str
    steps: int
    first: int
    largest_of_warm_up: int
    bound: int
    largest: int
    last: int

    @property
    def flat(self) -> bool:
        """True if the memory stayed under the bound."""
        return self.largest <= self.bound

    def __str__(self) -> str:
        """Return the verdict in megabytes."""
        numbers = (self.first, self.largest_of_warm_up, self.bound, self.largest, self.last)
        first, warm, bound, largest, last = (f"{number / 1e6:.1f}" for number in numbers)
        words = f"first {first}, warm-up up to {warm}, bound {bound}, then up to {largest}, last {last} MB"
        return f"{self.name}, {self.steps}: {words}: {'flat' if self.flat else 'GROWS'}"


def judge(name: str, steps: int, samples: Sequence[int], *, warm_up: float = WARM_UP) -> Verdict:
    """Compute the bound from the first part of `samples`, a tenth by default, and compare the rest with it."""
    count = max(2, int(len(samples) * warm_up))
    warm, rest = samples[:count], samples[count:]
    if not rest:
        raise ValueError(f"{len(samples)} samples are too few: {count} of them are the warm-up.")
    spread = max(warm[count // 2 :]) - min(warm[count // 2 :])
    bound = max(warm) + max(spread, ALLOWANCE)
    return Verdict(
        name=name,
        steps=steps,
        first=samples[0],
        largest_of_warm_up=max(warm),
        bound=bound,
        largest=max(rest),
        last=samples[-1],
    )


def resident(process: int | str = "self") -> int:
    """Return the bytes of a process's own memory that are resident, without mapped files such as the model."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise OSError("The kernel does not tell RssAnon; this needs Linux 4.5 or newer.")


def load_cycles(model: Path, count: int) -> Iterator[int]:
    """Load the model, make a context, generate two tokens and close, `count` times."""
    from llamapack import Model, generate

    for number in range(count):
        with Model(model) as loaded:
            list(generate(loaded, "Hello", max_tokens=2, temperature=0, n_ctx=256))
        if number % max(1, count // 200) == 0:
            yield resident()


def tokens(model: Path, count: int) -> Iterator[int]:
    """Generate `count` tokens as a long-running program does: with sampling, context shifts and text.

    Several texts are generated side by side in one context, which is faster than one after the other.
    """
    from llamapack import Batch, Context, Model, Sampler
    from llamapack.generation.text_stream import TextStream

    texts = range(TEXTS)
    with Model(model) as loaded, Context(loaded, n_ctx=256 * TEXTS, n_seq_max=TEXTS) as context, ExitStack() as stack:
        vocab = loaded.vocab
        samplers = [stack.enter_context(Sampler(temperature=0.8, seed=text)) for text in texts]
        streams = [TextStream(("no such text",)) for _ in texts]
        start = vocab.tokenize("Once upon a time")
        new, used = [start] * TEXTS, [0] * TEXTS
        for number in range(0, count, TEXTS):
            batch = Batch()
            outputs = [batch.add(new[text], sequence=text)[-1] for text in texts]
            context.decode(batch)
            for text in texts:
                used[text] += len(new[text])
                token = samplers[text].sample(context, outputs[text])
                streams[text].feed(vocab.piece(token, special=True))
                new[text] = [token]
                if used[text] == context.n_ctx_seq:
                    used[text] -= context.shift(4, sequence=text)
            if number % max(TEXTS, count // 500 // TEXTS * TEXTS) == 0:
                yield resident()


def requests(model: Path, count: int) -> Iterator[int]:
    """Ask an engine `count` times, of 64 threads and 64 tasks at once, and leave a third of the requests somewhere.

    A grammar forces a marker back that no other request has.
    """
    from llamapack.engine import Engine

    from benchmarks.crowd import CALLERS, ask_of_tasks, ask_of_threads

    # without the cache of prompts, which is to grow up to its limit
    with Engine(model, ctx_size=1024, parallel=8, threads=1, cache_ram=0, warmup=False) as engine:
        for begin in range(0, count, 2 * CALLERS):
            ask_of_threads(engine, range(begin, begin + CALLERS))
            ask_of_tasks(engine, range(begin + CALLERS, begin + 2 * CALLERS))
            yield resident()
        if busy := [slot for slot in engine.request("GET", "/slots").json() if slot["is_processing"]]:
            raise RuntimeError(f"{len(busy)} slots still work, though nobody waits for them.")


def images(projector: Path, model: Path, count: int) -> Iterator[int]:
    """Ask about `count` images, each another one, as arrays and as files, most of them of another size."""
    from llamapack import Llama
    from llamapack.media_files.pixels import encode_png

    # without the cache of prompts, which is to grow up to its limit
    with Llama(model, projector=projector, ctx_size=512, parallel=1, threads=1, cache_ram=0, warmup=False) as llm:
        for number in range(count):
            random = np.random.default_rng(number)
            image = random.integers(0, 256, (100 + number % 50, 100, 3), dtype=np.uint8)
            llm.complete("What is it?", images=[encode_png(image) if number % 2 else image], max_tokens=2)
            yield resident()


def main() -> int:
    """Run all phases; the exit status is 1 if memory grows in one of them."""
    parser = argparse.ArgumentParser(prog="nox -s soak --", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--cycles", type=int, default=1_000, help="Load/close cycles (default: %(default)s).")
    parser.add_argument("--tokens", type=int, default=100_000, help="Tokens (default: %(default)s).")
    parser.add_argument("--requests", type=int, default=10_000, help="Requests (default: %(default)s).")
    parser.add_argument("--projector", type=Path, help="A projector of the model: ask about images, too.")
    parser.add_argument("--images", type=int, default=500, help="Images (default: %(default)s).")
    options = parser.parse_args()
    if sys.platform != "linux":
        parser.error("the soak run reads /proc, and needs Linux")
    verdicts, load = [], os.getloadavg()
    for name, work, count in (
        ("load/close cycles", load_cycles, options.cycles),
        ("tokens", tokens, options.tokens),
        ("requests", requests, options.requests),
        ("images", partial(images, options.projector), options.images if options.projector else 0),
    ):
        if not count:
            continue
        verdicts.append(judge(name, count, list(work(options.model, count))))
        print(verdicts[-1], flush=True)
    found = [asdict(each) | {"flat": each.flat} for each in verdicts]
    write_report(options.output, {"phases": found}, load)
    return 0 if all(each.flat for each in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
