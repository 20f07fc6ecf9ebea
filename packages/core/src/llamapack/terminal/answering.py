"""Let the model write; Ctrl-C stops the answer, and not the program."""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from llamapack.errors import CancelledError
from llamapack.terminal.state import quiet

if TYPE_CHECKING:
    from llamapack.llama import Event, Reply, Stream
    from llamapack.terminal.views import View

_WAIT = 0.05  # seconds: so soon Ctrl-C is seen, and the view may change

_Item: TypeAlias = "Event | BaseException | None"


@dataclass(frozen=True, kw_only=True)
class Written:
    """What came of a question: None for a reply that was stopped before it began; `seconds` are those of writing."""

    reply: Reply[str] | None
    seconds: float


def answer(stream: Stream[str], view: View) -> Written:
    """Show an answer while the model writes it; Ctrl-C ends it. Raises what the stream raises.

    A thread of its own waits for the model: this one has time for the view, and for Ctrl-C.
    """
    items: queue.SimpleQueue[_Item] = queue.SimpleQueue()
    writer = threading.Thread(target=_write, args=(stream, items), name="answer", daemon=True)
    with interrupts() as stop, quiet(), view.answering():
        writer.start()
        try:
            began = _follow(stream, items, view, stop)
        except BaseException:
            stream.cancel()
            raise
        finally:
            writer.join()
    seconds = 0.0 if began is None else time.monotonic() - began
    if stop.is_set():
        try:
            return Written(reply=stream.reply, seconds=seconds)
        except Exception:  # it was stopped before it began
            return Written(reply=None, seconds=0.0)
    return Written(reply=stream.reply, seconds=seconds)


def _write(stream: Stream[str], items: queue.SimpleQueue[_Item]) -> None:
    try:
        for event in stream.events():
            items.put(event)
    except BaseException as error:  # raised again by the other thread
        items.put(error)
    else:
        items.put(None)


def _follow(stream: Stream[str], items: queue.SimpleQueue[_Item], view: View, stop: threading.Event) -> float | None:
    """Show all events, and return when the first piece came; None if none did."""
    began: float | None = None
    stopping = False
    while True:
        if stop.is_set() and not stopping:
            stopping = True
            stream.cancel()
        try:
            item = items.get(timeout=_WAIT)
        except queue.Empty:
            view.tick()
            continue
        if item is None or (stopping and isinstance(item, CancelledError)):
            return began
        if isinstance(item, BaseException):
            raise item
        began = began or time.monotonic()
        view.event(item)


@contextmanager
def interrupts() -> Iterator[threading.Event]:
    """Set an event on Ctrl-C during the block, instead of raising KeyboardInterrupt."""
    stop = threading.Event()
    usual = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, usual)
