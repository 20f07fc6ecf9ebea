"""The header of a GGUF file is parsed once for each thing that is made of it: it may hold a long vocabulary."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import llamapack
import pytest
from llamapack.gguf import reading
from llamapack.gguf.file import read_file

from tests.support.reference.made_adapters import write_lora
from tests.support.reference.weights import read_weights


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are parsed from now on."""
    names: list[str] = []

    def counted(path: Path) -> object:
        names.append(path.name)
        return read_file(path)

    monkeypatch.setattr(reading, "read_file", counted)
    return names


def test_by_a_model_with_overrides(made_path: Callable[[str], Path], parsed: list[str]) -> None:
    with llamapack.Model(made_path("llama"), overrides={"llama.context_length": 64}) as model:
        assert model.n_ctx_train == 64
    assert parsed == ["llama.gguf"]


def test_by_an_adapter(made_path: Callable[[str], Path], tmp_path: Path, parsed: list[str]) -> None:
    write_lora(tmp_path / "lora.gguf", read_weights(made_path("llama")), ("blk.0.attn_q",))
    with llamapack.Model(made_path("llama")) as model, llamapack.LoraAdapter(model, tmp_path / "lora.gguf") as lora:
        assert lora.metadata["general.type"] == "adapter"
    assert parsed == ["llama.gguf", "lora.gguf"]


def test_by_quantizing(made_path: Callable[[str], Path], tmp_path: Path, parsed: list[str]) -> None:
    llamapack.quantize(made_path("llama"), tmp_path / "copy.gguf", "COPY")
    assert parsed == ["llama.gguf", "copy.gguf"]  # the result is looked at, too
