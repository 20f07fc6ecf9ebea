"""On an older processor, emulated by qemu-user, the wheel takes the right level by itself and says the same.

The whole process runs on that processor: Python, numpy, the command line and every library that is loaded before the
level is chosen. An instruction that the processor lacks ends it with a signal.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from llamapack.backends.cpu import cpu_levels

from tests.support.greedy import TEXT, answer, arguments
from tools.matrix import host_target, load_matrix

EMULATED = [level for level in load_matrix().levels_of(host_target()) if level.qemu]
WANTED = os.environ.get("LLAMAPACK_TEST_LEVELS") or ",".join(level.name for level in EMULATED)
LEVELS = [level for level in EMULATED if level.name in WANTED.split(",")]
SHORT = "2, 3,"
"""A prompt that every level continues with 4. Emulated, each of its tokens takes a second or more."""


# QEMU leaves the upper halves of 256-bit registers in use. Where its C library then mixes an FMA instruction with SSE,
# some processors need 100 ns for each (measured on an AMD EPYC). The library's fmaf without that instruction gives the
# same bits, for both round once.
TUNABLES = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-FMA4"}


def command(emulator: Path, processor: str) -> list[str]:
    """Return the words that run Python on an emulated processor; TUNABLES are for the emulator and end there."""
    return [str(emulator), "-U", *TUNABLES, "-cpu", processor, sys.executable]


def clean() -> dict[str, str]:
    """Return this process's variables, without a level of the person's own."""
    return {name: value for name, value in os.environ.items() if name != "LLAMAPACK_CPU"}


def greedy(emulator: Path, processor: str, model: Path) -> dict[str, Any]:
    return answer([*command(emulator, processor), *arguments(model)], {**clean(), **TUNABLES})


def native(model: Path, level: str) -> dict[str, Any]:
    """Return what the level says on this machine's own processor; where that lacks it, what the best it has says."""
    has = any(own.name == level and own.supported for own in cpu_levels())
    return answer([sys.executable, *arguments(model, level if has else "")], clean())


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)
def test_processor_gets_its_level_and_says_the_same(emulator: Path, model_path: Path, level: Any) -> None:
    emulated = greedy(emulator, level.qemu, model_path)
    flags = set(level.flags)
    assert emulated["level"] == level.name
    assert emulated["loaded"] == [f"libggml-cpu-{level.name}.so"]
    assert emulated["supported"] == [each.name for each in EMULATED if set(each.flags) <= flags]
    assert emulated["text"] == TEXT
    own = native(model_path, level.name)
    assert (emulated["tokens"], emulated["text"]) == (own["tokens"], own["text"])


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)
def test_command_line_runs_and_names_the_level(emulator: Path, model_path: Path, level: Any) -> None:
    words = ("--raw", "--temp", "0", "--max-tokens", "2", "--threads", "2", SHORT)
    program = [*command(emulator, level.qemu), "-m", "llamapack", "run", "--model", str(model_path), *words]
    variables = {**clean(), **TUNABLES}
    done = subprocess.run(program, capture_output=True, text=True, env=variables, check=False, timeout=900)
    assert (done.returncode, done.stdout) == (0, " 4\n"), done.stderr
    assert f"[cpu {level.name}, 2 threads;" in done.stderr


MASKED = {
    "no state for AVX": ("max,-xsave", "sse42"),
    "Haswell without state for AVX": ("Haswell,-xsave", "sse42"),
    "Haswell without AVX2": ("Haswell,-avx2", "piledriver"),
}


@pytest.mark.parametrize(("processor", "level"), MASKED.values(), ids=MASKED)
def test_processor_with_something_masked_falls_back(
    emulator: Path, model_path: Path, processor: str, level: str
) -> None:
    if level not in WANTED.split(","):
        pytest.skip(f"it falls back to {level}, which this run is not about")
    emulated = greedy(emulator, processor, model_path)
    assert (emulated["level"], emulated["text"]) == (level, TEXT)
