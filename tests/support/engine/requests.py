"""Requests to an engine for tests, and readings of its state."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from llamapack.engine import Engine, Response

PARALLEL = 4
"""How many requests the engine of the tests works on at once."""
LONG = {"prompt": "Count on and on: one, two, three,", "n_predict": 1000, "ignore_eos": True, "stream": True}


def marked(marker: str) -> dict[str, Any]:
    """Return a request for which a grammar forces the answer to be the marker."""
    return {"prompt": "Say it:", "grammar": f'root ::= "{marker}"', "n_predict": 64, "temperature": 0}


def completed(engine: Engine, body: dict[str, Any]) -> str:
    """Return the completion of a prompt."""
    return str(engine.request("POST", "/completion", body).json()["content"])


def still_streaming(engine: Engine) -> Response:
    """Start a stream of up to a thousand tokens, and read its first piece."""
    stream = engine.request("POST", "/completion", LONG)
    assert stream.status == 200
    assert next(iter(stream))
    return stream


def busy_slots(engine: Engine) -> int:
    """Return the number of slots that process a request."""
    return sum(slot["is_processing"] for slot in engine.request("GET", "/slots").json())


def decode_steps(engine: Engine) -> int:
    """Return how many batches were computed so far."""
    text = engine.request("GET", "/metrics").read().decode()
    found = re.search(r"(?m)^llamacpp:n_decode_total (\d+)", text)
    assert found, text
    return int(found[1])


def wait_until(done: Callable[[], bool]) -> None:
    """Wait for another thread; the time limit is far above what a busy machine needs."""
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.005)
