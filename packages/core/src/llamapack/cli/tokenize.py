"""`llamapack tokenize`: split a text into the model's tokens."""

from __future__ import annotations

import json
import os

import click

from llamapack.cli.parameters import MODEL, NAMED
from llamapack.cli.standard_input import read_input


@click.command()
@click.argument("text", required=False)
@click.option("-m", "--model", "reference", type=MODEL, required=True, help=NAMED)
@click.option("--special/--no-special", default=True, show_default=True, help="Add what the model wants around a text.")
@click.option("--parse-special", is_flag=True, help="Read <|im_start|> and the like in the text as control tokens.")
@click.option("--ids", is_flag=True, help="Print the numbers only, on one line.")
@click.option("--count", is_flag=True, help="Print only how many there are.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def tokenize(
    text: str | None, reference: str, special: bool, parse_special: bool, ids: bool, count: bool, as_json: bool
) -> None:
    """Split TEXT into the model's tokens: a number and its bytes, one a line.

    Without TEXT, or with `-`, standard input is the text, byte for byte. The weights are not loaded.
    """
    from llamapack.model import Model
    from llamapack.model.finding import find_model

    if sum((ids, count, as_json)) > 1:
        raise click.UsageError("Give only one of --ids, --count and --json.")
    data = _text(text)
    with Model(find_model(reference, projector=False).path, vocab_only=True) as model:
        vocab = model.vocab
        tokens = vocab.tokenize(data, add_special=special, parse_special=parse_special)
        pieces = [vocab.piece(token, special=True) for token in tokens]
    if count:
        click.echo(len(tokens))
    elif ids:
        click.echo(" ".join(map(str, tokens)))
    elif as_json:
        click.echo(json.dumps([_facts(token, piece) for token, piece in zip(tokens, pieces, strict=True)]))
    else:
        for token, piece in zip(tokens, pieces, strict=True):
            text = _decoded(piece)
            click.echo(f"{token:>7}  {piece if text is None else text!r}")


def _text(text: str | None) -> bytes:
    if text is not None and text != "-":
        return os.fsencode(text)
    return read_input("TEXT", given=text is not None)


def _facts(token: int, piece: bytes) -> dict[str, object]:
    return {"id": token, "text": _decoded(piece), "bytes": piece.hex()}


def _decoded(piece: bytes) -> str | None:
    """Return the text of a token, or None if its bytes are only part of a character."""
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return None
