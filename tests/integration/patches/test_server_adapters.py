"""The patch for requests without LoRA adapters: they do not go on with what a request with other ones left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from llamapack.engine import Engine

from tests.support.gguf.files import bpe_vocabulary
from tests.support.native_programs import upstream_file
from tests.support.reference.made_adapters import write_lora
from tests.support.reference.made_models import write_model
from tests.support.reference.weights import read_weights

PROMPT = "the quick brown fox jumps over the lazy dog"
LINE = b"slot.lora = params_base.lora_adapters;"


def answer(engine: Engine, **more: Any) -> list[int]:
    body = {"prompt": PROMPT, "n_predict": 8, "temperature": 0, "ignore_eos": True, "return_tokens": True, **more}
    found: list[int] = engine.request("POST", "/completion", body).json()["tokens"]
    return found


def test_a_request_without_adapters_gets_the_default_ones_for_all_of_its_prompt(tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.gguf", "llama", vocabulary=bpe_vocabulary())
    write_lora(tmp_path / "lora.gguf", read_weights(path), ["blk.0.attn_k", "blk.1.attn_v"])
    options: dict[str, Any] = {"ctx_size": 256, "parallel": 1, "threads": 1, "warmup": False}
    with Engine(path, lora=tmp_path / "lora.gguf", **options) as engine:
        on, off = (answer(engine, lora=[{"id": 0, "scale": scale}], cache_prompt=False) for scale in (1.0, 0.0))
        assert on != off
        assert answer(engine, lora=[{"id": 0, "scale": 0.0}]) == off
        assert answer(engine) == on
        engine.request("POST", "/lora-adapters", [{"id": 0, "scale": 0.0}]).read()
        assert answer(engine) == off


def test_upstream_still_needs_the_patch() -> None:
    assert LINE in upstream_file("upstream", "tools/server/server-context.cpp")
    assert LINE not in upstream_file("patched", "tools/server/server-context.cpp")
