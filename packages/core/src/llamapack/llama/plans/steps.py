"""Plans: what a call does, step by step, without saying who waits: a thread or an asyncio task.

A plan is a generator. It yields steps, and gets what comes of each; what it returns is the result of the call. So each
capability is written once: `running` carries plans out in a thread, `running_async` in a task.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from llamapack.llama.plans.events import Event
from llamapack.typed.calls import ToolCall
from llamapack.typed.tools import Toolbox

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Ask:
    """Make a request; gets its answer as JSON."""

    path: str
    body: Mapping[str, Any] | None = None
    method: str = "POST"


@dataclass(frozen=True, kw_only=True)
class Open:
    """Begin a request whose answer is a stream of JSON objects; gets None.

    With `progress`, it tells how far the prompt is read, too, if anybody listens to that.
    """

    path: str
    body: Mapping[str, Any]
    progress: bool = False

    def body_for(self, *, listened: bool) -> Mapping[str, Any]:
        """Return the body to send; without anybody who listens, nobody is woken while the prompt is read."""
        return {**self.body, "return_progress": True} if self.progress and listened else self.body


@dataclass(frozen=True, kw_only=True)
class Next:
    """Get the next object of the stream; None at its end, and CANCELLED once the call is cancelled."""


@dataclass(frozen=True, kw_only=True)
class Close:
    """Leave the stream; gets None."""


@dataclass(frozen=True, kw_only=True)
class Tell:
    """Hand an event to whoever listens; gets None."""

    event: Event


@dataclass(frozen=True, kw_only=True)
class Use:
    """Let tools run; gets their results in the same order."""

    toolbox: Toolbox
    calls: Sequence[ToolCall] = field(default_factory=tuple)


@dataclass(frozen=True, kw_only=True)
class Work:
    """Call a function that waits for something else than the engine, such as a web server; gets what it returns."""

    function: Callable[[], Any]


CANCELLED = object()

Step: TypeAlias = Ask | Open | Next | Close | Tell | Use | Work
Plan: TypeAlias = Generator[Step, Any, T]
