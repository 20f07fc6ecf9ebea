"""Let many clients ask `llamapack serve` for minutes, and leave many of their requests: `nox -s soak-server`.

Each client asks one stream after the other, by OpenAI's, Ollama's or llama.cpp's interface. A grammar or a schema
forces a marker back that no other request has: an answer of another request is noticed. In the end, no slot may work or
wait, neither process may have more descriptors than in the beginning, and the memory of both must be flat. Anthropic's
interface is left out, because it has no grammars.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from llamapack.errors import LlamapackError

from benchmarks.options import at_least_one
from benchmarks.processes import BenchmarkError
from benchmarks.reports import run_main, write_report
from benchmarks.serving.client import ask, events, read_json
from benchmarks.serving.programs import OURS, Process, commands, started
from benchmarks.soak import Verdict, judge, resident

CLIENTS = (8, 64)
SLOTS = 8
LEFT = 1 / 3
"""The part of the requests that is left."""
SETTLE_SECONDS = 60
WARM_UP = 0.3
"""The part of the time until as many requests as there can be have been under way at once, at one moment or another."""
Samples = Mapping[str, Sequence[int]]
Text = Callable[[dict[str, Any]], str]


@dataclass(frozen=True, kw_only=True)
class Interface:
    """How a request is made by one interface, and where the text of an event stands."""

    path: str
    body: dict[str, Any]
    text: Text
    schema: bool = False
    """Whether it takes schemas of JSON, and no grammars."""

    def asked(self, marker: str) -> dict[str, Any]:
        """Return the body of a request whose answer must be the marker."""
        if self.schema:
            return {**self.body, "stream": True, "format": {"const": marker}}
        return {**self.body, "stream": True, "temperature": 0, "grammar": f'root ::= "{marker}"'}

    def answer(self, marker: str) -> str:
        """Return what the answer must be."""
        return f'"{marker}"' if self.schema else marker


CHAT = [{"role": "user", "content": "Say it."}]
INTERFACES = (
    Interface(path="/completion", body={"prompt": "Say it:", "n_predict": 64}, text=lambda event: event["content"]),
    Interface(
        path="/v1/completions",
        body={"prompt": "Say it:", "max_tokens": 64},
        text=lambda event: event["choices"][0]["text"] if event["choices"] else "",
    ),
    Interface(
        path="/v1/chat/completions",
        body={"messages": CHAT, "max_tokens": 64},
        text=lambda event: (event["choices"][0]["delta"].get("content") or "") if event["choices"] else "",
    ),
    Interface(
        path="/api/chat",
        body={"model": "any", "messages": CHAT, "options": {"num_predict": 64, "temperature": 0}},
        text=lambda event: event["message"]["content"],
        schema=True,
    ),
)


@dataclass(kw_only=True)
class Counts:
    """What became of requests."""

    whole: int = 0
    left: int = 0
    by_path: Counter[str] = field(default_factory=Counter)


async def _request(port: int, number: int, counts: Counts) -> None:
    """Ask once, and leave the request or read its answer; raises BenchmarkError for an answer that is another one's."""
    chance = random.Random(number)  # noqa: S311 - no secret
    interface = chance.choice(INTERFACES)
    marker = f"m{number:06}" * chance.randint(1, 4)
    body = interface.asked(marker)
    pieces_to_read = chance.randint(0, 3) if chance.random() < LEFT else None
    if pieces_to_read == 0:
        task = asyncio.create_task(_read(port, interface, body))
        await asyncio.sleep(chance.random() / 2)
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
        counts.left += 1
        return
    answer = await _read(port, interface, body, pieces_to_read)
    if pieces_to_read is not None:
        counts.left += 1
    elif answer != interface.answer(marker):
        raise BenchmarkError(f"Request {number} at {interface.path} got {answer!r} instead of {marker!r}.")
    else:
        counts.whole += 1
        counts.by_path[interface.path] += 1


async def _read(port: int, interface: Interface, body: dict[str, Any], pieces: int | None = None) -> str:
    found = []
    async with await ask(port, interface.path, body) as response:
        async for event in events(response):
            found.append(interface.text(event))
            if pieces is not None and len(found) >= pieces:
                break
    return "".join(found)


async def _client(port: int, numbers: Sequence[int], end: float, counts: Counts) -> None:
    for number in numbers:
        if time.monotonic() >= end:
            return
        await _request(port, number, counts)
    raise BenchmarkError("There were not enough numbers.")


def descriptors(pid: int) -> int:
    """Return how many files and connections a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def _samples(pids: Sequence[int], end: float, seconds: float) -> AsyncIterator[list[int]]:
    while time.monotonic() < end:
        yield [resident(pid) for pid in pids]
        await asyncio.sleep(seconds / 200)


async def _settled(port: int, pids: Sequence[int], before: Sequence[int]) -> None:
    """Wait until nothing is under way and no descriptor is left; raises BenchmarkError if something stays."""
    end = time.monotonic() + SETTLE_SECONDS
    while True:
        requests = (await read_json(port, "/health"))["requests"]
        now = [descriptors(pid) for pid in pids]
        if requests == {"active": 0, "waiting": 0} and all(one <= two for one, two in zip(now, before, strict=True)):
            return
        if time.monotonic() > end:
            raise BenchmarkError(f"{requests} requests are left, and {now} descriptors instead of {list(before)}.")
        await asyncio.sleep(0.1)


async def load(server: Process, clients: int, seconds: float) -> tuple[Samples, list[Verdict], Counts]:
    """Run so many clients for so long; return both processes' memory over time, the verdicts, and the requests."""
    pids = [server.pid, *server.children()]
    counts = Counts()
    for number in range(2 * len(INTERFACES)):
        await _request(server.port, number, Counts())  # what is set up for the first requests
    await _settled(server.port, pids, [sys.maxsize] * len(pids))
    before = [descriptors(pid) for pid in pids]
    end = time.monotonic() + seconds
    tasks = [
        asyncio.create_task(_client(server.port, range(100 + first, 10**6, clients), end, counts))
        for first in range(clients)
    ]
    samples = [sample async for sample in _samples(pids, end, seconds)]
    for found in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(found, BaseException):
            raise found
    await _settled(server.port, pids, before)
    health = await read_json(server.port, "/health")
    if health["models"][0]["restarts"] or server.children() != pids[1:]:
        raise BenchmarkError(f"The runner was started again: {health['models'][0]['reason']}")
    names = ("supervisor", "runner")
    steps = counts.whole + counts.left
    by_process = {name: [sample[place] for sample in samples] for place, name in enumerate(names)}
    verdicts = [judge(f"{clients} clients, {name}", steps, each, warm_up=WARM_UP) for name, each in by_process.items()]
    return by_process, verdicts, counts


def main() -> int:
    """Run both numbers of clients; the exit status is 1 if memory grows, or anything is lost, mixed up or left."""
    parser = argparse.ArgumentParser(prog="nox -s soak-server --", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=at_least_one, default=600, help="How long, each (default: %(default)s).")
    parser.add_argument(
        "--clients", type=at_least_one, action="append", help="Clients, several times (default: 8, 64)."
    )
    options = parser.parse_args()
    if sys.platform != "linux":
        parser.error("the load run reads /proc, and needs Linux")
    average, found, flat = os.getloadavg(), [], True
    for clients in options.clients or CLIENTS:
        # without the cache of prompts, which is to grow up to its limit
        command = commands(Path(), "", "--option", "cache_ram=0")[OURS]
        with started(command, options.model, SLOTS, 1) as server:
            try:
                samples, verdicts, counts = asyncio.run(load(server, clients, options.seconds))
            except LlamapackError as error:
                raise BenchmarkError(str(error)) from error
        print(f"{clients} clients: {counts.whole} whole answers, {counts.left} requests left, {dict(counts.by_path)}")
        for verdict in verdicts:
            print(verdict, flush=True)
            flat = flat and verdict.flat
        found.append(
            {
                "clients": clients,
                "counts": vars(counts),
                "memory": [asdict(each) for each in verdicts],
                "samples": samples,
            }
        )
    write_report(options.output, {"seconds": options.seconds, "runs": found}, average)
    return 0 if flat else 1


if __name__ == "__main__":
    run_main(main)
