"""`llamapack perplexity`: how well a model predicts a text."""

from __future__ import annotations

import json
import sys
from typing import BinaryIO

import click

from llamapack.cli.parameters import MODEL, NAMED


@click.command()
@click.argument("text", metavar="FILE", type=click.File("rb"), required=False)
@click.option("-m", "--model", "reference", type=MODEL, required=True, help=NAMED)
@click.option("-c", "--ctx-size", default=512, show_default=True, help="Tokens of a chunk; the second half is scored.")
@click.option("-b", "--batch-size", type=int, help="Tokens read at once.  [default: the chunk]")
@click.option("--chunks", type=int, help="Stop after so many chunks.  [default: the whole text]")
@click.option("-t", "--threads", type=int, help="Threads.  [default: see `llamapack info`]")
@click.option("--cpu", help="The CPU level to use.  [default: the best; variable LLAMAPACK_CPU]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def perplexity(
    text: BinaryIO | None,
    reference: str,
    ctx_size: int,
    batch_size: int | None,
    chunks: int | None,
    threads: int | None,
    cpu: str | None,
    as_json: bool,
) -> None:
    """Measure the perplexity of the text in FILE, or of standard input, as llama.cpp's llama-perplexity does.

    Values compare only for the same text, tokenizer and --ctx-size.
    """
    from llamapack.cli.progress import progress_bar
    from llamapack.evaluation import perplexity as measure
    from llamapack.model import Model
    from llamapack.model.finding import find_model

    data = sys.stdin.buffer.read() if text is None else text.read()
    path = find_model(reference, projector=False).path
    with Model(path, cpu_level=cpu) as model, progress_bar("perplexity") as step:
        found = measure(
            model,
            data,
            n_ctx=ctx_size,
            n_batch=batch_size,
            max_chunks=chunks,
            n_threads=threads,
            progress=lambda done, total, value: step(done, total, f"{value:.4f}"),
        )
    if as_json:
        from dataclasses import asdict

        click.echo(json.dumps(asdict(found)))
    else:
        click.echo(f"{found.value:.4f} +/- {found.error:.5f} ({found.n_tokens} tokens, {len(found.running)} chunks)")
