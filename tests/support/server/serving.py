"""`llamapack serve` as users start it: a process of its own, on a port that is free."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.support.reference.made_models import write_model

SECONDS = 60
LONG = {"prompt": "One, two,", "n_predict": 100_000, "ignore_eos": True, "stream": True}
SMALL = ("--ctx-size", "2048", "--parallel", "2", "--threads", "1", "-o", "warmup=false", "-o", "context_shift=true")


def wait_until(true: Callable[[], bool], seconds: float = SECONDS) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def runners_of(parent: int) -> list[int]:
    """Return the runners that are children of a process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = stat.read_text(encoding="utf-8", errors="replace").partition(") ")
            state, father = rest.split()[:2]
            if "(llamapack-runne" in name and int(father) == parent and state != "Z":
                found.append(int(stat.parent.name))
    return found


class Served:
    """One server."""

    def __init__(
        self, model: Path | None, *arguments: str, wait: bool = True, env: Mapping[str, str] | None = None
    ) -> None:
        models = [] if model is None else [str(model)]
        command = [sys.executable, "-m", "llamapack", "serve", *models, "--port", "0", *arguments]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            wait_until(lambda: self.port is not None or self.process.poll() is not None)
            if wait:
                wait_until(lambda: self.health()["status"] == "ok" or self.process.poll() is not None)
        except BaseException:
            self.kill()
            raise

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip())

    @property
    def log(self) -> str:
        return "\n".join(self.lines)

    @property
    def port(self) -> int | None:
        found = re.search(r" at http://\S+:(\d+)$", self.log, re.MULTILINE)
        return int(found[1]) if found else None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def runner(self) -> int:
        """The process of its model."""
        (pid,) = runners_of(self.process.pid)
        return pid

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port or 0), timeout=SECONDS)

    def begin(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> http.client.HTTPResponse:
        """Send a request, and return the answer when its head is there; a body that is no bytes is sent as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        try:
            connection.request(method, path, data, {"Connection": "close", **(headers or {})})
            return connection.getresponse()
        except BaseException:
            connection.close()
            raise

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Return the status, the body as JSON or as text, and the headers with small letters."""
        with self.begin(method, path, body, headers) as answer:
            text = answer.read().decode()
            found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, json.loads(text) if "json" in found.get("content-type", "") else text, found

    def health(self) -> Any:
        return self.ask("GET", "/health")[1]

    def model(self) -> Any:
        """What the server says of its first model."""
        return self.health()["models"][0]

    def active(self) -> int:
        return int(self.health()["requests"]["active"])

    def end(self) -> int:
        """End it gracefully, and return its status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(SECONDS)
        self._close()
        return status

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._close()

    def _close(self) -> None:
        self._reader.join(SECONDS)
        if self.process.stderr is not None:
            self.process.stderr.close()


def serve_embedder(folder: Path) -> Served:
    """Start a server of a made embedding model, which is written to a folder."""
    path = write_model(folder / "bert.gguf", "bert", words="abcd")
    return Served(path, "--threads", "1", "-o", "embedding=true", "-o", "pooling=mean")
