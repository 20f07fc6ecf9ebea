"""The examples of Llama run, the guide quotes them as they are, and the new code for llama-cpp-python's users works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from llamapack import Llama

from tests.support.llama.media_files import noise, saved
from tests.support.llama.templates import TOOLS
from tests.support.programs.examples import GUIDE, examples, quoted_and_written, run_example
from tests.support.reference.made_models import write_model
from tests.support.reference.made_projectors import write_projector

EXAMPLES = examples("examples/llama")
NEW = re.compile(r"```python\n# llamapack\n(.*?)```", re.DOTALL)

SAYS = {
    "ask.py": r".+\n(stop|length): \d+ \+ \d+ tokens\n.+\n(stop|length)\n",
    "typed.py": r"str int\nI won the lottery! (happy|sad)\nMy cat has died\. (happy|sad)\n.+ (happy|sad)\n",
    "tools.py": r".*\n\d calls\n",
    "conversation.py": r".+\n.+\n3 5\nTrue\n",
    "images.py": r".*\nTrue\n(day|night)\n",
    "vectors.py": r"\(3, 576\)\n\[ ?1\. +\S+ +\S+\]\n",
    "ranking.py": r"(-?\d+\.\d\d .+\.\n){2}",
    "scores.py": r" Paris: -\d\.\d\n Rome: -\d\.\d\n Paris\n\[\d+, \d+\]\n",
    "tasks.py": r"\[\d+, \d+\]\n.*\n",
    "explain.py": r".*: 135 million parameters.*Context: 1024 tokens for each of 2 requests.*"
    r"keys q8_0, values f16\nProjector: none: .*\nMemory: \d+ MiB of this machine\n",
    "fit.py": r"It fits with all of its context, 8192 tokens, .*\n8192\n",
}


def test_every_example_is_expected_to_say_something() -> None:
    assert set(SAYS) == set(EXAMPLES)


@pytest.mark.parametrize("name", SAYS)
def test_example_runs(name: str, model_path: Path, tmp_path: Path) -> None:
    more = [tmp_path / "tools.jinja"] if name == "tools.py" else []
    if name == "images.py":
        more = [write_projector(tmp_path / "mmproj.gguf", width=576), tmp_path / "cat.png"]
        more[1].write_bytes(saved(noise(), "PNG"))
    (tmp_path / "tools.jinja").write_text(TOOLS, encoding="utf-8")
    model = write_model(tmp_path / "ranker.gguf", "reranker", words="abcd") if name == "ranking.py" else model_path
    answer = run_example(EXAMPLES[name], model, *more)
    assert (answer.status, answer.err) == (0, "")
    assert re.fullmatch(SAYS[name], answer.out, re.DOTALL), answer.out


def test_guide_quotes_every_example_as_it_is() -> None:
    quoted, written = quoted_and_written("llama.md", "examples/llama")
    assert quoted == written


def test_new_code_for_users_of_llama_cpp_python_works(
    model_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = NEW.findall((GUIDE / "from-llama-cpp-python.md").read_text(encoding="utf-8"))
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block.replace('"model.gguf"', repr(str(model_path))), "the guide", "exec"), names)  # noqa: S102  # our own code
    llm = names["llm"]
    assert isinstance(llm, Llama)
    llm.close()
    assert len(blocks) == 10
    assert isinstance(names["value"], bool)
    assert names["paris"].logprob > names["rome"].logprob  # type: ignore[attr-defined]  # a Score
    assert names["vectors"].shape == (2, 576)  # type: ignore[attr-defined]  # an array
