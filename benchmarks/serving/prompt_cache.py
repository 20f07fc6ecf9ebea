"""Time to the first token with a long system prompt: cold, from memory, from disk: `nox -s bench -- prompt-cache`.

In each round, servers are started on a new folder for `--prompt-cache`. The first one answers a question whose system
prompt it never saw (cold), and another one (warm). The second one answers short ones, as does a server without a cache,
and then a third long one (from disk). All are streamed, one at a time, and the time is that from the request to the
first token; the model is loaded before.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.intervals import estimate
from benchmarks.options import at_least_one
from benchmarks.processes import BenchmarkError
from benchmarks.reports import markdown, run_main, write_report
from benchmarks.serving.programs import OURS, commands, started

SECONDS = 600
CONTEXT, SLOTS = 8192, 4
SHORT = 40
"""Short requests of a round: their time varies more than what is looked for."""
KINDS: Mapping[str, str] = {
    "cold": "the system prompt is new",
    "warm": "it is in the server's memory",
    "disk": "it is on disk, after a restart",
    "save": "to save it, after the answer",
    "short": "a short prompt, with `--prompt-cache`",
    "short_without": "a short prompt, without",
}


class Client:
    """Asks one `llamapack serve`."""

    def __init__(self, port: int) -> None:
        """Take the port of the server."""
        self._port = port

    def _begin(self, method: str, path: str, body: object = None) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=SECONDS)
        connection.request(method, path, None if body is None else json.dumps(body), {"Connection": "close"})
        return connection.getresponse()

    def first_token(self, messages: Sequence[Mapping[str, str]]) -> float:
        """Ask, and return how many seconds later the first token was there; raises BenchmarkError without an answer."""
        body = {"messages": messages, "max_tokens": 4, "temperature": 0, "stream": True}
        began = time.perf_counter()
        with self._begin("POST", "/v1/chat/completions", body) as answer:
            first = next((time.perf_counter() for line in answer if _has_text(line)), None)
            answer.read()
        if first is None:
            raise BenchmarkError("The server did not answer.")
        return first - began

    def prompt_cache(self) -> Mapping[str, Any]:
        """Return what the server says of its cache."""
        with self._begin("GET", "/health") as answer:
            found: Mapping[str, Any] = json.loads(answer.read())["models"][0]["prompt_cache"]
        return found

    def wait_until_saved(self) -> None:
        """Wait until the last prompt is on disk; raises BenchmarkError if it cannot be saved."""
        end = time.monotonic() + SECONDS
        while not (found := self.prompt_cache())["saved"]:
            if found["failures"] or not found["missed"] or time.monotonic() > end:
                raise BenchmarkError(f"The prompt was not saved: {found['reason']}")
            time.sleep(0.002)


def _has_text(line: bytes) -> bool:
    if not line.startswith(b"data: {"):
        return False
    choices = json.loads(line[6:])["choices"]
    return bool(choices and choices[0]["delta"].get("content"))


@contextlib.contextmanager
def serving(model: Path, threads: int, *arguments: str) -> Iterator[Client]:
    """Return a client of a server that ends with the block."""
    command = commands(Path(), "", "--ctx-size", str(CONTEXT), *arguments)[OURS]
    with started(command, model, SLOTS, threads) as server:
        yield Client(server.port)


def system_prompt(count: Callable[[str], int], tokens: int, seed: int) -> str:
    """Return a text of about `tokens` tokens, which begins as no other does."""
    numbers = random.Random(seed)  # noqa: S311 - no secret
    text = "These are the rules of the house."
    while (size := count(text)) < tokens:
        rules = (f" Rule {numbers.randrange(1000)}: room {numbers.randrange(1000)} is closed." for _ in range(1000))
        for rule in rules:
            text += rule
            if (size := size + 14) >= tokens:
                break
    return text


def measure(model: Path, system: str, threads: int) -> dict[str, float]:
    """Return the seconds of one round, and how large the file is."""

    def ask(question: str) -> list[dict[str, str]]:
        return [{"role": "system", "content": system}, {"role": "user", "content": question}]

    def short(server: Client) -> float:
        return statistics.median(
            server.first_token([{"role": "user", "content": f"{number}?"}]) for number in range(SHORT)
        )

    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        cached = ("--prompt-cache", folder)
        with serving(model, threads, *cached) as server:
            server.first_token([{"role": "user", "content": "Hi"}])
            found["cold"] = server.first_token(ask("May I come in?"))
            began = time.perf_counter()
            server.wait_until_saved()
            found["save"] = time.perf_counter() - began
            found["warm"] = server.first_token(ask("Which room is open?"))
        found["bytes"] = sum(path.stat().st_size for path in Path(folder).glob("*/*"))
        with serving(model, threads, *cached) as server:
            server.first_token([{"role": "user", "content": "Hi"}])
            found["short"] = short(server)  # before the long one is in its memory
            found["disk"] = server.first_token(ask("Where is the key?"))
            if not server.prompt_cache()["restored"]:
                raise BenchmarkError(f"Nothing was restored: {server.prompt_cache()}")
        with serving(model, threads) as server:
            server.first_token([{"role": "user", "content": "Hi"}])
            found["short_without"] = short(server)
    return found


def table(rounds: Sequence[Mapping[str, float]]) -> str:
    """Return the Markdown table."""
    rows = []
    for kind, text in KINDS.items():
        values = [found[kind] for found in rounds]
        spread = f"{min(values) * 1000:.1f} … {max(values) * 1000:.1f}"
        rows.append((text, f"{estimate(values).median * 1000:.1f} ms", spread))
    return markdown(("time to the first token", "median", "from … to"), rows)


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="nox -s bench -- prompt-cache", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=at_least_one, default=6, help="Rounds (default: %(default)s).")
    parser.add_argument(
        "--tokens", type=at_least_one, default=4000, help="Length of the system prompt (default: %(default)s)."
    )
    parser.add_argument("--threads", type=at_least_one, help="Threads (default: llamapack's own choice).")
    return parser.parse_args(argv)


def main() -> int:
    """Measure, print the table and write the report."""
    import llamapack
    from llamapack.threads import default_threads

    options, load = parse(), os.getloadavg()
    threads = options.threads or default_threads().count
    rounds = []
    with llamapack.Model(options.model, vocab_only=True) as model:

        def count(text: str) -> int:
            return len(model.vocab.tokenize(text))

        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
            system = system_prompt(count, options.tokens, number)
            rounds.append({"tokens": float(count(system)), **measure(options.model, system, threads)})
    write_report(options.output, {"rounds": rounds}, load)
    middle = {name: statistics.median(found[name] for found in rounds) for name in ("tokens", "bytes")}
    print(f"{middle['tokens']:.0f} tokens, {middle['bytes'] / 2**20:.1f} MiB, load average {load[0]:.1f} before")
    print(table(rounds))
    return 0


if __name__ == "__main__":
    run_main(main)
