"""Compare `llamapack serve` with other servers, in interleaved rounds: `nox -s bench -- serve`.

For each number of streams at once, all servers are started, with as many slots, and asked in turns; their order differs
from round to round. Each client reads a stream of `/v1/completions`. The value of a round is the ratio of our rate, in
tokens per second of all streams together, to the other's in that round; for the first token it is the difference of
times.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.intervals import Bar, estimate
from benchmarks.options import add_servers
from benchmarks.processes import BenchmarkError
from benchmarks.reports import markdown, run_main, write_report
from benchmarks.serving.client import ask, events
from benchmarks.serving.programs import ALONE, NATIVE, OURS, PEER, ROUTES, Process, chosen, commands, started

AT_ONCE = (1, 8, 32)
MOST_IDLE_MIB = 60
MIB = 1 << 20
BARS = {
    ALONE: Bar(side="at least", limit=0.97),
    NATIVE: Bar(side="at least", limit=0.97),
    PEER: Bar(side="at least", limit=1),
}
_END_OF_TEXT = {"0": -100, "2": -100}
"""Tokens with which SmolLM2 ends an answer: they are made impossible, so that all answers are equally long."""


@dataclass(kw_only=True)
class Found:
    """What was measured of one server with a number of streams, round by round."""

    rates: list[float] = field(default_factory=list)
    firsts: list[float] = field(default_factory=list)


async def _stream(port: int, text: str, tokens: int) -> float:
    """Read one answer, and return the seconds until its first piece."""
    body = {"prompt": text, "max_tokens": tokens, "temperature": 0, "stream": True, "logit_bias": _END_OF_TEXT}
    began, first, count = time.perf_counter(), 0.0, 0
    async with await ask(port, "/v1/completions", body) as response:
        async for event in events(response):
            if event["choices"] and event["choices"][0]["text"]:
                first = first or time.perf_counter() - began
                count += 1
    if not tokens * 0.9 <= count <= tokens:  # a letter may be made of several tokens
        raise BenchmarkError(f"An answer came in {count} pieces instead of {tokens}.")
    return first


async def _round(port: int, texts: Sequence[str], tokens: int) -> tuple[float, float]:
    """Return the tokens per second of all streams together, and the median time until their first pieces."""
    began = time.perf_counter()
    firsts = await asyncio.gather(*(_stream(port, text, tokens) for text in texts))
    return len(texts) * tokens / (time.perf_counter() - began), statistics.median(firsts)


def measure(servers: dict[str, Process], streams: int, rounds: int, tokens: int) -> dict[str, Found]:
    """Ask all servers in turns; the first round does not count."""
    found = {name: Found() for name in servers}
    for number in range(-1, rounds):
        order = list(servers)
        random.Random(number).shuffle(order)  # noqa: S311 - an order is not a secret
        texts = [f"{number} and {each}: once upon a time there was a king who" for each in range(streams)]
        for name in order:
            rate, first = asyncio.run(_round(servers[name].port, texts, tokens))
            if number >= 0:
                found[name].rates.append(rate)
                found[name].firsts.append(first)
        print(f"{streams} at once: round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    return found


def table(found: dict[int, dict[str, Found]]) -> str:
    """Return the Markdown table: medians of both sides, and what was judged."""
    lines = []
    for streams, servers in found.items():
        ours = servers[OURS]
        for name, other in servers.items():
            if name == OURS:
                continue
            ratio = estimate([one / two for one, two in zip(ours.rates, other.rates, strict=True)])
            later = estimate([1000 * (one - two) for one, two in zip(ours.firsts, other.firsts, strict=True)])
            rates = [f"{statistics.median(each.rates):.1f}" for each in (ours, other)]
            lines.append((str(streams), name, *rates, str(ratio), str(later), BARS[name].verdict(ratio)))
    return markdown(("streams", "to", "ours, tokens/s", "other", "ratio", "first token later, ms", ""), lines)


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="nox -s bench -- serve", description=__doc__)
    add_servers(parser, tokens=64, what="Streams")
    return parser.parse_args(argv)


def main() -> int:
    """Measure, print the table and write the report. A limit that is not reached is reported, but is not an error."""
    from llamapack.threads import default_threads

    options, load = parse(), os.getloadavg()
    # each slot has a part of the context, as llama.cpp's server does it where the number of slots is given
    programs = commands(options.server, options.peers, "--option", "kv_unified=false")
    names = chosen(programs, options.only)
    threads = options.threads or default_threads().count
    found: dict[int, dict[str, Found]] = {}
    idle = 0
    for streams in options.at_once or AT_ONCE:
        with ExitStack() as stack:
            servers = {
                name: stack.enter_context(
                    started(programs[name], options.model, streams, threads, ROUTES.get(name, "/health"))
                )
                for name in names
            }
            idle = idle or servers[OURS].resident()
            found[streams] = measure(servers, streams, options.rounds, options.tokens)
    measures = [
        {"streams": streams, "server": name, "rates": each.rates, "firsts": each.firsts}
        for streams, by_name in found.items()
        for name, each in by_name.items()
    ]
    write_report(
        options.output, {"threads": threads, "tokens": options.tokens, "idle": idle, "measures": measures}, load
    )
    print(f"{threads} threads, {options.tokens} tokens, load average {load[0]:.1f} before")
    print(table(found))
    print(f"llamapack serve itself takes {idle / MIB:.0f} MiB before the first request (limit: {MOST_IDLE_MIB}).")
    return 0


if __name__ == "__main__":
    run_main(main)
