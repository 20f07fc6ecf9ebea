"""`llamapack list`, `show`, `rm` and `cp`: the models of this machine, and names for them."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from llamapack.cli.parameters import ALIAS, MODEL
from llamapack.errors import InputError, LlamapackError

if TYPE_CHECKING:
    from llamapack.hub import Description, KeptModel


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_models(as_json: bool) -> None:
    """List the models that were downloaded, and Ollama's, with their sizes and your names for them."""
    from llamapack.hub import aliases, kept_models

    models = kept_models()
    if as_json:
        found = [{**asdict(model), "parts": [str(path) for path in model.parts]} for model in models]
        click.echo(json.dumps({"models": found, "names": aliases()}, indent=2))
        return
    _table(models)
    shown = {name for model in models for name in model.aliases}
    for name, meant in aliases().items():
        if name not in shown:
            click.echo(f"{name} stands for {meant}")


@click.command()
@click.argument("reference", metavar="MODEL", type=MODEL)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(reference: str, as_json: bool) -> None:
    """Show what MODEL is: its architecture, size, context, licence and files.

    Of a model that is not downloaded, only the header is read, from the hub. `llamapack inspect` shows all metadata of
    a file, and `llamapack fit` how long a context fits this machine.
    """
    from llamapack.cli.pull import to_data
    from llamapack.hub import aliases, describe

    found, meant = describe(reference), aliases().get(reference)
    if as_json:
        data: dict[str, Any] = asdict(found) | {"files": None if found.files is None else to_data(found.files)}
        click.echo(json.dumps(data | {"stands_for": meant}, indent=2))
        return
    for label, value in _facts(found, meant).items():
        click.echo(f"{label:<14}{value}")


@click.command()
@click.argument("references", metavar="NAME...", nargs=-1, required=True, type=MODEL)
@click.option("--all", "everything", is_flag=True, help="All models of the repository NAME, and unfinished downloads.")
def rm(references: tuple[str, ...], everything: bool) -> None:
    """Remove models that were downloaded, and names that `llamapack cp` gave.

    Files that another version of a repository uses stay, and so do Ollama's, and your own. Of a NAME that was given by
    `llamapack cp`, only the name is removed. One that cannot be removed is an error, after the others are removed.
    """
    errors: list[LlamapackError] = []
    for reference in references:
        try:
            _remove(reference, everything)
        except LlamapackError as error:
            errors.append(error)
    for each in errors[:-1]:
        click.echo(f"llamapack: {each}", err=True)
    if errors:
        raise errors[-1]


def _remove(reference: str, everything: bool) -> None:
    from llamapack.hub import aliases, kept_models, remove_alias, remove_model
    from llamapack.hub.choosing import shown_size

    meant = aliases().get(reference)
    if meant is not None:
        if everything:
            raise InputError(
                f"{reference} is a name, which stands for {meant}.",
                fix="Leave out --all to remove the name, or name the repository to remove its models.",
            )
        remove_alias(reference)
        click.echo(f"The name {reference} is removed; it stood for {meant}.")
        return
    named = {name for model in kept_models() for name in model.aliases}
    removed = remove_model(reference, everything=everything)
    for name in removed.references:
        click.echo(f"Removed {name}.")
    click.echo(f"{shown_size(removed.freed)} are free again.")
    for name in sorted(named - {name for model in kept_models() for name in model.aliases}):
        click.echo(f"The name {name} still stands for it: `llamapack rm {name}` removes the name.")


@click.command()
@click.argument("reference", metavar="MODEL", type=MODEL)
@click.argument("name", metavar="NAME", type=ALIAS)
@click.option("-f", "--force", is_flag=True, help="Replace what NAME stands for.")
def cp(reference: str, name: str, force: bool) -> None:
    """Let NAME stand for MODEL; nothing is copied, and nothing downloaded.

    All commands, `Llama` and the server take the name. A file that is called the same is meant first.
    """
    from llamapack.hub import aliases, set_alias

    known = aliases()
    meant = known.get(reference, reference)
    if known.get(name, meant) != meant and not force:
        raise InputError(f"{name} stands for {known[name]} already.", fix="Choose another name, or give --force.")
    set_alias(name, meant)


def _table(models: list[KeptModel]) -> None:
    from rich.console import Console
    from rich.table import Table

    from llamapack.hub.choosing import shown_size

    if not models:
        click.echo("No models yet. Try: llamapack pull hf:org/repo", err=True)
        return
    table = Table("model", box=None, pad_edge=False)
    table.add_column("size", justify="right", no_wrap=True)
    for column in ("downloaded", "names"):
        table.add_column(column, overflow="fold")
    for model in models:
        day = datetime.fromtimestamp(model.downloaded).astimezone().date().isoformat()
        table.add_row(model.reference, shown_size(model.size), day, ", ".join(model.aliases))
    total = sum(model.size for model in models)
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=10_000)  # a pipe has no width to fold text at
    console.print(table)
    click.echo(f"{len(models)} {'model' if len(models) == 1 else 'models'}, {shown_size(total)}", err=True)


def _facts(found: Description, meant: str | None) -> dict[str, str]:
    from llamapack.cli.inspect import printable
    from llamapack.hub.choosing import shown_size

    files = found.files
    context = None if found.context is None else f"{found.context} tokens"
    parameters = None if found.parameters is None else f"{found.parameters / 1e6:,.0f} million"
    facts = {
        "Model": found.reference,
        "Stands for": meant,
        "Name": found.name,
        "Architecture": found.architecture,
        "Parameters": parameters,
        "Weights": found.quantization,
        "Context": context,
        "Chat template": "yes" if found.chat_template else "no: it continues texts, with llamapack run --raw",
        "Licence": found.license,
        "Size": shown_size(found.size),
        "File": "not downloaded" if files is None else str(files.path),
        "Parts": str(len(files.parts)) if files is not None and len(files.parts) > 1 else None,
        "Projector": None if files is None or files.projector is None else str(files.projector),
        "Draft": None if files is None or files.draft is None else str(files.draft),
    }
    return {label: printable(value.replace("\n", " ")) for label, value in facts.items() if value is not None}
