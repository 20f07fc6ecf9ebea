"""Greedy text equals upstream's own program, built from the same tree, on the same CPU level."""

from pathlib import Path

import llamapack
import pytest
from llamapack.backends.cpu import cpu_levels

from tests.support.children import python
from tests.support.reference.upstream import Reference

PROMPTS = [
    "The capital of France is",
    "def fibonacci(n):\n    ",
    "Zwei Dinge sind unendlich: das Universum und 世界 🌍 —",
]
LEVELS = [level for level in cpu_levels() if level.supported]


@pytest.mark.parametrize("prompt", PROMPTS)
def test_greedy_continuation_equals_upstreams(
    model: llamapack.Model, model_path: Path, reference: Reference, tmp_path: Path, prompt: str
) -> None:
    ours = "".join(llamapack.generate(model, prompt, temperature=0, max_tokens=64, n_threads=2))
    file = tmp_path / "prompt.txt"
    file.write_text(prompt, encoding="utf-8")
    theirs = reference.run(
        model.cpu.level.path,
        "llama-completion",
        *("-m", model_path, "-f", file, "-n", "64", "-c", "4096", "-t", "2", "--temp", "0"),
        *("-no-cnv", "--no-display-prompt", "--simple-io", "--no-warmup"),
    )
    assert ours.strip()
    assert ours == theirs.removesuffix("\n\n").removesuffix(" [end of text]\n")


GREEDY = """
import json, sys, llamapack
from pathlib import Path
with llamapack.Model(sys.argv[1], cpu_level=sys.argv[2]) as model:
    text = "".join(llamapack.generate(model, "Count: 1, 2, 3,", temperature=0, max_tokens=12, n_threads=2))
mapped = Path("/proc/self/maps")
loaded = {Path(l.split()[-1]).name for l in mapped.open() if "libggml-cpu" in l} if mapped.exists() else None
print(json.dumps({"text": text, "level": model.cpu.level.name, "reason": model.cpu.reason, "loaded": sorted(loaded)}))
"""


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)
def test_each_supported_level_gives_the_same_text_and_is_the_one_loaded(model_path: Path, level: object) -> None:
    import json

    from llamapack.backends.cpu import CpuLevel

    assert isinstance(level, CpuLevel)
    answer = python(GREEDY, model_path, level.name)
    assert answer.status == 0, answer.err
    result = json.loads(answer.out)
    assert result["level"] == level.name
    assert result["reason"] == "asked for by the argument"
    if result["loaded"] is not None:
        assert result["loaded"] == [level.path.name]
    assert result["text"] == " 4, 5, 6, 7,"
