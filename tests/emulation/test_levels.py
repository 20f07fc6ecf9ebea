"""On an older processor, emulated by qemu-user, the wheel takes the right level by itself and says the same.

The whole process runs on that processor: Python, numpy, the command line and every library that is loaded before the
level is chosen. An instruction that the processor lacks ends it with a signal.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from llamapack.backends.cpu import cpu_levels

from tools.matrix import host_target, load_matrix

PROMPT, TEXT, TOKENS = "Count: 1, 2, 3,", " 4, 5, 6,", 9
EMULATED = [level for level in load_matrix().levels_of(host_target()) if level.qemu]
WANTED = os.environ.get("LLAMAPACK_TEST_LEVELS") or ",".join(level.name for level in EMULATED)
LEVELS = [level for level in EMULATED if level.name in WANTED.split(",")]
GREEDY = """
import json, sys, numpy, llamapack
numpy.linalg.inv(numpy.eye(33, dtype=numpy.float32))
with llamapack.Model(sys.argv[1], cpu_level=sys.argv[2] or None) as model:
    tokens = model.vocab.tokenize(sys.argv[3])
    text = "".join(llamapack.generate(model, sys.argv[3], temperature=0, max_tokens=int(sys.argv[4]), n_threads=2))
loaded = sorted({line.split()[-1].rpartition("/")[2] for line in open("/proc/self/maps") if "libggml-cpu" in line})
supported = [level.name for level in llamapack.backends.cpu.cpu_levels() if level.supported]
answer = {"level": model.cpu.level.name, "tokens": list(map(int, tokens)), "text": text}
print(json.dumps({**answer, "loaded": loaded, "supported": supported}))
"""


def run(emulator: tuple[str | Path, ...], *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Python, emulated or not, without a level of the person's own."""
    variables = {name: value for name, value in os.environ.items() if name != "LLAMAPACK_CPU"}
    command = [*map(str, emulator), sys.executable, "-X", "faulthandler", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=variables, check=False, timeout=900)


def greedy(model: Path, level: str = "", emulator: tuple[str | Path, ...] = ()) -> dict[str, Any]:
    done = run(emulator, "-c", GREEDY, model, level, PROMPT, str(TOKENS))
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def native(model: Path, level: str) -> dict[str, Any] | None:
    """Return what the level says on this machine's own processor; nothing where it lacks the level."""
    return greedy(model, level) if any(own.name == level and own.supported for own in cpu_levels()) else None


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)
def test_processor_gets_its_level_and_says_the_same(emulator: Path, model_path: Path, level: Any) -> None:
    emulated = greedy(model_path, emulator=(emulator, "-cpu", level.qemu))
    flags = set(level.flags)
    assert emulated["level"] == level.name
    assert emulated["loaded"] == [f"libggml-cpu-{level.name}.so"]
    assert emulated["supported"] == [each.name for each in EMULATED if set(each.flags) <= flags]
    assert emulated["text"] == TEXT
    if own := native(model_path, level.name):
        assert (emulated["tokens"], emulated["text"]) == (own["tokens"], own["text"])


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)
def test_command_line_runs_and_names_the_level(emulator: Path, model_path: Path, level: Any) -> None:
    words = ("--raw", "--temp", "0", "--max-tokens", "2", "--threads", "2", PROMPT)
    done = run((emulator, "-cpu", level.qemu), "-m", "llamapack", "run", "--model", model_path, *words)
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
    emulated = greedy(model_path, emulator=(emulator, "-cpu", processor))
    assert (emulated["level"], emulated["text"]) == (level, TEXT)
