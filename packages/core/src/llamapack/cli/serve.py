"""`llamapack serve`: answer OpenAI's, Anthropic's, Ollama's and llama.cpp's clients by HTTP."""

from __future__ import annotations

import json
import logging
import secrets
from pathlib import Path
from typing import Any

import click

from llamapack.cli.serving import given_token, key_option

_TOKEN_BYTES = 32


@click.command()
@click.argument("paths", metavar="MODEL...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", default=8080, show_default=True, help="The port to listen at; 0 takes one that is free.")
@click.option("--name", help="What clients call a single model.  [default: the name of the file]")
@key_option
@click.option("--allowed-host", "hosts", multiple=True, help="A name of this server; may be given several times.")
@click.option("--allowed-origin", "origins", multiple=True, help="Let web pages of this origin ask; several times.")
@click.option("--max-loaded", default=1, show_default=True, help="Models that may be loaded at once.")
@click.option(
    "--keep-alive",
    default=-1.0,
    show_default=True,
    help="Seconds after which an unused model is unloaded; negative: when another one needs its place.",
)
@click.option("-c", "--ctx-size", type=int, help="Context size in tokens.  [default: what the model has]")
@click.option(
    "-p",
    "--parallel",
    default=4,
    show_default=True,
    help="Slots: so many requests are worked on at once, and share the context.",
)
@click.option("-t", "--threads", type=int, help="Threads.  [default: see `llamapack info`]")
@click.option("--cpu", help="The CPU level to use.  [default: the best; variable LLAMAPACK_CPU]")
@click.option("--backend", "backends", help="Backends to use, such as `vulkan`, `cuda,vulkan`, `cpu` or `auto`.")
@click.option("--device", "devices", multiple=True, help="A device to use; may be given several times.")
@click.option("--require-gpu", is_flag=True, help="Fail rather than run on the CPU alone.")
@click.option(
    "-o",
    "--option",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any other option of llama.cpp's server, such as `embedding=true`; may be given several times.",
)
@click.option("--max-body", default=32, show_default=True, help="The largest body of a request, in MiB.")
@click.option("--max-waiting", default=64, show_default=True, help="Requests that may wait for a slot.")
@click.option("--max-seconds", default=3600, show_default=True, help="How long a request may be worked on.")
@click.option("--idle-seconds", default=15, show_default=True, help="Close connections that ask nothing so long.")
@click.option("--drain-seconds", default=30, show_default=True, help="How long requests may go on after Ctrl-C.")
@click.option("--hang-seconds", default=30, show_default=True, help="Replace a model's process that is silent so long.")
@click.option("--open", "opens", is_flag=True, help="Open the web page in your browser when the server is ready.")
@click.option("--no-page", is_flag=True, help="Show no web page.")
@click.option("-q", "--quiet", is_flag=True, help="Log faults only, no requests.")
def serve(
    paths: tuple[Path, ...],
    host: str,
    port: int,
    name: str | None,
    api_key_file: Path | None,
    hosts: tuple[str, ...],
    origins: tuple[str, ...],
    max_loaded: int,
    keep_alive: float,
    ctx_size: int | None,
    parallel: int,
    threads: int | None,
    cpu: str | None,
    backends: str | None,
    devices: tuple[str, ...],
    require_gpu: bool,
    given: tuple[str, ...],
    max_body: int,
    max_waiting: int,
    max_seconds: int,
    idle_seconds: int,
    drain_seconds: int,
    hang_seconds: int,
    opens: bool,
    no_page: bool,
    quiet: bool,
) -> None:
    """Serve MODELs to clients of OpenAI's, Anthropic's, Ollama's and llama.cpp's interfaces.

    A MODEL is a GGUF file, or a folder with some. A single one is loaded at once, and answers to every name; several
    are loaded when a client asks for one, by the name of its file, and have the same options.

    It listens on this machine only, unless --host says otherwise; then clients need a token, which is made and shown if
    none is given. Each model is in a process of its own, which is started again if it ends. Ctrl-C, or SIGTERM, ends
    the server after the requests under way; again, at once.
    """
    from llamapack.server import Limits, ModelSettings, Settings, find_models, require_extra

    require_extra()
    from llamapack.server.running import run

    if opens:
        _require_page(no_page)
    _log(quiet)
    options = {"ctx_size": ctx_size, "parallel": parallel, "threads": threads, **dict(map(read_option, given))}
    hardware = {"backends": backends, "devices": devices or None, "require_gpu": require_gpu, "cpu_level": cpu}
    files = find_models(paths)
    if name is not None and len(files) > 1:
        raise click.UsageError("--name is for a single model.")
    models = [
        ModelSettings(path=path, name=name or called, options=options, hardware=hardware)
        for called, path in files.items()
    ]
    limits = Limits(
        body_bytes=max_body << 20, waiting=max_waiting, request_seconds=max_seconds, head_seconds=idle_seconds
    )
    settings = Settings(
        host=host,
        port=port,
        token=_token(api_key_file, host),
        hosts=hosts,
        origins=origins,
        page=not no_page,
        limits=limits,
        most_loaded=max_loaded,
        keep_seconds=keep_alive,
        drain_seconds=drain_seconds,
        hang_seconds=hang_seconds,
    )
    what = models[0].name if len(models) == 1 else f"{len(models)} models"

    def listening(address: str) -> None:
        click.echo(f"llamapack: serving {what} at {address}", err=True)

    run(models, settings, listening, _open_browser if opens else None)


def _require_page(no_page: bool) -> None:
    from llamapack.server.page import page_files

    if no_page:
        raise click.UsageError("--open and --no-page contradict each other.")
    if not page_files():
        raise click.UsageError("This build of llamapack has no web page to open: it was made without npm.")


def _open_browser(address: str) -> None:
    import webbrowser

    if not webbrowser.open(address):
        click.echo(f"llamapack: no browser was found; the web page is at {address}", err=True)


def _token(file: Path | None, host: str) -> str:
    """Return the token that is given; one that is made and shown if there is none, and the server needs one."""
    from llamapack.server import is_loopback

    token = given_token(file)
    if not token and not is_loopback(host):
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        click.echo(f"llamapack: clients need this token: {token}", err=True)
    return token


def read_option(text: str) -> tuple[str, Any]:
    """Read NAME=VALUE; the value is JSON if it can be read as a number or a truth value, and else a text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--option takes NAME=VALUE, not {text!r}.")
    try:
        read = json.loads(value)
    except ValueError:
        read = value
    return name.strip().replace("-", "_"), read if isinstance(read, (bool, int, float)) else value


def _log(quiet: bool) -> None:
    """Log to standard error: what happens, or faults only."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("llamapack")
    logger.addHandler(handler)
    logging.getLogger("llamapack.server").setLevel(logging.WARNING if quiet else logging.INFO)
