"""Compare Llama with `generate`, llama.cpp's server and peers, in interleaved rounds: `nox -s bench -- engine`.

In each round, every engine runs in new processes: one with a single slot, and one for each number of requests at once.
Their order differs from round to round, so that other load on the machine affects all. The value of a round is the
ratio of Llama's rate to the other's in that round; for the first token it is the difference of the times.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.intervals import Bar, estimate
from benchmarks.options import add_servers
from benchmarks.processes import BenchmarkError, run
from benchmarks.reports import markdown, run_main, write_report

OURS, SERVER = "ours", "llama_server"
PEERS = ("llama_cpp_python", "xllamacpp", "cyllama")
AT_ONCE = (8, 32)
AHEAD = Bar(side="at least", limit=1.0)


@dataclass(frozen=True, kw_only=True)
class Row:
    """Something that is compared: a kind of measurement of ours, and the one of another engine."""

    name: str
    slots: int
    kind: str
    engine: str
    theirs: str
    bar: Bar
    scale: float = 0
    """What a difference is multiplied by to get its unit; 0 for a ratio."""

    def value(self, ours: float, theirs: float) -> float:
        """Return the ratio or the difference."""
        return (ours - theirs) * self.scale if self.scale else ours / theirs


def rows(engines: Sequence[str], at_once: Sequence[int]) -> list[Row]:
    """Return all that can be compared with these engines."""
    found = [
        Row(
            name=f"{kind}, to generate",
            slots=1,
            kind=kind,
            engine=OURS,
            theirs="generate",
            bar=Bar(side="at least", limit=limit),
        )
        for kind, limit in (("whole", 0.97), ("streamed", 0.94))
    ]
    found += [
        Row(
            name="first token later than generate's, ms",
            slots=1,
            kind="first",
            engine=OURS,
            theirs="generate_first",
            bar=Bar(side="at most", limit=2),
            scale=1000,
        )
    ]
    for engine in engines:
        found += [
            Row(name=f"{kind}, to {engine}", slots=1, kind=kind, engine=engine, theirs=kind, bar=AHEAD)
            for kind in ("whole", "streamed")
        ]
        found += [
            Row(
                name=f"{slots} at once, to {engine}",
                slots=slots,
                kind="together",
                engine=engine,
                theirs="together",
                bar=Bar(side="at least", limit=1.05) if engine == SERVER else AHEAD,
            )
            for slots in at_once
        ]
    return found


@dataclass(kw_only=True)
class Setup:
    """The settings that all rounds share, and what was measured."""

    model: Path
    prompts: Path
    pythons: Mapping[str, str]
    """The interpreter of each engine, whose environment has it."""
    slots: Sequence[int]
    found: dict[tuple[str, int, str], list[float]] = field(default_factory=dict)

    def round(self, number: int) -> None:
        """Measure every engine; a round below 0 does not count."""
        order = [(engine, slots) for slots in self.slots for engine in self.pythons]
        random.Random(number).shuffle(order)  # noqa: S311 - an order is not a secret
        for engine, slots in order:
            command = [self.pythons[engine], "-m", f"benchmarks.engines.{engine}", self.model, slots, self.prompts]
            said = run([str(word) for word in command]).out.splitlines()[-1]
            if number >= 0:
                for kind, value in json.loads(said).items():
                    self.found.setdefault((engine, slots, kind), []).append(value)

    def compared(self, row: Row) -> tuple[list[float], list[float]]:
        """Return both sides of a row, round by round."""
        return self.found[OURS, row.slots, row.kind], self.found[row.engine, row.slots, row.theirs]


def table(setup: Setup, chosen: Sequence[Row]) -> str:
    """Return the Markdown table: medians of both sides, and what was judged."""
    lines = []
    for row in chosen:
        ours, theirs = setup.compared(row)
        ratio = estimate([row.value(*pair) for pair in zip(ours, theirs, strict=True)])
        medians = [f"{estimate(side).median * (row.scale or 1):.4g}" for side in (ours, theirs)]
        lines.append((row.name, *medians, str(ratio), f"{row.bar.side} {row.bar.limit}", row.bar.verdict(ratio)))
    return markdown(("what", "Llama", "other", "ratio or difference", "limit", ""), lines)


def write_prompts(model: Path, file: Path, *, count: int, tokens: int, threads: int) -> None:
    """Write `count` prompts, all different, whose answers do not end before `tokens` tokens."""
    from llamapack import Llama

    with Llama(model, ctx_size=512 * 8, parallel=8, threads=threads) as llm:
        found: list[str] = []
        for number in range(10 * count):
            text = f"{number} years ago, in a village by the sea, a fisherman began to tell his children this story:"
            if llm.complete(text, max_tokens=tokens, temperature=0).finish == "length":
                found.append(text)
            if len(found) == count:
                break
        else:
            raise BenchmarkError(f"Only {len(found)} of {10 * count} answers are {tokens} tokens long.")
    file.write_text(json.dumps({"texts": found, "tokens": tokens, "threads": threads}), encoding="utf-8")


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="nox -s bench -- engine", description=__doc__)
    add_servers(parser, tokens=128, what="Requests")
    return parser.parse_args(argv)


def main() -> int:
    """Measure, print the table and write the report. A limit that is not reached is reported, but is not an error."""
    from llamapack.threads import default_threads

    options, load = parse(), os.getloadavg()
    others = [SERVER, *(PEERS if options.peers else ())]
    if unknown := sorted(set(options.only) - set(others)):
        raise BenchmarkError(f"There is no engine {', '.join(unknown)} here; there are {', '.join(others)}.")
    others = [engine for engine in others if not options.only or engine in options.only]
    at_once = tuple(options.at_once or AT_ONCE)
    os.environ["LLAMA_SERVER"] = str(options.server)
    threads = options.threads or default_threads().count
    with tempfile.TemporaryDirectory() as folder:
        setup = Setup(
            model=options.model,
            prompts=Path(folder) / "prompts.json",
            pythons={engine: options.peers if engine in PEERS else sys.executable for engine in (OURS, *others)},
            slots=(1, *at_once),
        )
        write_prompts(options.model, setup.prompts, count=max(12, *at_once), tokens=options.tokens, threads=threads)
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
            setup.round(number)
    found = [{"engine": e, "slots": slots, "kind": kind, "rounds": v} for (e, slots, kind), v in setup.found.items()]
    write_report(options.output, {"threads": threads, "tokens": options.tokens, "measures": found}, load)
    print(f"{threads} threads, {options.tokens} tokens, load average {load[0]:.1f} before")
    print(table(setup, rows(others, at_once)))
    return 0


if __name__ == "__main__":
    run_main(main)
