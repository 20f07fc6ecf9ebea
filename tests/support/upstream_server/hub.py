"""A model hub on loopback that has the stand-ins: as much of Hugging Face's interface as llama.cpp asks for."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HUB = "https://huggingface.co/"
MODELS = "LLAMAPACK_STAND_INS"
"""The variable with the folder of the stand-ins."""


class Handler(SimpleHTTPRequestHandler):
    """Answers for repositories that are folders: `/OWNER/NAME/resolve/REVISION/FILE`, and two lists as JSON."""

    def do_GET(self) -> None:
        """Answer with a list, or a file."""
        parts = self.path.partition("?")[0].strip("/").split("/")
        if parts[:2] != ["api", "models"]:
            super().do_GET()
        elif not (repository := Path(self.directory, *parts[2:4])).is_dir():
            self.send_error(404)
        elif parts[4:] == ["refs"]:
            self._write({"branches": [{"name": "main", "targetCommit": COMMIT}]})
        else:
            self._write([_entry(path, repository) for path in sorted(repository.rglob("*")) if path.is_file()])

    def translate_path(self, path: str) -> str:
        """Return the file that a path names."""
        return super().translate_path(_without_revision(path))

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def _write(self, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _without_revision(path: str) -> str:
    repository, found, rest = path.partition("/resolve/")
    return f"{repository}/{rest.partition('/')[2]}" if found else path


def _entry(path: Path, repository: Path) -> dict[str, object]:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    name = path.relative_to(repository).as_posix()
    return {"type": "file", "path": name, "size": path.stat().st_size, "lfs": {"oid": digest}}


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve the repositories in `folder`, and return the address of the hub."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def file_at(folder: Path, url: str) -> Path:
    """Return the file in `folder` that stands in for the one at `url`, an address of the real hub."""
    return folder / _without_revision("/" + url.removeprefix(HUB)).strip("/")
