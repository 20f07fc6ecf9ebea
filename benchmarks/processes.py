"""Run a program once and measure it from outside: its time, the time to its first output, its peak memory."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class BenchmarkError(Exception):
    """A measurement is not possible."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """The measurements of one process."""

    out: str
    seconds: float
    first_output_seconds: float
    peak_bytes: int


def run(command: Sequence[str | Path]) -> Run:
    """Run a program to its end; raises BenchmarkError with its output if it fails.

    Bytecode is cached, as it is for users.
    """
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=said, stdin=subprocess.DEVNULL, env=variables
        )
        assert process.stdout is not None
        with process.stdout as pipe:
            out = pipe.read(1)
            first = time.perf_counter() - began
            out += pipe.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            message = said.read().decode("utf-8", "replace")[-2000:]
            raise BenchmarkError(f"{' '.join(map(str, command))}\nended with status {process.returncode}:\n{message}")
    return Run(
        out=out.decode("utf-8", "replace"),
        seconds=seconds,
        first_output_seconds=first,
        peak_bytes=usage.ru_maxrss * (1 if os.uname().sysname == "Darwin" else 1024),
    )


def llama_bench(reference: Path, library: str | Path, *arguments: str | int | Path) -> list[dict[str, Any]]:
    """Run llama.cpp's llama-bench on the backend `library`, each test once; return its result for each."""
    command = (reference, library, "llama-bench", "-r", 1, "-o", "json", *arguments)
    return list(json.loads(run([str(argument) for argument in command]).out))
