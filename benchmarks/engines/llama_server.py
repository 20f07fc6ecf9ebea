"""llama-server's side of `nox -s bench -- engine`, over HTTP; the variable LLAMA_SERVER says which program it is."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator

from benchmarks.engines.clock import REPEATS, Work, main

SIZE = 512
"""Tokens of context for a request, as on our side."""


def measure(work: Work) -> None:
    """Start the server, measure, and stop it."""
    port = free_port()
    command = [os.environ["LLAMA_SERVER"], "-m", work.model, "--port", port, "-np", work.slots, "-t", work.threads]
    command += ["-c", SIZE * work.slots, "-ngl", 0, "--threads-http", work.slots + 2]
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process)

        def post(text: str, *, stream: bool) -> http.client.HTTPResponse:
            body = {"prompt": text, "n_predict": work.tokens, "temperature": 0, "stream": stream}
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
            connection.request("POST", "/completion", json.dumps(body), {"Content-Type": "application/json"})
            return connection.getresponse()

        def ask(text: str) -> int:
            return int(json.load(post(text, stream=False))["tokens_predicted"])

        def stream(text: str) -> Iterator[str]:
            for line in post(text, stream=True):
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])["content"]

        ask("warm up")
        if work.slots > 1:
            work.together(ask)
        else:
            for _ in range(REPEATS):
                work.whole(ask)
                work.streamed(stream)
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """Return a port on which nothing listens at the moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes], route: str = "/health") -> None:
    """Wait until the server has loaded its model: `route` is answered then."""
    while process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", route)
            if connection.getresponse().status == http.client.OK:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise SystemExit(f"llama-server ended with status {process.returncode}.")


if __name__ == "__main__":
    main(measure)
