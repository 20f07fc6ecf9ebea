"""`llamapack serve`: answer OpenAI's, Anthropic's, Ollama's and llama.cpp's clients by HTTP."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llamapack.cli.parameters import MODEL, hardware_options
from llamapack.cli.serving import given_token, key_option

if TYPE_CHECKING:
    from llamapack.server import ModelSettings
    from llamapack.server.models_file import Defaults

_TOKEN_BYTES = 32


@click.command()
@click.argument("references", metavar="MODEL...", nargs=-1, type=MODEL)
@click.option(
    "--models",
    "models_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TOML file with models, each with its own options.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", default=8080, show_default=True, help="The port to listen at; 0 takes one that is free.")
@click.option("--name", help="What clients call a single model.  [default: the name of the file]")
@key_option
@click.option("--allowed-host", "hosts", multiple=True, help="A name of this server; may be given several times.")
@click.option("--allowed-origin", "origins", multiple=True, help="Let web pages of this origin ask; several times.")
@click.option("--max-loaded", type=click.IntRange(1), help="Models that may be loaded at once.  [default: what fits]")
@click.option("--memory", type=click.IntRange(1), help="Memory of this machine that several models may take, in MiB.")
@click.option(
    "--reserve", default=512, show_default=True, help="Memory, here and of each device, that they leave free, in MiB."
)
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
@hardware_options
@click.option(
    "-o",
    "--option",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any other option of llama.cpp's server, such as `embedding=true`; may be given several times.",
)
@click.option(
    "--on-out-of-memory",
    "less_memory",
    multiple=True,
    metavar="NAME=VALUE,...",
    help="Options to change after a model ran out of memory, such as `gpu_layers=10`; given again, for the time after.",
)
@click.option(
    "--prompt-cache",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep beginnings of prompts in this folder, for the next start.",
)
@click.option(
    "--prompt-cache-size", default=4096, show_default=True, type=click.IntRange(1), help="How much of it, in MiB."
)
@click.option("--max-body", default=32, show_default=True, help="The largest body of a request, in MiB.")
@click.option("--max-waiting", default=64, show_default=True, help="Requests that may wait for a slot.")
@click.option("--max-seconds", default=3600, show_default=True, help="How long a request may be worked on.")
@click.option("--idle-seconds", default=15, show_default=True, help="Close connections that ask nothing so long.")
@click.option("--drain-seconds", default=30, show_default=True, help="How long requests may go on after Ctrl-C.")
@click.option("--hang-seconds", default=30, show_default=True, help="Replace a model's process that is silent so long.")
@click.option("--load-seconds", default=300, show_default=True, help="Give up loading that makes no progress so long.")
@click.option("--open", "opens", is_flag=True, help="Open the web page in your browser when the server is ready.")
@click.option("--no-page", is_flag=True, help="Show no web page.")
@click.option("-q", "--quiet", is_flag=True, help="Log faults only, no requests.")
def serve(
    references: tuple[str, ...],
    models_file: Path | None,
    host: str,
    port: int,
    name: str | None,
    api_key_file: Path | None,
    hosts: tuple[str, ...],
    origins: tuple[str, ...],
    max_loaded: int | None,
    memory: int | None,
    reserve: int,
    keep_alive: float,
    ctx_size: int | None,
    parallel: int,
    threads: int | None,
    cpu: str | None,
    backends: str | None,
    devices: tuple[str, ...],
    require_gpu: bool,
    given: tuple[str, ...],
    less_memory: tuple[str, ...],
    prompt_cache: Path | None,
    prompt_cache_size: int,
    max_body: int,
    max_waiting: int,
    max_seconds: int,
    idle_seconds: int,
    drain_seconds: int,
    hang_seconds: int,
    load_seconds: int,
    opens: bool,
    no_page: bool,
    quiet: bool,
) -> None:
    """Serve MODELs to clients of OpenAI's, Anthropic's, Ollama's and llama.cpp's interfaces.

    A MODEL is a GGUF file, a folder with some, or a name such as hf:org/repo:Q8_0, which is downloaded first if need
    be. A single one is loaded at once, and answers to every name; several are loaded when a client asks for one, by the
    name of its file, as far as there is memory for them.

    It listens on this machine only, unless --host says otherwise; then clients need a token, which is made and shown if
    none is given. Each model is in a process of its own, which is started again if it ends. Ctrl-C, or SIGTERM, ends
    the server after the requests under way; again, at once.
    """
    from llamapack.server import Limits, Settings, require_extra

    require_extra()
    from llamapack.server.models_file import Defaults
    from llamapack.server.running import run

    if opens:
        _require_page(no_page)
    _log(quiet)
    options = {"ctx_size": ctx_size, "parallel": parallel, "threads": threads, **dict(map(read_option, given))}
    hardware = {"backends": backends, "devices": devices or None, "require_gpu": require_gpu, "cpu_level": cpu}
    steps = [dict(map(read_option, step.split(","))) for step in less_memory]
    models = _models(
        references, models_file, name, Defaults(options=options, hardware=hardware, on_out_of_memory=steps)
    )
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
        memory_bytes=None if memory is None else memory << 20,
        reserve_bytes=reserve << 20,
        keep_seconds=keep_alive,
        drain_seconds=drain_seconds,
        prompt_cache=prompt_cache,
        prompt_cache_bytes=prompt_cache_size << 20,
        hang_seconds=hang_seconds,
        load_seconds=load_seconds,
    )
    if max_loaded is not None and sum(model.pin for model in models) > max_loaded:
        raise click.UsageError(f"More models are pinned than --max-loaded {max_loaded} allows.")
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


def _models(given: Sequence[str], file: Path | None, name: str | None, defaults: Defaults) -> list[ModelSettings]:
    """Return the models of the command line, and of the file."""
    from llamapack.server import find_models
    from llamapack.server.models_file import read_models_file

    if not given and file is None:
        raise click.UsageError("Give a MODEL: a GGUF file, a folder with some, or a name; or --models FILE.")
    found = find_models(given)
    models = [defaults.model(called, model) for called, model in found.items()]
    for model in [] if file is None else read_models_file(file, defaults):
        if model.name in found:
            raise click.UsageError(f"Two models are called {model.name!r}: one is in {file}.")
        models.append(model)
    if name is not None and len(models) > 1:
        raise click.UsageError("--name is for a single model.")
    return models if name is None else [replace(models[0], name=name)]


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
