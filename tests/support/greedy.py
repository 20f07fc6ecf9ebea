"""The program that emulation and root tests run: prints greedy tokens, and which libraries were chosen and loaded."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from typing import Any

PROMPT, TEXT, TOKENS = "Count: 1, 2, 3,", " 4, 5, 6,", 9
GREEDY = """
import json, sys, numpy, llamapack
numpy.linalg.inv(numpy.eye(33, dtype=numpy.float32))
path, level, prompt, count = sys.argv[1:]
text, chosen, logits = "", [], []
with llamapack.Model(path, cpu_level=level or None) as model:
    with llamapack.Context(model, n_ctx=256, n_threads=1) as context:
        answer = llamapack.generate(model, prompt, context=context, temperature=0, max_tokens=int(count))
        while len(chosen) < int(count):
            text += next(answer)  # a piece for each token, for all are ASCII
            scores = context.outputs.logits()  # those that the token was chosen by
            logits = logits or scores.tolist()
            chosen.append(int(scores.argmax()))
        assert (answer.tokens, list(answer)) == (chosen, [])
loaded = sorted({line.split()[-1].rpartition("/")[2] for line in open("/proc/self/maps") if "libggml-cpu" in line})
supported = [level.name for level in llamapack.backends.cpu.cpu_levels() if level.supported]
answer = {"level": model.cpu.level.name, "tokens": chosen, "text": text, "logits": logits}
print(json.dumps({**answer, "loaded": loaded, "supported": supported}))
"""


def arguments(model: object, level: str = "") -> list[str]:
    """Return Python's arguments to answer the prompt with `model`, on the CPU level that it chooses or on `level`."""
    return ["-X", "faulthandler", "-c", GREEDY, str(model), level, PROMPT, str(TOKENS)]


def answer(command: list[str], variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run `command`, which ends with `arguments`, and return its parsed output."""
    done = subprocess.run(command, capture_output=True, text=True, env=variables, check=False, timeout=1800)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
