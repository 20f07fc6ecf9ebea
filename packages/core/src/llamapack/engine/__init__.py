"""llama.cpp's server in this process: requests go in as JSON, answers come out in pieces. No port, no child process.

engine     Engine: a loaded model, and requests to it
options    which options an engine has, and what each takes
setup      what is checked before there is an engine, and of each request
loading    options to native ones, loading with progress, and why it failed
bodies     the body of an answer, read whole or by its events
pieces     what there is of an answer, taken from the library
response   Response: the answer of one request, taken by one thread
aio        AsyncResponse: the same for asyncio, with one thread that waits for all
events     server-sent events out of the pieces of a streamed answer
"""

from __future__ import annotations

from llamapack.engine.aio import AsyncResponse
from llamapack.engine.engine import Engine, Upload
from llamapack.engine.events import EventReader, ServerEvent
from llamapack.engine.options import EngineOption, engine_options
from llamapack.engine.response import Response

__all__ = [
    "AsyncResponse",
    "Engine",
    "EngineOption",
    "EventReader",
    "Response",
    "ServerEvent",
    "Upload",
    "engine_options",
]
