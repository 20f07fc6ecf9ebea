"""`llamapack inspect`: the metadata and tensors of a GGUF file, without loading it."""

from __future__ import annotations

import json
import math
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llamapack.cli.parameters import MODEL

if TYPE_CHECKING:
    from rich.table import Table

    from llamapack.gguf import Gguf, Value

_SHORT_TEXT = 80
_SHORT_ARRAY = 8


@click.command()
@click.argument("reference", metavar="MODEL", type=MODEL)
@click.option("--tensors", is_flag=True, help="List the tensors, too.")
@click.option("--full", is_flag=True, help="Show long texts and arrays in full.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the tensors.")
@click.option(
    "--for",
    "model_reference",
    metavar="FILE",
    type=MODEL,
    help="Say whether MODEL, a projector, fits the model FILE.",
)
def inspect(reference: str, tensors: bool, full: bool, as_json: bool, model_reference: str | None) -> None:
    """Show the metadata, tensors and sizes of the GGUF file MODEL.

    Of a model in several parts, name the first. Of a projector, it also says what it takes.
    """
    from llamapack import gguf
    from llamapack.model.finding import find_model
    from llamapack.model.projector_file import is_projector

    found = gguf.read(find_model(reference, projector=False).path)
    model_path = None if model_reference is None else find_model(model_reference, projector=False).path
    about = projector(found, model_path) if is_projector(found) or model_path else None
    if as_json:
        click.echo(json.dumps(collect(found, full=full) | ({"projector": about} if about else {}), indent=2))
    else:
        render(found, tensors=tensors, full=full)
        if about:
            click.echo("\n" + "\n".join(described(about)))


def projector(found: Gguf, model_path: Path | None) -> dict[str, Any]:
    """Return what a projector takes, and whether it fits a model."""
    from dataclasses import asdict

    from llamapack import gguf
    from llamapack.model.projector_file import misfit, read_projector

    about: dict[str, Any] = {"takes": [asdict(part) for part in read_projector(found).parts]}
    if model_path is not None:
        why = misfit(found, gguf.read(model_path))
        about |= {"model": str(model_path), "fits": not why, "why": why}
    return about


def described(about: dict[str, Any]) -> list[str]:
    """Return the same as lines of text."""
    lines = []
    for part in about["takes"]:
        facts = [f"type {part['type']}", f"embedding width {part['width'] or 'unknown'}"]
        if part["image_size"]:
            facts.append(f"images of {part['image_size']} x {part['image_size']} pixels")
        if part["patch_size"]:
            facts.append(f"patches of {part['patch_size']} x {part['patch_size']}")
        if part["tokens"]:
            facts.append(f"{part['tokens']} tokens for an image")
        lines.append(f"Projector for {part['kind']}: {', '.join(facts)}")
    if "model" in about:
        lines.append(
            f"It fits {about['model']}." if about["fits"] else f"It does not fit {about['model']}. {about['why']}"
        )
    return lines


def collect(found: Gguf, *, full: bool) -> dict[str, Any]:
    """Return everything that `inspect` prints."""
    return {
        "files": [str(path) for path in found.paths],
        "size": found.file_size,
        "version": found.version,
        "alignment": found.alignment,
        "parameters": sum(tensor.n_elements for tensor in found.tensors.values()),
        "types": by_type(found),
        "metadata": {
            key: {"type": found.metadata.type(key).label, **_json_value(value, full=full)}
            for key, value in found.metadata.items()
        },
        "tensors": [
            {
                "name": tensor.name,
                "shape": tensor.shape,
                "type": tensor.type.name,
                "file": tensor.part,
                "offset": tensor.offset,
                "size": tensor.size,
            }
            for tensor in found.tensors.values()
        ],
    }


def by_type(found: Gguf) -> dict[str, dict[str, int]]:
    """Count the tensors, parameters and bytes of each type, the largest first."""
    totals: dict[str, dict[str, int]] = {}
    for tensor in found.tensors.values():
        total = totals.setdefault(tensor.type.name, {"tensors": 0, "parameters": 0, "size": 0})
        total["tensors"] += 1
        total["parameters"] += tensor.n_elements
        total["size"] += tensor.size
    return dict(sorted(totals.items(), key=lambda item: -item[1]["size"]))


def _json_value(value: Value, *, full: bool) -> dict[str, Any]:
    from llamapack.gguf import Array

    if not isinstance(value, Array):
        # JSON has no infinities
        odd = isinstance(value, float) and not math.isfinite(value)
        return {"value": str(value) if odd else value}
    items = list(value if full else islice(value, _SHORT_ARRAY))
    return {"items": value.type.label, "length": len(value), "value" if full else "first": items}


def render(found: Gguf, *, tensors: bool, full: bool) -> None:
    """Print the result as text and tables."""
    parts = f" in {len(found.paths)} files" if len(found.paths) > 1 else ""
    click.echo(f"{found.paths[0]}: GGUF version {found.version}, {_bytes(found.file_size)}{parts}")
    _print(_metadata_table(found, full=full))
    _print(_types_table(found))
    if tensors:
        _print(_tensors_table(found))


def _print(table: Table) -> None:
    from rich.console import Console

    click.echo()
    if sys.stdout.isatty():
        Console(highlight=False, markup=False).print(table)
        return
    # a pipe has no width to truncate or pad text to
    console = Console(highlight=False, markup=False, width=10_000)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def _metadata_table(found: Gguf, *, full: bool) -> Table:
    table = _table("Metadata", "key", "type", "value")
    for key, value in found.metadata.items():
        table.add_row(printable(key), found.metadata.type(key).label, _shown(value, full=full))
    return table


def _types_table(found: Gguf) -> Table:
    table = _table("Tensors", "type", "tensors", "parameters", "size", "bits each", right=4)
    totals = by_type(found)
    rows = [*totals.items()]
    if len(rows) != 1:
        keys = ("tensors", "parameters", "size")
        rows.append(("all", {key: sum(total[key] for total in totals.values()) for key in keys}))
    for name, total in rows:
        bits = f"{8 * total['size'] / total['parameters']:.2f}" if total["parameters"] else "-"
        counts = (str(total["tensors"]), f"{total['parameters']:,}", _bytes(total["size"]))
        table.add_row(name, *counts, bits)
    return table


def _tensors_table(found: Gguf) -> Table:
    table = _table("All tensors", "name", "type", "shape", "size", "offset", right=2)
    for tensor in found.tensors.values():
        shape = " x ".join(map(str, tensor.shape)) or "1"
        table.add_row(printable(tensor.name), tensor.type.name, shape, _bytes(tensor.size), str(tensor.offset))
    return table


def _table(title: str, *columns: str, right: int = 0) -> Table:
    """Make a table whose last `right` columns are numbers."""
    from rich.table import Table

    table = Table(title=title, box=None, title_justify="left", pad_edge=False)
    for number, column in enumerate(columns):
        is_number = number >= len(columns) - right
        table.add_column(column, justify="right" if is_number else "left", no_wrap=is_number, overflow="fold")
    return table


def _shown(value: Value, *, full: bool) -> str:
    from llamapack.gguf import Array

    if isinstance(value, Array):
        items = [repr(item) if isinstance(item, str) else str(item) for item in islice(value, None if full else 5)]
        rest = "" if len(items) == len(value) else ", ..."
        return printable(f"{len(value)} x {value.type.label}: {', '.join(items)}{rest}")
    if isinstance(value, str) and not full:
        line = value.replace("\n", "\\n")
        return printable(line if len(line) <= _SHORT_TEXT else f"{line[:_SHORT_TEXT]}... ({len(value)} characters)")
    return printable(value) if isinstance(value, str) else str(value)


def printable(text: str) -> str:
    """Escape bytes that are not text, and control characters, which a terminal might obey."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(each if each.isprintable() or each == "\n" else ascii(each)[1:-1] for each in text)


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{count} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.2f} GiB"
