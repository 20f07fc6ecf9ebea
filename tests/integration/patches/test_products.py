"""The patch for products of Q4_1: many rows and columns at once give the bits of one by one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from llamapack import Batch, Context, Model, quantize

from tests.support.native_programs import upstream_file
from tests.support.reference.made_models import write_model

TOKENS = 35
"""So many tokens that there are blocks of 16 columns and a rest; the vocabulary's size has a rest, too."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    folder = tmp_path_factory.mktemp("made")
    write_model(folder / "wide.gguf", "llama", n_vocab=101)
    quantize(folder / "wide.gguf", folder / "small.gguf", "Q4_1", pure=True, output_type="Q4_1")
    with Model(folder / "small.gguf") as opened:
        yield opened


@pytest.mark.parametrize("n_threads", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 2, 3, 16, 17, TOKENS])
def test_columns_at_once_have_the_bits_of_single_ones(model: Model, count: int, n_threads: int) -> None:
    with Context(model, n_ctx=TOKENS * 2, n_seq_max=TOKENS, n_threads=n_threads) as context:
        batch = Batch()
        for sequence in range(count):
            batch.add([sequence + 1], sequence=sequence)
        context.decode(batch)
        together = [context.outputs.logits(place) for place in range(count)]
    with Context(model, n_ctx=TOKENS * 2, n_threads=1) as context:
        for token, found in enumerate(together, 1):
            context.clear()
            context.decode([token])
            assert np.array_equal(context.outputs.logits(), found), token


def test_upstream_still_needs_the_patch() -> None:
    name, line = "ggml/src/ggml-cpu/arch/x86/quants.c", b"acc11 = _mm256_fmadd_ps(_mm256_mul_ps(dx1, dy1)"
    assert line in upstream_file("patched", name)
    assert line not in upstream_file("upstream", name)
