"""Run the server until a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Sequence

from llamapack.server.app import Application
from llamapack.server.connections import Configuration, Server
from llamapack.server.runners.models import Models
from llamapack.server.settings import ModelSettings, Settings
from llamapack.server.sockets import listen
from llamapack.server.status import is_ready

Listening = Callable[[str], None]
_LOOK_SECONDS = 0.1


def run(
    models: Sequence[ModelSettings], settings: Settings, listening: Listening, ready: Listening | None = None
) -> None:
    """Serve models. `listening` is called with the address, before the model is loaded.

    `ready` is called in another thread when requests are answered, with an address for a browser of this machine.

    Raises InputError if it cannot listen there, and what Runner raises if a single model cannot be loaded at first.
    """
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # it warns of whatever a client sends
    with contextlib.closing(listen(settings.host, settings.port)) as listener:
        listening(address_of(listener))
        asyncio.run(_serve(models, settings, listener, ready))


def address_of(listener: socket.socket) -> str:
    """Return the address at which a socket listens, as a URL."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if listener.family == socket.AF_INET6 else f"http://{host}:{port}"


def local_address_of(listener: socket.socket) -> str:
    """Return the address at which this machine itself reaches a socket, which may listen at all of its addresses."""
    address = address_of(listener)
    return address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


async def _serve(
    given: Sequence[ModelSettings], settings: Settings, listener: socket.socket, ready: Listening | None
) -> None:
    models = Models(given, settings)
    app = Application(settings, models)
    server = Server(Configuration(app, settings.limits, settings.drain_seconds))
    server.ending = app.end_feeds
    app.connections = lambda: len(server.server_state.connections)
    keeping = asyncio.create_task(models.run())
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    telling = asyncio.create_task(_tell_when_ready(models, server, ready, local_address_of(listener)))
    try:
        await asyncio.wait({keeping, serving}, return_when=asyncio.FIRST_COMPLETED)
        if keeping.done():
            server.should_exit = True
        await serving
    finally:
        telling.cancel()
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping


async def _tell_when_ready(models: Models, server: Server, ready: Listening | None, address: str) -> None:
    if ready is None:
        return
    while not (server.started and is_ready(models)):
        await asyncio.sleep(_LOOK_SECONDS)
    await asyncio.to_thread(ready, address)
