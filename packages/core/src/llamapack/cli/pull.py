"""`llamapack pull`: download a model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from llamapack.cli.parameters import MODEL

if TYPE_CHECKING:
    from llamapack.hub import ModelFiles


@click.command()
@click.argument("reference", metavar="NAME", type=MODEL)
@click.option("--draft", is_flag=True, help="Download its draft model, too, for speculative decoding.")
@click.option("--no-projector", is_flag=True, help="Leave out the file that makes tokens of images and audio.")
@click.option("--anyway", is_flag=True, help="Also if it is larger than all memory of this machine.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def pull(reference: str, draft: bool, no_projector: bool, anyway: bool, as_json: bool) -> None:
    """Download the model NAME, such as hf:org/repo:Q8_0, or what is new of it, and print where it is.

    A download that was interrupted goes on where it was. Files go to the cache that is shared with Hugging Face's
    programs and llama.cpp. The hub gets the token of HF_TOKEN, or of `hf auth login`, if there is one. With
    HF_HUB_OFFLINE=1 nothing is asked of any server.
    """
    from llamapack._util.transfer_bar import transfer_bar
    from llamapack.hub import resolve
    from llamapack.hub.settings import is_offline

    with transfer_bar() as progress:
        files = resolve(
            reference,
            offline=None if is_offline() else False,
            projector=not no_projector,
            draft=draft,
            anyway=anyway,
            progress=progress,
        )
    if as_json:
        click.echo(json.dumps(to_data(files), indent=2))
    else:
        for path in (files.path, files.projector, files.draft):
            if path is not None:
                click.echo(path)


def to_data(files: ModelFiles) -> dict[str, Any]:
    """Return the files of a model as what becomes JSON."""
    return {
        "reference": files.reference,
        "parts": [str(path) for path in files.parts],
        "size": sum(path.stat().st_size for path in files.parts),
        "projector": None if files.projector is None else str(files.projector),
        "draft": None if files.draft is None else str(files.draft),
    }
