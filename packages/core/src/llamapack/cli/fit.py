"""`llamapack fit`: how long a context fits into the memory that is free."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llamapack.cli.parameters import MODEL

if TYPE_CHECKING:
    from rich.table import Table

    from llamapack.fitting import Fit, Plan, RepositoryFit

_MIB = 1 << 20


@click.command()
@click.argument("model", type=MODEL)
@click.option("-c", "--ctx-size", type=int, help="Try only this context.  [default: the longest that fits]")
@click.option("--cache-type", "cache_types", multiple=True, help="A type of the KV cache; may be given several times.")
@click.option("--parallel", type=int, help="How many requests run at once.  [default: llama.cpp decides]")
@click.option("--reserve", default=512, show_default=True, help="Memory, here and of each device, to leave, in MiB.")
@click.option("--backend", "backends", help="Backends to use, such as `vulkan`, `cuda,vulkan`, `cpu` or `auto`.")
@click.option("--device", "devices", multiple=True, help="A device to use; may be given several times.")
@click.option("--projector", type=click.Path(path_type=Path), help="The file for images and audio.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def fit(
    model: str,
    ctx_size: int | None,
    cache_types: tuple[str, ...],
    reserve: int,
    devices: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Show the longest context with which MODEL fits into the memory that is free, and what it takes.

    llama.cpp measures it without loading the model. Of a repository on the hub, such as `hf:org/repo`, it finds the
    largest model that fits with all of its context, and downloads only headers. Exit status 1 if nothing fits.
    """
    from llamapack.fitting import CACHE_TYPES, Fit
    from llamapack.fitting import fit as find
    from llamapack.fitting.choices import fit_choices
    from llamapack.hub.header_copies import choices_of

    given = {name: value for name, value in options.items() if value is not None}
    if devices:
        given["devices"] = list(devices)
    given |= {"cache_types": cache_types or CACHE_TYPES, "ctx_size": ctx_size, "reserve": reserve << 20}
    choices = choices_of(model) or ()
    found: Fit | RepositoryFit = fit_choices(model, choices, **given) if len(choices) > 1 else find(model, **given)
    if as_json:
        data = to_data(found) if isinstance(found, Fit) else repository_to_data(found)
        click.echo(json.dumps(data, indent=2))
    elif isinstance(found, Fit):
        render(found)
    else:
        render_repository(found)
    if found.best is None:
        raise click.exceptions.Exit(1)


def to_data(found: Fit) -> dict[str, Any]:
    """Return it as what becomes JSON; sizes are in bytes."""
    best = found.best
    plans = [{**asdict(plan), "fits": plan.fits} for plan in found.plans]
    return {**asdict(found), "plans": plans, "best": best and best.options, "reason": found.reason}


def repository_to_data(found: RepositoryFit) -> dict[str, Any]:
    """Return it as what becomes JSON; sizes are in bytes."""
    best = found.best
    return {**asdict(found), "fits": [to_data(each) for each in found.fits], "best": best and best.model}


def render_repository(found: RepositoryFit) -> None:
    """Print what was measured of each model, and name the best."""
    from rich.console import Console

    console = Console(highlight=False)
    for large in found.too_large:
        console.print(f"{large.model}: {large.size / _MIB:,.0f} MiB, more than all memory here\n", markup=False)
    for each in found.fits:
        render(each)
        console.print()
    if found.smaller:
        count = len(found.smaller)
        console.print(f"{count} smaller {'model fits' if count == 1 else 'models fit'}, too.", soft_wrap=True)
    best = found.best
    console.print(f"Take {best.model}." if best else "None of them fits.", soft_wrap=True, markup=False)


def render(found: Fit) -> None:
    """Print it as a table."""
    from rich.console import Console

    console = Console(highlight=False)
    size = f"{found.size / _MIB:,.0f} MiB, trained with {found.context_trained} tokens"
    console.print(f"{found.model}: {size}", soft_wrap=True, markup=False)
    console.print(_table(found))
    console.print(found.reason, soft_wrap=True, markup=False)
    if found.best is not None:
        console.print(f"Llama(…, {_arguments(found.best)})", soft_wrap=True, markup=False)


def _table(found: Fit) -> Table:
    from rich.table import Table

    table = Table("KV cache", "context", box=None, pad_edge=False)
    layers = any(plan.layers is not None for plan in found.plans)
    if layers:
        table.add_column("layers on devices", justify="right")
    for memory in found.memories:
        free = "" if memory.free is None else f", {max(0, memory.free) / _MIB:,.0f} may be taken"
        table.add_column(f"MiB of {memory.place}{free}", justify="right")
    for plan in found.plans:
        marks = [plan.cache_type, str(plan.context) if plan.fits else f"{plan.context}: too long"]
        marks += [("all" if plan.layers is None else str(plan.layers))] if layers else []
        table.add_row(*marks, *(f"{need.needed / _MIB:,.0f}" for need in plan.needs))
    return table


def _arguments(plan: Plan) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in plan.options.items())
