"""The patch for several models in one process: none gets tokens of the first one."""

from __future__ import annotations

from pathlib import Path

from llamapack.engine import Engine
from llamapack.gguf import ValueType

from tests.support.gguf.files import (
    MERGES,
    SPECIAL,
    Description,
    array,
    byte_tokens,
    encode,
    tiny_model,
    uint32,
)
from tests.support.native_programs import upstream_file

PARTS = ("fim_pre", "fim_suf", "fim_mid", "fim_rep", "fim_sep")
"""Tokens that stand around the parts of code to fill in: before, behind, in between, a repository, a file."""
STATICS = {
    "tools/server/server-common.cpp": (
        b"static const auto k_fim_repo",
        b"static const auto k_chunk_prefix_tokens",
        b"static const auto k_fim_file",
    ),
    "tools/server/server-context.cpp": (b"static const int checkpoint_offsets[]",),
}


def model_for_code(first_byte: int) -> Description:
    """Describe a tiny model that fills in code, whose tokens for single bytes begin with `first_byte`."""
    letters = byte_tokens()
    merges = MERGES[: len(MERGES) - len(PARTS)]
    words = [merge.replace(" ", "") for merge in merges]
    tokens = [*SPECIAL, *letters[first_byte:], *letters[:first_byte], *words, *(f"<{part}>" for part in PARTS)]
    values = dict(tiny_model().values)
    values["tokenizer.ggml.tokens"] = array(ValueType.STRING, tokens)
    special = {*SPECIAL, *(f"<{part}>" for part in PARTS)}
    values["tokenizer.ggml.token_type"] = array(ValueType.INT32, [3 if token in special else 1 for token in tokens])
    values["tokenizer.ggml.merges"] = array(ValueType.STRING, list(merges))
    for part in PARTS:
        values[f"tokenizer.ggml.{part}_token_id"] = uint32(tokens.index(f"<{part}>"))
    return Description(values=values, tensors=tiny_model().tensors)


def prompt_for_code(path: Path) -> str:
    """Return what a model gets to read when it shall fill in code."""
    body = {"input_prefix": "a", "input_suffix": "b", "n_predict": 1}
    with Engine(path, ctx_size=64, batch_size=16, parallel=1, predict=2, warmup=False) as engine:
        return str(engine.request("POST", "/infill", body).json()["prompt"])


def test_a_second_model_gets_its_own_tokens_around_code(tmp_path: Path) -> None:
    prompts = []
    for first_byte in (0, 100):
        path = tmp_path / f"{first_byte}.gguf"
        path.write_bytes(encode(model_for_code(first_byte)).data)
        prompts.append(prompt_for_code(path))
    assert "myproject\n" in prompts[0]
    assert "filename\n" in prompts[0]
    assert prompts[0] == prompts[1]


def test_upstream_still_needs_the_patch() -> None:
    for path, lines in STATICS.items():
        source = upstream_file("upstream", path)
        assert [line for line in lines if line not in source] == []
        patched = upstream_file("patched", path)
        assert [line for line in lines if line in patched] == []
