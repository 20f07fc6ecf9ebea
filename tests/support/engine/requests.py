"""Requests that tests make of an engine, and what they look at in it."""

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
    """Return a request whose answer a grammar makes the marker."""
    return {"prompt": "Say it:", "grammar": f'root ::= "{marker}"', "n_predict": 64, "temperature": 0}


def completed(engine: Engine, body: dict[str, Any]) -> str:
    """Return the text that completes a prompt."""
    return str(engine.request("POST", "/completion", body).json()["content"])


def still_streaming(engine: Engine) -> Response:
    """Begin a stream that would go on for a thousand tokens, and take its first piece."""
    stream = engine.request("POST", "/completion", LONG)
    assert stream.status == 200
    assert next(iter(stream))
    return stream


def busy_slots(engine: Engine) -> int:
    """Count the slots that work on a request."""
    return sum(slot["is_processing"] for slot in engine.request("GET", "/slots").json())


def decode_steps(engine: Engine) -> int:
    """Return how often the model was computed."""
    text = engine.request("GET", "/metrics").read().decode()
    found = re.search(r"(?m)^llamacpp:n_decode_total (\d+)", text)
    assert found, text
    return int(found[1])


def wait_until(done: Callable[[], bool]) -> None:
    """Wait for what another thread does soon; far longer than it may take on a busy machine."""
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.005)
