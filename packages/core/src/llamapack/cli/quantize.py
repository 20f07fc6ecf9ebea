"""`llamapack quantize`: store a model's weights in fewer bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from llamapack.cli.parameters import MODEL

_PATH = click.Path(path_type=Path)


def _types(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from llamapack.quantization import quantization_types

        click.echo("\n".join(quantization_types()))
        context.exit()


@click.command()
@click.argument("reference", metavar="IN", type=MODEL)
@click.argument("target", metavar="OUT", type=_PATH)
@click.argument("type", metavar="TYPE")
@click.option("--imatrix", type=_PATH, help="An importance matrix, made with llama-imatrix.")
@click.option(
    "--tensor-type", "tensor_types", multiple=True, metavar="REGEX=TYPE", help="Another type for some tensors."
)
@click.option("--output-type", help="The type of the output tensor.")
@click.option("--embedding-type", help="The type of the token embeddings.")
@click.option("--leave-output", is_flag=True, help="Leave the output tensor as it is.")
@click.option("--pure", is_flag=True, help="Store all tensors alike, without the type's mixture.")
@click.option("--allow-requantize", is_flag=True, help="Take weights that are quantized already: loses quality twice.")
@click.option("--keep-split", is_flag=True, help="Write as many parts as there are.")
@click.option("-f", "--force", "overwrite", is_flag=True, help="Overwrite OUT.")
@click.option("-t", "--threads", type=int, help="Threads.  [default: see `llamapack info`]")
@click.option("--types", is_flag=True, is_eager=True, expose_value=False, callback=_types, help="List the types.")
def quantize(reference: str, target: Path, type: str, tensor_types: tuple[str, ...], **options: Any) -> None:
    """Write the model IN to OUT with its weights stored as TYPE, such as Q4_K_M or Q8_0.

    OUT appears when it is complete. COPY as the type only copies, for example to join the parts of a model.
    """
    from llamapack.cli.progress import progress_bar
    from llamapack.model.finding import find_model
    from llamapack.quantization import quantize as run

    source = find_model(reference, projector=False).path
    with progress_bar(f"{source.name} to {type.upper()}") as step:
        result = run(
            source,
            target,
            type,
            tensor_types=_pairs(tensor_types),
            quantize_output=not options.pop("leave_output"),
            n_threads=options.pop("threads"),
            progress=lambda number, count, name: step(number - 1, count, name),
            **options,
        )
    names = ", ".join(map(str, result.paths))
    click.echo(f"{names}: {_mib(result.size_before)} -> {_mib(result.size)}", err=True)


def _pairs(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [option.rpartition("=") for option in given]
    if bad := [option for option, pair in zip(given, pairs, strict=True) if not pair[0] or not pair[2]]:
        raise click.UsageError(f"--tensor-type needs REGEX=TYPE, not {bad[0]!r}.")
    return {pattern: name for pattern, _, name in pairs}


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
