"""Perplexity equals what upstream's own program measures, from the same tree and on the same CPU level."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import llamapack
import pytest
from llamapack.errors import CancelledError, InputError
from llamapack.evaluation import perplexity

from tests.support.reference.upstream import Reference
from tools.paths import TRACKING

TEXT = (TRACKING / "README.md").read_bytes()[:8000].decode(errors="ignore")


def upstreams(reference: Reference, model: llamapack.Model, file: Path, *options: str) -> list[str]:
    """Return the numbers that upstream prints: the value after each chunk, the final one, and its error."""
    program = str(reference.folder / "llamapack-reference")
    words = [program, *map(str, (model.cpu.level.path, "llama-perplexity", "-m", model.path, "-f", file, "-t", "1"))]
    words += options
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    out = done.stdout.decode("utf-8", "replace")
    final = re.search(r"PPL = ([\d.]+) \+/- ([\d.]+)", out)
    assert final is not None, out
    return [*re.findall(r"\[\d+\]([\d.]+),", out), *final.groups()]


# n_batch matters in the last digits: small batches are computed by other kernels
@pytest.mark.parametrize(("n_ctx", "n_batch", "chunks"), [(512, 512, 1), (128, 128, 3), (128, 48, 1)])
def test_perplexity_equals_upstreams_in_every_printed_digit(
    model: llamapack.Model, reference: Reference, tmp_path: Path, n_ctx: int, n_batch: int, chunks: int
) -> None:
    file = tmp_path / "text.txt"
    file.write_text(TEXT, encoding="utf-8")
    wanted = upstreams(
        *(reference, model, file), *("-c", str(n_ctx)), *("-b", str(n_batch)), *("--chunks", str(chunks))
    )
    found = perplexity(model, TEXT, n_ctx=n_ctx, n_batch=n_batch, max_chunks=chunks, n_threads=1)
    assert [*(f"{value:.4f}" for value in found.running), f"{found.value:.4f}", f"{found.error:.5f}"] == wanted
    assert found.n_tokens == chunks * (n_ctx - n_ctx // 2 - 1)


def test_progress_is_told_and_can_stop(model: llamapack.Model) -> None:
    told: list[tuple[int, int, float]] = []

    def progress(done: int, total: int, value: float) -> bool:
        told.append((done, total, value))
        return done < 2

    with pytest.raises(CancelledError) as caught:
        perplexity(model, TEXT, n_ctx=64, max_chunks=3, n_threads=1, progress=progress)
    assert caught.value.what == "Measuring was stopped by the progress callback after 2 chunks."
    assert [(done, total) for done, total, _ in told] == [(1, 3), (2, 3)]
    assert all(value > 1 for _, _, value in told)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_ctx": 3}, "n_ctx must be a whole number from 4 "),
        ({"n_batch": 0}, "n_batch must be a whole number from 1 "),
        ({"max_chunks": 0}, "max_chunks must be a whole number from 1 "),
        ({"n_ctx": 8192}, "tokens, but a context of 8192 needs at least 16384."),
    ],
)
def test_wrong_arguments_are_named(model: llamapack.Model, options: dict[str, int], message: str) -> None:
    with pytest.raises(InputError) as caught:
        perplexity(model, TEXT, **options)  # type: ignore[arg-type]  # mypy takes them for all of its arguments
    assert message in caught.value.what
