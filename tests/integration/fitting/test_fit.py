"""What `fit` says a model takes, and what it really takes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from llamapack import Llama
from llamapack.errors import InputError, ModelError, ModelFormatError, ModelNotFoundError
from llamapack.fitting import fit
from llamapack.runner.needs import host_need

from tests.support.children import command
from tests.support.engine.taken_memory import estimated_and_taken

MIB = 1 << 20
WORDS = {"prompt": "word " * 520, "n_predict": 4}
CACHES: tuple[dict[str, Any], ...] = ({}, {"cache_type_k": "q8_0", "cache_type_v": "q8_0"})
needs_rss = pytest.mark.skipif(sys.platform == "win32", reason="mapped files are not in the working set there")


@needs_rss
@pytest.mark.parametrize("cache", CACHES, ids=["f16", "q8_0"])
@pytest.mark.parametrize("context", [1024, 8192, 32768])
def test_the_estimate_is_what_it_takes(model_path: Path, context: int, cache: dict[str, Any]) -> None:
    needs, taken = estimated_and_taken(model_path, "/completion", WORDS, ctx_size=context, threads=1, **cache)
    assert host_need(needs) == pytest.approx(taken, rel=0.1)


@needs_rss
@pytest.mark.parametrize("cache", CACHES, ids=["f16", "q8_0"])
def test_the_estimate_holds_for_layers_with_a_window(base_path: Path, cache: dict[str, Any]) -> None:
    """Gemma's: most of its layers remember the last 512 tokens only."""
    needs, taken = estimated_and_taken(base_path, "/completion", WORDS, ctx_size=8192, threads=1, **cache)
    assert host_need(needs) == pytest.approx(taken, rel=0.1)


@needs_rss
def test_all_rows_of_logits_are_counted_where_they_are_computed(model_path: Path) -> None:
    options = {"ctx_size": 1024, "parallel": 1, "embedding": True, "pooling": "mean", "threads": 1}
    needs, taken = estimated_and_taken(model_path, "/embedding", {"content": "word " * 510}, **options)
    assert host_need(needs) == pytest.approx(taken, rel=0.1)


def test_it_finds_what_fits(model_path: Path) -> None:
    found = fit(model_path)
    assert (found.context_trained, found.size) == (8192, model_path.stat().st_size)
    assert [(plan.cache_type, plan.context) for plan in found.plans] == [("f16", 8192), ("q8_0", 8192)]
    f16, q8_0 = (host_need(plan.needs) for plan in found.plans)
    numbers = 8192 * 30 * 2 * 192  # tokens, layers, keys and values, width
    assert f16 - q8_0 == pytest.approx(numbers * 2 - numbers * 34 / 32, rel=0.02)
    with Llama(model_path, **found.best.options) as llm:  # type: ignore[union-attr]
        (memory,) = llm.explain().memory
        assert llm.explain().context == 8192
    assert memory == f"{f16 / MIB:,.0f} MiB of this machine"


def test_what_does_not_fit_says_what_it_takes(model_path: Path) -> None:
    answer = command("fit", model_path, "-c", "1024", "--reserve", "1000000000")
    assert answer.status == 1
    assert "It does not fit: It takes " in answer.out
    assert answer.err == ""


def test_as_json_and_as_a_table(model_path: Path) -> None:
    found = json.loads(command("fit", model_path, "--json", "--cache-type", "q4_0").out)
    assert found["best"] == {"ctx_size": 8192, "cache_type_k": "q4_0", "cache_type_v": "q4_0"}
    lines = command("fit", model_path).out.splitlines()
    assert lines[-1] == "Llama(…, ctx_size=8192)"
    assert [line.split()[:2] for line in lines[2:4]] == [["f16", "8192"], ["q8_0", "8192"]]


def test_bad_input_is_refused_with_the_reason(model_path: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot say how much memory") as caught:
        fit(model_path, cache_types=["q77"])
    assert "q77" in str(caught.value)
    with pytest.raises(ModelNotFoundError):
        fit(tmp_path / "none.gguf")
    (tmp_path / "text.gguf").write_text("Hello")
    with pytest.raises(ModelFormatError):
        fit(tmp_path / "text.gguf")
    with pytest.raises(InputError, match=r"Did you mean 'ctx_size'"):
        fit(model_path, n_ctx=512)
