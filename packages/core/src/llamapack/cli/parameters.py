"""What several commands take: models by path or name, which shells complete, and on what a model runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    _Text = click.ParamType[str]
else:
    _Text = click.ParamType  # before 8.2 it takes no types


_Command = TypeVar("_Command", bound=Callable[..., Any])


class ModelReference(_Text):
    """A model as `llamapack.hub.resolve` takes it; commands find it when they have looked at their other options."""

    name = "model"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text as it is."""
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the names that begin so; files are for the shell to complete, in bash if no name begins so."""
        from click.shell_completion import CompletionItem

        found = [CompletionItem(name) for name in _names() if name.startswith(incomplete)]
        return [CompletionItem(incomplete, type="file"), *found]  # bash drops what comes before


class AliasName(_Text):
    """A name of the user's list."""

    name = "name"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the names that begin so."""
        from click.shell_completion import CompletionItem

        from llamapack.hub import aliases

        return [CompletionItem(name) for name in _quietly(aliases) if name.startswith(incomplete)]


def _names() -> Iterator[str]:
    from llamapack.hub import aliases, kept_models

    yield from _quietly(aliases)
    yield from (model.reference for model in _quietly(kept_models))


def _quietly(ask: Any) -> Any:
    """Return what there is: a shell shows no errors in the middle of a line."""
    try:
        return ask()
    except Exception:
        return ()


MODEL = ModelReference()
ALIAS = AliasName()
NAMED = "A GGUF file, or a name such as `hf:org/repo:Q8_0`."

_HARDWARE = (
    click.option("-t", "--threads", type=int, help="Threads.  [default: see `llamapack info`]"),
    click.option("--cpu", help="The CPU level to use.  [default: the best; variable LLAMAPACK_CPU]"),
    click.option("--backend", "backends", help="Backends to use, such as `vulkan`, `cuda,vulkan`, `cpu` or `auto`."),
    click.option("--device", "devices", multiple=True, help="A device to use; may be given several times."),
    click.option("--require-gpu", is_flag=True, help="Fail rather than run on the CPU alone."),
)


def hardware_options(command: _Command) -> _Command:
    """Give a command --threads, --cpu, --backend, --device and --require-gpu."""
    for option in reversed(_HARDWARE):
        command = option(command)
    return command
