"""What a model really takes: how much the memory of its runner grows when it loads and works."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
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
    return _measured(path, options, _resident, lambda child: _ask(child, route, body))


def estimated_and_allocated(path: Path, **options: Any) -> tuple[Sequence[Need], int]:
    """Return what the runner says before it loads the model, and how many bytes it has allocated then; on Linux.

    Memory counts that was not written to, and files that are mapped do not.
    """
    return _measured(path, options, _allocated, lambda _: None)


def _measured(
    path: Path, options: dict[str, Any], size: Callable[[int], int], use: Callable[[Child], None]
) -> tuple[Sequence[Need], int]:
    child = Child(wanted_for(path, options), ask=True)
    try:
        report = child.measure(lambda: False)
        assert report is not None
        before = size(child.process.pid)
        child.proceed()
        child.load(lambda _: True, lambda: False)
        use(child)
        return read_needs(report["devices"]), size(child.process.pid) - before
    finally:
        child.end()


def _ask(child: Child, route: str, body: dict[str, Any]) -> None:
    assert child.address is not None
    connection = child.address.connect()
    connection.sendall(child.address.request("POST", route, json.dumps(body).encode()))
    response = RunnerResponse(connection, lambda: child.why_gone("answering"))
    assert response.status == 200, response.read()
    response.read()


def _resident(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().rss)


def _allocated(pid: int) -> int:
    size = 0
    for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines():
        addresses, rights, *_ = line.split()
        if rights.startswith("rw"):
            start, end = (int(each, 16) for each in addresses.split("-"))
            size += end - start
    return size
