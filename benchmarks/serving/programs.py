"""Servers as processes, each with a number of slots, on ports of this machine that are free."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from llamapack import runner_path

from benchmarks.engines.llama_server import SIZE, free_port, wait_for
from benchmarks.processes import BenchmarkError

OURS, ALONE, NATIVE, PEER = "llamapack serve", "llamapack-runner", "llama-server", "llama-cpp-python"

ROUTES = {PEER: "/v1/models"}
"""What servers without `/health` answer when they have loaded their models."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What a server is started with."""

    model: Path
    slots: int
    threads: int
    port: int

    @property
    def upstreams(self) -> list[str]:
        """The arguments of llama.cpp's server."""
        told = ["--port", self.port, "-np", self.slots, "-t", self.threads, "-c", SIZE * self.slots, "-ngl", 0]
        told += ["--threads-http", self.slots + 2]
        return ["-m", str(self.model), *map(str, told)]


def commands(server: Path, peer: str, *ours: str) -> dict[str, Callable[[Load], list[str]]]:
    """Return how each server is started. `peer` is a Python with llama-cpp-python; empty: it is left out.

    `ours` are more arguments of `llamapack serve`.
    """
    found: dict[str, Callable[[Load], list[str]]] = {
        OURS: lambda load: [
            *(sys.executable, "-m", "llamapack", "serve", str(load.model), "--port", str(load.port), "--quiet"),
            *("--parallel", str(load.slots), "--ctx-size", str(SIZE * load.slots), "--threads", str(load.threads)),
            *ours,
        ],
        ALONE: lambda load: [str(runner_path()), *load.upstreams],
        NATIVE: lambda load: [str(server), *load.upstreams],
    }
    if peer:
        found[PEER] = lambda load: [
            *(peer, "-m", "llama_cpp.server", "--model", str(load.model), "--port", str(load.port)),
            *("--n_ctx", str(SIZE), "--n_threads", str(load.threads), "--n_threads_batch", str(load.threads)),
            *("--interrupt_requests", "false"),  # it works on one request at a time, and would end that for the next
        ]
    return found


@contextmanager
def started(
    command: Callable[[Load], list[str]], model: Path, slots: int, threads: int, route: str = "/health"
) -> Iterator[Process]:
    """Start a server, wait until it has loaded its model and answers at `route`, and end it after the block."""
    load = Load(model=model, slots=slots, threads=threads, port=free_port())
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command(load), stdout=said, stderr=said)
        try:
            wait_for(load.port, process, route)
            yield Process(port=load.port, pid=process.pid)
        except BaseException:
            said.seek(0)
            print(said.read()[-2000:].decode("utf-8", "replace"), file=sys.stderr)
            raise
        finally:
            process.terminate()
            process.wait()


@dataclass(frozen=True, kw_only=True)
class Process:
    """A server that has started."""

    port: int
    pid: int

    def children(self) -> list[int]:
        """Return the processes that it started."""
        return [child.pid for child in psutil.Process(self.pid).children()]

    def resident(self) -> int:
        """Return the memory of the process itself, in bytes, with what it shares."""
        return int(psutil.Process(self.pid).memory_info().rss)


def chosen(all_of_them: Mapping[str, Callable[[Load], list[str]]], only: Sequence[str]) -> list[str]:
    """Return the names that were asked for, ours first; raises BenchmarkError for unknown ones."""
    if unknown := sorted(set(only) - set(all_of_them)):
        raise BenchmarkError(f"There is no server {', '.join(unknown)} here; there are {', '.join(all_of_them)}.")
    return [name for name in all_of_them if name == OURS or not only or name in only]
