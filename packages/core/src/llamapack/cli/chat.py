"""`llamapack chat`: talk to a model in the terminal, or by standard input."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llamapack.cli.parameters import MODEL, hardware_options
from llamapack.cli.progress import progress_bar
from llamapack.errors import InputError

if TYPE_CHECKING:
    from llamapack.terminal import Settings
    from llamapack.terminal.session import Reader
    from llamapack.terminal.views import View

EXTRA = 'For history and completion, run: python -m pip install "llamapack[chat]"'


@click.command()
@click.argument("model", type=MODEL, required=False)
@click.option("-s", "--system", help="The system message.")
@click.option("--load", "saved", type=click.Path(path_type=Path), help="Go on with a conversation that /save wrote.")
@click.option(
    "--chat-template",
    "template",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with the chat template to use, as Jinja.  [default: the model's own]",
)
@click.option(
    "--projector",
    type=click.Path(path_type=Path),
    help="The file that makes tokens of images.  [default: the one beside the model]",
)
@click.option("--no-thinking", is_flag=True, help="Turn thinking off, if the model's chat template can do that.")
@click.option("-n", "--max-tokens", type=int, help="Stop an answer after so many tokens.  [default: no limit]")
@click.option("--temp", type=float, help="0 always takes the likeliest token.  [default: 0.8]")
@click.option("--top-k", type=int, help="Keep the k likeliest tokens; 0 keeps all.  [default: 40]")
@click.option("--top-p", type=float, help="Keep the likeliest tokens that together reach p.  [default: 0.95]")
@click.option("--min-p", type=float, help="Keep tokens at least p times as likely as the likeliest.  [default: 0.05]")
@click.option("--seed", type=int, help="Make the choices repeatable.  [default: random]")
@click.option("-c", "--ctx-size", type=int, help="Context size in tokens.  [default: 8192 or what the model has]")
@hardware_options
@click.option("--gpu-layers", type=int, help="Layers on the GPUs.  [default: as many as fit]")
@click.option("--whole", is_flag=True, help="Take all of standard input as one message, and not each line as one.")
@click.option("--no-history", is_flag=True, help="Keep no file of what is typed.")
@click.option("-q", "--quiet", is_flag=True, help="Leave out the line with numbers after each answer.")
def chat(
    model: str | None,
    system: str | None,
    saved: Path | None,
    template: Path | None,
    projector: Path | None,
    no_thinking: bool,
    max_tokens: int | None,
    temp: float | None,
    top_k: int | None,
    top_p: float | None,
    min_p: float | None,
    seed: int | None,
    ctx_size: int | None,
    threads: int | None,
    cpu: str | None,
    backends: str | None,
    devices: tuple[str, ...],
    require_gpu: bool,
    gpu_layers: int | None,
    whole: bool,
    no_history: bool,
    quiet: bool,
) -> None:
    """Talk to MODEL: a GGUF file, or a name such as `hf:Qwen/Qwen3-0.6B-GGUF:Q8_0`.

    Without MODEL it offers small ones, and downloads one if you say so. /help lists the commands of a chat. If standard
    input is no terminal, each line of it is a message, and the answers are plain text on standard output.
    """
    from llamapack.terminal import Opener, Session, Settings
    from llamapack.terminal.state import ended_by_signals

    sampling = {"temperature": temp, "top_k": top_k, "top_p": top_p, "min_p": min_p, "seed": seed}
    settings = Settings(
        think="off" if no_thinking else "fold",
        stats=not quiet,
        sampling={name: value for name, value in {**sampling, "max_tokens": max_tokens}.items() if value is not None},
    )
    loading = {
        "ctx_size": ctx_size,
        "threads": threads,
        "gpu_layers": gpu_layers,
        "cpu_level": cpu,
        "backends": backends,
        "devices": devices or None,
        "require_gpu": require_gpu or None,
    }
    interactive = _is_terminal()
    opener = Opener(loading, progress_bar, template=template, projector=projector)
    if model is None and (model := _offered(interactive)) is None:
        return
    reader = _reader(interactive, whole, no_history)
    with ended_by_signals(), reader.attended():
        session = Session(
            opener.open(model),
            reader,
            _view(interactive, settings),
            settings,
            open_model=opener.open,
            system=system,
            interactive=interactive,
            commands=interactive or not whole,
        )
        session.run(saved)


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdout is not None and sys.stdin.isatty() and sys.stdout.isatty()


def _offered(interactive: bool) -> str | None:
    from llamapack._util.memory import available_memory
    from llamapack.terminal import choosing

    free = available_memory()
    if not interactive:
        raise choosing.refuse(free)
    return choosing.choose(free, input, click.echo, choosing.is_here)


def _reader(interactive: bool, whole: bool, no_history: bool) -> Reader:
    from llamapack.terminal.plain_input import PipedInput, TypedInput, standard_input

    if sys.stdout is None:
        raise InputError("Standard output is closed.", fix="Let it go to a file, a pipe or a terminal.")
    if not interactive:
        if (stream := standard_input()) is None:
            raise InputError("Standard input is closed.", fix="Pipe a text in, or start it in a terminal.")
        return PipedInput(stream, whole=whole)
    if find_spec("prompt_toolkit") is None:
        click.echo(EXTRA, err=True)
        return TypedInput()
    if os.environ.get("TERM") == "dumb":
        return TypedInput()
    from llamapack.terminal.history import history_file
    from llamapack.terminal.keyboard import Keyboard

    return Keyboard(None if no_history else history_file())


def _view(interactive: bool, settings: Settings) -> View:
    from rich.console import Console
    from rich.theme import Theme

    from llamapack.terminal.markdown import STYLES
    from llamapack.terminal.views import PlainView, RichView

    console = Console(highlight=False, markup=False, emoji=False, theme=Theme(STYLES))
    if not interactive or console.legacy_windows or console.is_dumb_terminal:
        return PlainView(settings)
    return RichView(console, settings)
