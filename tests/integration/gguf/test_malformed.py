"""Unsound files end in our errors, quickly and in little memory, and never end the process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import llamapack
import pytest
from llamapack.errors import InputError, ModelFormatError

from tests.support.children import python
from tests.support.gguf.files import (
    Description,
    Value,
    array,
    encode,
    hyperparameters,
    spm_vocabulary,
    text,
    tiny_model,
    tiny_tensors,
    uint32,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits of a case are set the Linux way")

SEED = 1
BLOCK = 400
BLOCKS = 6
HEADER_CASES = 60
ROOT = Path(__file__).parents[3]
MEMORY = 200  # MiB
OURS = {"ModelFormatError", "ModelNotFoundError", "ModelError", "InputError", "DecodeError", "loaded"}


@dataclass(kw_only=True)
class Report:
    """What became of some cases."""

    outcomes: Counter[str] = field(default_factory=Counter)
    deaths: list[str] = field(default_factory=list)
    greedy: list[str] = field(default_factory=list)
    allocations: list[str] = field(default_factory=list)


def load_cases(folder: Path, first: int, end: int, *model: Path) -> Report:
    """Load the cases in child processes: one goes on until it dies, the next one begins after what it died of."""
    report = Report()
    while first < end:
        command = [sys.executable, "-m", "tests.support.gguf.load_cases", *map(str, (SEED, first, end, folder, *model))]
        variables = {**os.environ, "GGML_NO_BACKTRACE": "1"}
        child = subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, env=variables, check=False, timeout=600
        )
        last = _read(report, child.stdout)
        if child.returncode == 0:
            return report
        assert last is not None, child.stderr  # it died before or between the cases
        reason = child.stderr.strip().rpartition("\n")[2]
        report.deaths.append(f"case {last['begins']} ({last['label']}): status {child.returncode}, {reason}")
        first = int(last["begins"]) + 1
    return report


def _read(report: Report, lines: str) -> dict[str, str] | None:
    """Add the lines to the report; return the case that did not end, if one did not."""
    begun: dict[str, str] | None = None
    for line in lines.splitlines():
        facts = json.loads(line)
        if "begins" in facts:
            begun = facts
            continue
        assert begun is not None
        report.outcomes[facts["outcome"]] += 1
        if facts["mib"] > MEMORY:
            report.greedy.append(f"case {begun['begins']} ({begun['label']}): {facts['mib']:.0f} MiB")
        if "bad_alloc" in facts["message"] or "allocate" in facts["message"]:
            report.allocations.append(f"case {begun['begins']} ({begun['label']}): {facts['message']}")
        begun = None
    return begun


def check(report: Report, count: int) -> None:
    assert report.deaths == []
    assert report.greedy == []
    assert report.allocations == []
    assert set(report.outcomes) <= OURS
    assert sum(report.outcomes.values()) == count
    # not all refused, and not all harmless: the generator is worth something
    assert report.outcomes["ModelFormatError"] > count / 4
    assert report.outcomes["loaded"] > count / 50


@pytest.mark.parametrize("block", range(BLOCKS))
def test_unsound_models_end_in_our_errors(tmp_path: Path, block: int) -> None:
    check(load_cases(tmp_path, block * BLOCK, (block + 1) * BLOCK), BLOCK)


def test_unsound_headers_of_a_real_model_end_in_our_errors(tmp_path: Path, model_path: Path) -> None:
    check(load_cases(tmp_path, 0, HEADER_CASES, model_path), HEADER_CASES)


LOAD_UNCHECKED = """
import sys, llamapack
from llamapack import gguf
gguf.check = gguf.read
try:
    llamapack.Model(sys.argv[1])
except llamapack.LlamapackError as error:
    print(type(error).__name__, "GGML_ASSERT" in str(error))
"""


def test_an_abort_that_nobody_foresaw_is_an_error_too(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(encode(tiny_model().with_value("llama.block_count", uint32(0))).data)
    answer = python(LOAD_UNCHECKED, path)
    assert (answer.status, answer.out) == (0, "ModelFormatError True\n"), answer.err


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"llama.block_count": uint32(0)}, "The block_count is 0; it must be 1 to 512."),
        ({"llama.block_count": uint32(513)}, "The block_count is 513; it must be 1 to 512."),
        (
            {"llama.nextn_predict_layers": uint32(2)},
            "The nextn_predict_layers are 2, more than the block_count of 1.",
        ),
        ({"llama.expert_count": uint32(513)}, "The expert_count is 513; at most 512 are supported."),
        ({"llama.expert_count": uint32(4)}, "There are 4 experts, but the expert_used_count is 0."),
        (
            {"llama.expert_used_count": array(llamapack.gguf.ValueType.INT32, [2])},
            "The expert_used_count is 2, more than the expert_count of 0.",
        ),
        (
            {"llama.rope.scaling.type": text("other")},
            "The rope.scaling.type is 'other'; known are none, linear, ",
        ),
        ({"llama.pooling_type": uint32(9)}, "The pooling_type is 9; known are 0 to 4."),
        (
            {"llama.attention.layer_norm_rms_epsilon": Value(type=6, value=-1.0)},
            "The layer_norm_rms_epsilon is -1.0; it must be a number, and not negative.",
        ),
    ],
)
def test_numbers_that_llama_cpp_aborts_on_are_named(tmp_path: Path, change: dict[str, Value], why: str) -> None:
    path = tmp_path / "model.gguf"
    model = tiny_model()
    for key, value in change.items():
        model = model.with_value(key, value)
    path.write_bytes(encode(model).data)
    with pytest.raises(ModelFormatError) as caught:
        llamapack.Model(path)
    assert caught.value.what == f"The model {path} cannot be loaded."
    assert caught.value.why.startswith(why)


def test_two_equal_tokens_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    model = tiny_model()
    tokens = list(model.values["tokenizer.ggml.tokens"].value)  # type: ignore[arg-type]  # it is a list
    tokens[20] = tokens[10]
    path.write_bytes(
        encode(model.with_value("tokenizer.ggml.tokens", array(llamapack.gguf.ValueType.STRING, tokens))).data
    )
    with pytest.raises(ModelFormatError, match="The tokens 10 and 20 of the vocabulary are the same"):
        llamapack.Model(path)


def test_a_vocabulary_without_the_bytes_it_needs_says_so_when_it_needs_them(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    vocabulary = spm_vocabulary()
    tokens = list(vocabulary["tokenizer.ggml.tokens"].value)  # type: ignore[arg-type]  # it is a list
    tokens = [str(token).replace("<0x", "byte ") for token in tokens]
    vocabulary["tokenizer.ggml.tokens"] = array(llamapack.gguf.ValueType.STRING, tokens)
    path.write_bytes(encode(Description(values={**hyperparameters(), **vocabulary}, tensors=tiny_tensors())).data)
    with llamapack.Model(path) as model:
        assert model.vocab.tokenize("he", add_special=False) != []
        with pytest.raises(InputError) as caught:
            model.vocab.tokenize("x")
    assert caught.value.why == "the vocabulary lacks a token that its tokenizer needs for this text"


def test_a_model_without_a_vocabulary_does_not_pretend_to_have_one(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(encode(tiny_model().with_value("tokenizer.ggml.model", text("none"))).data)
    with llamapack.Model(path) as model:
        assert len(model.vocab) == 268
        vocab = model.vocab
        for use in (lambda: vocab.tokenize("x"), lambda: vocab.piece(1), lambda: vocab.detokenize([1])):
            with pytest.raises(InputError, match="vocabulary"):
                use()
        assert not vocab.is_end(2)
