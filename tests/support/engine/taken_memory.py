"""What a model really takes: how much the resident memory of its runner grows when it loads and works."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
from llamapack.runner.child import Child
from llamapack.runner.configuration import wanted_for
from llamapack.runner.needs import Need, read_needs
from llamapack.runner.response import RunnerResponse


def estimated_and_taken(path: Path, route: str, body: dict[str, Any], **options: Any) -> tuple[Sequence[Need], int]:
    """Return what the runner says before it loads the model, and the bytes by which it has grown after a request.

    The request should fill a whole batch, so that all of the working memory is written to.
    """
    child = Child(wanted_for(path, options), ask=True)
    try:
        report = child.measure(lambda: False)
        assert report is not None
        process = psutil.Process(child.process.pid)
        before = process.memory_info().rss
        child.proceed()
        child.load(lambda _: True, lambda: False)
        assert child.address is not None
        connection = child.address.connect()
        connection.sendall(child.address.request("POST", route, json.dumps(body).encode()))
        response = RunnerResponse(connection, lambda: child.why_gone("answering"))
        assert response.status == 200, response.read()
        response.read()
        return read_needs(report["devices"]), process.memory_info().rss - before
    finally:
        child.end()
