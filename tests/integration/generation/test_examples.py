"""The examples run, and the guide quotes them as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.llama.templates import TOOLS
from tests.support.media.files import png, some_pixels
from tests.support.programs.examples import examples, quoted_and_written, run_example
from tests.support.reference.made_adapters import write_lora
from tests.support.reference.made_projectors import write_projector
from tests.support.reference.weights import read_weights

EXAMPLES = examples("examples")

SAYS = {
    "answer.py": r".+\n\d+ tokens, (stop|length)\n",
    "calls.py": r"(temperature was called with \{'city': '(Rome|Oslo)'\} and returned \d+\.\d\n)*.+\n",
    "engine.py": r".+\n8 texts\n",
    "hardware.py": r"CPU: .*, \d+ MiB free\n0 layers on the CPU alone\n",
    "images.py": r"image 4\n\(4, 576\)\ntext \d+\n'.*'\n",
    "objects.py": r" Paris\b.*",
    "sampling.py": r"( *-\d+\.\d\d b.+\n){3}b.+\n",
    "sequences.py": r".*\n.*\n\(0, 9\) \(0, 9\)\n",
    "state.py": r"5 tokens are back\n four\n",
    "embeddings.py": r"\(3, 576\)\n\[ ?1\. +\S+ +\S+\]\n",
    "grammar.py": r" (yes|no)\n",
    "parameters.py": r"dict_keys\(\['city', 'large'\]\)\n-\d+\.\d\d, of the likeliest: \[-\d+\.\d+, -\d+\.\d+\]\n",
    "adapters.py": r"0\.0: b' Paris' -0\.\d\d\n0\.5: b.+\n1\.0: b.+\n",
}


def test_every_example_is_expected_to_say_something() -> None:
    assert set(SAYS) == set(EXAMPLES)


@pytest.fixture(scope="module")
def adapter(model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("adapter") / "lora.gguf"
    write_lora(path, read_weights(model_path), ["blk.0.attn_q"])
    return path


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "tools.jinja"
    path.write_text(TOOLS, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A projector of the model's width, and an image."""
    folder = tmp_path_factory.mktemp("image")
    (folder / "image.png").write_bytes(png(some_pixels()))
    return [write_projector(folder / "mmproj.gguf", width=576), folder / "image.png"]


@pytest.mark.parametrize("name", SAYS)
def test_example_runs(name: str, model_path: Path, adapter: Path, template: Path, image: list[Path]) -> None:
    more = {"adapters.py": [adapter], "calls.py": [template], "images.py": image}
    answer = run_example(EXAMPLES[name], model_path, *more.get(name, ()))
    assert (answer.status, answer.err) == (0, "")
    assert re.fullmatch(SAYS[name], answer.out, re.DOTALL), answer.out


def test_guide_quotes_every_example_as_it_is() -> None:
    quoted, written = quoted_and_written("README.md", "examples")
    assert quoted == written
