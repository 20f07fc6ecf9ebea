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

Listening = Callable[[str], None]


def run(models: Sequence[ModelSettings], settings: Settings, listening: Listening) -> None:
    """Serve models. `listening` is called with the address, before the model is loaded.

    Raises InputError if it cannot listen there, and what Runner raises if a single model cannot be loaded at first.
    """
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # it warns of whatever a client sends
    with contextlib.closing(listen(settings.host, settings.port)) as listener:
        listening(address_of(listener))
        asyncio.run(_serve(models, settings, listener))


def address_of(listener: socket.socket) -> str:
    """Return the address at which a socket listens, as a URL."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if listener.family == socket.AF_INET6 else f"http://{host}:{port}"


async def _serve(given: Sequence[ModelSettings], settings: Settings, listener: socket.socket) -> None:
    models = Models(given, settings)
    app = Application(settings, models)
    server = Server(Configuration(app, settings.limits, settings.drain_seconds))
    app.connections = lambda: len(server.server_state.connections)
    keeping = asyncio.create_task(models.run())
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await asyncio.wait({keeping, serving}, return_when=asyncio.FIRST_COMPLETED)
        if keeping.done():
            server.should_exit = True
        await serving
    finally:
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
