"""What the programs that measure one engine share: the work, and the clock. Peers' environments have nothing else."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

REPEATS = 3
"""How often a request is measured in a process; the median counts."""


@dataclass(kw_only=True)
class Work:
    """What is to be done."""

    model: str
    slots: int
    threads: int
    tokens: int
    """The length of each answer."""
    texts: Iterator[str]
    """Prompts, no two of them alike."""
    found: dict[str, list[float]] = field(default_factory=dict)

    def add(self, kind: str, value: float) -> None:
        """Keep one measurement."""
        self.found.setdefault(kind, []).append(value)

    def whole(self, ask: Callable[[str], int], kind: str = "whole") -> None:
        """Measure a request; `ask` takes the prompt, and returns how many tokens the answer has."""
        text, began = next(self.texts), time.perf_counter()
        count = ask(text)
        self.add(kind, self.checked(count) / (time.perf_counter() - began))

    def streamed(self, ask: Callable[[str], Iterable[object]], kind: str = "streamed", first: str = "first") -> None:
        """Measure a request whose answer comes in pieces; its length is trusted to be the one that was asked for."""
        text, began = next(self.texts), time.perf_counter()
        pieces = 0
        for _ in ask(text):
            if not pieces:
                self.add(first, time.perf_counter() - began)
            pieces += 1
        self.checked(min(pieces, self.tokens))
        self.add(kind, self.tokens / (time.perf_counter() - began))

    def together(self, ask: Callable[[str], int]) -> None:
        """Measure as many requests at once as there are slots, each in a thread."""
        with ThreadPoolExecutor(self.slots) as pool:
            texts = [next(self.texts) for _ in range(self.slots)]
            began = time.perf_counter()
            counts = list(pool.map(ask, texts))
            self.add("together", sum(map(self.checked, counts)) / (time.perf_counter() - began))

    def batch(self, ask: Callable[[list[str]], list[int]]) -> None:
        """Measure the same by a function that takes all prompts, for engines that have that instead."""
        texts, began = [next(self.texts) for _ in range(self.slots)], time.perf_counter()
        counts = ask(texts)
        self.add("together", sum(map(self.checked, counts)) / (time.perf_counter() - began))

    def checked(self, count: int) -> int:
        """Return the length of an answer, which rounding may end early, but not much."""
        if not self.tokens // 2 <= count <= self.tokens:
            raise SystemExit(f"The answer has {count} tokens instead of {self.tokens}.")
        return count


def main(measure: Callable[[Work], None]) -> None:
    """Read the command line, measure, and print what was found."""
    model, slots, prompts = sys.argv[1:]
    given = json.loads(Path(prompts).read_text(encoding="utf-8"))
    work = Work(
        model=model,
        slots=int(slots),
        threads=given["threads"],
        tokens=given["tokens"],
        texts=iter(given["texts"]),
    )
    measure(work)
    print(json.dumps({kind: sorted(values)[len(values) // 2] for kind, values in work.found.items()}))
