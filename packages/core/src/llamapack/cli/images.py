"""`llamapack run` with images or audio: by `Llama`, which knows projectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llamapack.cli.pieces import print_pieces
from llamapack.cli.progress import progress_bar

if TYPE_CHECKING:
    from llamapack.llama import Llama, Reply


def answer_with_media(
    prompt: str,
    reference: str,
    *,
    projector: Path | None,
    images: Sequence[Path],
    audio: Sequence[Path],
    raw: bool,
    loading: Mapping[str, Any],
    asking: Mapping[str, Any],
    quiet: bool,
) -> None:
    """Stream the answer to standard output; `loading` and `asking` are options of Llama and of its calls."""
    from llamapack.llama import Llama
    from llamapack.model.finding import find_model

    files = find_model(reference, projector=projector is None)
    with progress_bar(f"Loading {files.path.name}") as step:
        given = {name: value for name, value in loading.items() if value is not None}
        loaded = Llama(
            reference,
            projector=projector,
            parallel=1,
            progress=lambda part: step(round(part * 100), 100, ""),
            **given,
        )
    with loaded as llm:
        options: dict[str, Any] = {name: value for name, value in asking.items() if value not in (None, ())}
        ask = llm.stream_complete if raw else llm.stream
        stream = ask(prompt, images=[*images], audio=[*audio], **options)
        print_pieces(stream)
        if not quiet:
            click.echo(summary(stream.reply, llm), err=True)


def summary(reply: Reply[str], llm: Llama) -> str:
    """Return one line with the CPU level, the projector and the speed."""
    usage, timing = reply.usage, reply.timing
    explained = llm.explain()
    return (
        f"[cpu {explained.cpu.partition(':')[0]}; projector {explained.projector}; prompt {usage.prompt} tokens; "
        f"generated {usage.completion} tokens, {timing.tokens_per_second:.1f} tokens/s]"
    )
