"""A model in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path

from llamapack._native.calls import end_if_exiting, exiting, stop_at_exit
from llamapack._native.loading import LoadWatcher, Progress
from llamapack._native.log import logger
from llamapack._util.arguments import check_c_string
from llamapack._util.uncopyable import Uncopyable
from llamapack.backends.cpu import CpuChoice
from llamapack.backends.selection.decisions import Choice
from llamapack.engine.setup import Body, encode_body
from llamapack.errors import CancelledError, ClosedError, LlamapackError, StateError
from llamapack.runner.aio import AsyncRunnerResponse
from llamapack.runner.child import Child, Report, part_of
from llamapack.runner.configuration import wanted_of
from llamapack.runner.connection import Address
from llamapack.runner.response import RunnerResponse

_runners: weakref.WeakSet[Runner] = weakref.WeakSet()
_WORKING = "working on a request"
_GONE = (ConnectionError, FileNotFoundError)
"""What connecting raises where nobody listens; nothing of the request was sent then."""


class Runner(Uncopyable):
    """llama.cpp's server with one model, in a process of its own; the requests are those of Engine, but for uploads.

    If that process ends, whatever the reason, the requests under way raise RunnerError, and the next one starts it
    again, which loads the model anew. It ends when this is closed or dropped, and with this process, however that ends.
    """

    def __init__(
        self,
        model_path: str | os.PathLike[str],
        *,
        backends: str | Sequence[str] | None = None,
        require_gpu: bool = False,
        devices: Sequence[str] | None = None,
        cpu_level: str | None = None,
        progress: Progress | None = None,
        **options: object,
    ) -> None:
        """Load the model at `model_path`; arguments, options and errors are those of Engine.

        Raises RunnerError, too, if the process ends while it loads.
        """
        self.path = Path(model_path)
        self._wanted = wanted_of(
            self.path,
            options,
            backends=backends,
            devices=devices,
            require_gpu=require_gpu,
            cpu_level=cpu_level,
        )
        self._starting = threading.RLock()
        self._child: Child | None = None
        self._closed = self._forked = False
        _runners.add(self)
        try:
            self._start(progress)
        except BaseException:
            self.close()
            raise

    @property
    def cpu(self) -> CpuChoice:
        """The CPU level in use, and why."""
        return self._wanted.cpu

    @property
    def choice(self) -> Choice:
        """The backends and devices in use, those that are not, and why."""
        return self._wanted.choice

    @property
    def pid(self) -> int | None:
        """The number of the process; None while there is none."""
        child = self._child
        return child.process.pid if child is not None and child.process.poll() is None else None

    @property
    def closed(self) -> bool:
        """True once it was closed."""
        return self._closed

    def request(self, method: str, path: str, body: Body = None) -> RunnerResponse:
        """Begin a request, and return its response at once; see `Engine.request`.

        Raises ClosedError after `close`, and what loading the model raises if the process has to be started again.
        """
        data = _checked(method, path, body)
        child, connection = self._connect()
        address = _address_of(child)
        with contextlib.suppress(OSError):  # it has answered, or ended, before it read all: reading says so
            connection.sendall(address.request(method, path, data))
        return RunnerResponse(connection, lambda: self._why_gone(child))

    async def request_async(self, method: str, path: str, body: Body = None) -> AsyncRunnerResponse:
        """Begin a request in an asyncio task, and return its response when its status is known; see `request`."""
        data = _checked(method, path, body)
        child, connection = await self._connect_async()
        response = AsyncRunnerResponse(connection, lambda: asyncio.to_thread(self._why_gone, child))
        return await response.start(_address_of(child).request(method, path, data))

    def close(self) -> None:
        """End the process, which gives back its memory; safe to call twice, and from any thread.

        Requests under way raise CancelledError.
        """
        self._closed = True
        if self._child is not None and not self._forked:
            self._child.end()

    def leave_behind(self) -> None:
        """For this package: in a forked process, become unusable without touching the parent's process."""
        self._forked = True
        self._starting = threading.RLock()
        if self._child is not None:
            self._child.abandon()

    def _connect(self) -> tuple[Child, socket.socket]:
        """Return a connection, after starting the process if it is not there."""
        self._running()
        if (found := self._connect_at_once()) is not None:
            return found
        child = self._running()
        try:
            return child, _address_of(child).connect()
        except _GONE as error:
            raise self._why_gone(child) from error

    async def _connect_async(self) -> tuple[Child, socket.socket]:
        """Do the same, without holding up the event loop while the process loads the model."""
        if (child := self._usable()) is not None:
            with contextlib.suppress(*_GONE):
                return child, await _address_of(child).connect_async()
            child.retired = True
        found = await asyncio.to_thread(self._connect)
        found[1].setblocking(False)
        return found

    def _connect_at_once(self) -> tuple[Child, socket.socket] | None:
        """Return a connection to the process; None if that is not there, or just ends."""
        child = self._usable()
        if child is not None:
            with contextlib.suppress(*_GONE):
                return child, _address_of(child).connect()
            child.retired = True
        return None

    def _usable(self) -> Child | None:
        """Return the process if it can be asked; raises if there can be none."""
        if self._forked:
            raise StateError(
                "This runner was made before the process forked, and cannot be used in the child.",
                fix="Make a new one in the child, or start processes by multiprocessing's `spawn`.",
            )
        end_if_exiting()
        if self._closed:
            raise ClosedError("This runner is closed.", fix="Make a new runner, or close it later.")
        child = self._child
        return child if child is not None and child.usable and child.ready else None

    def _running(self) -> Child:
        """Return the process, after starting it if it is not there; other threads wait for that."""
        while True:
            if (child := self._usable()) is not None:
                return child
            with self._starting:
                if (child := self._usable()) is None:
                    self._start(None)

    def _start(self, progress: Progress | None) -> None:
        if self._child is not None:
            logger.warning("%s", f"the process of {self.path} is started again")
            self._child.end()
        watcher: LoadWatcher[Report] = LoadWatcher(self.path, progress, part_of)
        self._child = child = Child(self._wanted)
        child.load(watcher.answer, lambda: self._closed or exiting())
        watcher.raise_if_stopped()
        if self._closed:
            child.end()
            raise CancelledError(f"Loading {self.path} was stopped, because it was closed.")
        if not child.ready:
            child.end()
            raise child.why_gone("loading the model")
        for line in child.log.release():  # llama.cpp went on in spite of them
            logger.error("%s", line)

    def _why_gone(self, child: Child) -> LlamapackError:
        if self._closed:
            return CancelledError("The request was cancelled, because the model was closed.")
        error = child.why_gone(_WORKING)
        child.end()
        return error

    def __enter__(self) -> Runner:
        """Return the runner itself; it is closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the runner."""
        self.close()

    def __repr__(self) -> str:
        """Show the file and whether it is closed."""
        return f"<Runner {str(self.path)!r}{' (closed)' if self._closed else ''}>"


def _checked(method: str, path: str, body: Body) -> bytes:
    check_c_string("method", method)
    check_c_string("path", path)
    return encode_body(body)


def _address_of(child: Child) -> Address:
    assert child.address is not None
    return child.address


def _stop_all() -> None:
    for runner in list(_runners):
        runner.close()


def _leave_behind() -> None:
    for runner in list(_runners):
        runner.leave_behind()


stop_at_exit(_stop_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_behind)
