"""A hub on loopback: as much of Hugging Face's interface as llamapack, huggingface_hub and llama.cpp ask for.

Files are served by a second server, to which the first redirects, as the real hub does. Tests put faults in the way of
requests, and look at what was asked.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_RESOLVED = re.compile(r"/(?:models/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
_API = re.compile(r"/api/models/([^/]+/[^/]+)(?:/(revision|tree)/([^/?]+)|/(refs))?")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass(kw_only=True)
class Repository:
    """A repository: the files of each commit, and which commit each branch is at."""

    commits: dict[str, dict[str, bytes]]
    branches: dict[str, str] = field(default_factory=lambda: {"main": COMMIT})
    xet: bool = False


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request: which server it came to, and what it was."""

    server: str
    method: str
    path: str
    headers: Mapping[str, str]


Fault = Callable[["Handler"], bool]
"""Answers a request in its own way; returns False to leave it to the hub."""


@dataclass(kw_only=True)
class Hub:
    """What the two servers know, and what they were asked."""

    repositories: dict[str, Repository]
    address: str = ""
    files_address: str = ""
    key: str = ""  # a token that everything needs, if there is one
    faults: list[Fault] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)

    def put(self, repository: str, files: Mapping[str, bytes], commit: str = COMMIT) -> None:
        """Make a commit with `files`, and main point to it."""
        entry = self.repositories.setdefault(repository, Repository(commits={}))
        entry.commits[commit] = dict(files)
        entry.branches["main"] = commit
        self.blobs |= {sha256(data): data for data in files.values()}

    def downloads(self) -> list[Asked]:
        """Return the requests for contents of files."""
        return [each for each in self.asked if each.server == "files" and each.method == "GET"]

    def once(self, fault: Fault) -> None:
        """Let `fault` answer the first request that it can."""
        done: list[bool] = []

        def first(handler: Handler) -> bool:
            if done:
                return False
            done.append(True)
            if not fault(handler):
                done.clear()
            return bool(done)

        self.faults.append(first)


class Handler(BaseHTTPRequestHandler):
    """Answers for one of the two servers."""

    protocol_version = "HTTP/1.1"
    timeout = 10  # seconds for a client that is silent
    hub: Hub
    server_name = "hub"

    def do_HEAD(self) -> None:
        """Answer without a body."""
        self.do_GET()

    def do_GET(self) -> None:
        """Answer, or let a fault do it."""
        self.close_connection = True
        self.target = unquote(urlsplit(self.path).path)
        headers = {name.title(): value for name, value in self.headers.items()}
        self.hub.asked.append(Asked(server=self.server_name, method=self.command, path=self.path, headers=headers))
        if any(fault(self) for fault in list(self.hub.faults)):
            return
        if self.server_name == "files":
            self._contents()
        elif self.hub.key and self.headers.get("Authorization") != f"Bearer {self.hub.key}":
            self.answer(401, headers={"X-Error-Code": "RepoNotFound"})
        elif found := _RESOLVED.fullmatch(self.target):
            self._resolve(*found.groups())
        elif found := _API.fullmatch(self.target):
            self._api(*found.groups())
        else:
            self.answer(404)

    def end_headers(self) -> None:
        """Say that the connection ends with each answer, so that no client asks again on it."""
        self.send_header("Connection", "close")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def reset(self) -> None:
        """Break the connection."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.rfile.close()

    def _json(self, value: Any) -> None:
        self.answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _files(self, repository: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        entry = self.hub.repositories.get(repository)
        if entry is None:
            self.answer(404, headers={"X-Error-Code": "RepoNotFound"})
            return None
        commit = entry.branches.get(revision, revision)
        if commit not in entry.commits:
            self.answer(404, headers={"X-Error-Code": "RevisionNotFound"})
            return None
        return commit, entry.commits[commit]

    def _api(self, repository: str, kind: str | None, revision: str | None, refs: str | None) -> None:
        found = self._files(repository, revision or "main")
        if found is None:
            return
        commit, files = found
        if refs:
            branches = self.hub.repositories[repository].branches
            self._json({"branches": [{"name": name, "targetCommit": each} for name, each in branches.items()]})
        elif kind == "tree":
            self._json([self._entry(repository, name, data) for name, data in files.items()])
        else:
            self._json({"id": repository, "sha": commit, "siblings": [{"rfilename": name} for name in files]})

    def _entry(self, repository: str, name: str, data: bytes) -> dict[str, Any]:
        large = {"oid": sha256(data), "size": len(data), "pointerSize": 134}
        entry: dict[str, Any] = {"type": "file", "path": name, "size": len(data), "oid": git_name(data), "lfs": large}
        return entry | ({"xetHash": sha256(data)} if self.hub.repositories[repository].xet else {})

    def _resolve(self, repository: str, revision: str, name: str) -> None:
        found = self._files(repository, revision)
        if found is None:
            return
        commit, files = found
        if name not in files:
            self.answer(404, headers={"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
            return
        data = files[name]
        where = f"{self.hub.files_address}/{sha256(data)}?signature=1"
        headers = {"X-Repo-Commit": commit, "X-Linked-Etag": f'"{sha256(data)}"', "X-Linked-Size": str(len(data))}
        self.answer(302, headers={**headers, "Location": where, "ETag": f'"{git_name(data)}"'})

    def _contents(self) -> None:
        data = self.hub.blobs.get(self.target.strip("/"))
        if data is None:
            self.answer(404)
            return
        found = _RANGE.fullmatch(self.headers.get("Range", ""))
        if not found:
            self.answer(200, data, {"Accept-Ranges": "bytes"})
            return
        start, end = int(found[1]), min(int(found[2] or len(data) - 1), len(data) - 1)
        if start >= len(data):
            self.answer(416, headers={"Content-Range": f"bytes */{len(data)}"})
        else:
            self.answer(206, data[start : end + 1], {"Content-Range": f"bytes {start}-{end}/{len(data)}"})


def git_name(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def slowly(size: int, pause: float) -> Fault:
    """Send contents in pieces of `size` bytes, with a pause after each."""

    def pieces() -> int:
        time.sleep(pause)
        return size

    return _piecewise(pieces)


def in_pieces(rng: random.Random) -> Fault:
    """Send contents in pieces of any size."""
    return _piecewise(lambda: rng.choice((1, 100, 5_000, 60_000)) + rng.randrange(1000))


def _piecewise(size: Callable[[], int]) -> Fault:
    def fault(handler: Handler) -> bool:
        if handler.server_name != "files" or handler.command != "GET":
            return False
        data = handler.hub.blobs[handler.target.strip("/")]
        found = _RANGE.fullmatch(handler.headers.get("Range", ""))
        at = int(found[1]) if found else 0
        handler.send_response(206 if found else 200)
        handler.send_header("Content-Length", str(len(data) - at))
        handler.send_header("Content-Range", f"bytes {at}-{len(data) - 1}/{len(data)}")
        handler.end_headers()
        try:
            while at < len(data):
                at += handler.wfile.write(data[at : at + size()])
        except OSError:  # the other side was killed, as is tested
            handler.close_connection = True
        return True

    return fault


def on_files(act: Callable[[Handler], None]) -> Fault:
    """Let `act` answer a request for contents."""

    def fault(handler: Handler) -> bool:
        if handler.server_name != "files" or handler.command != "GET":
            return False
        act(handler)
        return True

    return fault


def on_hub(act: Callable[[Handler], None], part: str = "") -> Fault:
    """Let `act` answer a request to the hub itself, if `part` is in its address."""

    def fault(handler: Handler) -> bool:
        if handler.server_name != "hub" or part not in handler.path:
            return False
        act(handler)
        return True

    return fault


def answering(status: int, **headers: str) -> Callable[[Handler], None]:
    """Answer with a status, and headers with _ for -."""
    return lambda handler: handler.answer(status, headers={name.replace("_", "-"): v for name, v in headers.items()})


def broken_after(count: int) -> Callable[[Handler], None]:
    """Announce the whole rest of a file, send `count` bytes of it, and break the connection."""

    def act(handler: Handler) -> None:
        data = handler.hub.blobs[handler.target.strip("/")]
        found = _RANGE.fullmatch(handler.headers.get("Range", ""))
        start = int(found[1]) if found else 0
        handler.send_response(206 if found else 200)
        handler.send_header("Content-Length", str(len(data) - start))
        handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        handler.end_headers()
        handler.wfile.write(data[start : start + count])
        handler.reset()

    return act


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing it waits for its threads: other tests count them

    def handle_error(self, *_: object) -> None:
        """Say nothing of connections that the other side broke, which tests do."""


@contextmanager
def serving() -> Iterator[Hub]:
    """Run an empty hub."""
    hub = Hub(repositories={})
    servers = []
    for name in ("hub", "files"):
        handler = type("Bound", (Handler,), {"hub": hub, "server_name": name})
        server = _Server(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        servers.append((server, thread))
    (first, _), (second, _) = servers
    hub.address = f"http://127.0.0.1:{first.server_port}"
    hub.files_address = f"http://127.0.0.1:{second.server_port}"
    try:
        yield hub
    finally:
        for server, thread in servers:
            server.shutdown()
            thread.join()
            server.server_close()
