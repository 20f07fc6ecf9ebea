"""`llamapack ps` and `llamapack stop`: look at a server that runs, and unload its models."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import click

from llamapack.errors import InputError, LlamapackError

_URL = "http://127.0.0.1:8080"
_SECONDS = 30
_MIB = 1 << 20

url_option = click.option("--url", default=_URL, show_default=True, help="Where the server is.")
key_option = click.option(
    "--api-key-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with the server's token.  [variable LLAMAPACK_API_KEY has the token itself]",
)


def given_token(file: Path | None) -> str:
    """Return the token in the file, or else in the variable; empty if there is none. Raises InputError."""
    if file is None:
        token = os.environ.get("LLAMAPACK_API_KEY", "")
    elif not (token := file.read_text(encoding="utf-8", errors="replace").strip()):
        raise InputError(f"The file {file} has no token.")
    if not token.isascii() or not token.isprintable():
        raise InputError("The token has characters that headers of HTTP may not have.")
    return token


@click.command()
@url_option
@key_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def ps(url: str, api_key_file: Path | None, as_json: bool) -> None:
    """Show the models of a server: their state, memory, requests, and why one failed."""
    found = _ask(url, "/health", api_key_file)
    if "models" not in found:
        raise LlamapackError("The server tells no more without its token.", fix="Give --api-key-file.")
    if as_json:
        click.echo(json.dumps(found["models"], indent=2))
        return
    for model in found["models"]:
        memory = "" if model["memory"] is None else f"{model['memory'] // _MIB} MiB"
        numbers = f"{model['active']} working, {model['waiting']} waiting, {model['restarts']} restarts"
        click.echo("\t".join(part for part in (model["name"], model["state"], memory, numbers) if part))
        for line in (*model["notes"], *model["reason"].splitlines()):
            click.echo(f"    {line}")


@click.command()
@click.argument("name")
@url_option
@key_option
def stop(name: str, url: str, api_key_file: Path | None) -> None:
    """Unload the model NAME of a server with several, which gives back its memory."""
    _ask(url, "/models/unload", api_key_file, {"model": name})


def _ask(url: str, path: str, key_file: Path | None, body: dict[str, Any] | None = None) -> Any:
    key = given_token(key_file)
    if not url.startswith(("http://", "https://")):
        raise click.UsageError(f"--url must begin with http:// or https://, not {url!r}.")
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url.rstrip("/") + path, data)  # noqa: S310  # checked above
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        text = error.read().decode("utf-8", "replace")
        if error.code == 503 and path == "/health":
            return json.loads(text)
        raise LlamapackError(f"The server at {url} answers {error.code}.", why=text[:1000]) from error
    except (OSError, ValueError) as error:
        why = str(getattr(error, "reason", error))
        raise LlamapackError(
            f"There is no llamapack server at {url}.", why=why, fix="Give its address: --url."
        ) from error
