"""A package index on loopback, as PyPI behaves: pip, uv and twine can install from it and upload to it.

Made for rehearsals. pypiserver takes uploads, but speaks no JSON; simple-repository-server speaks JSON, but takes no
uploads; devpi-server does both with a database and sixty packages.

    /simple/ and /simple/PROJECT/   the simple API in HTML and JSON (PEP 503, 691, 700), with yanked files (PEP 592)
    /files/NAME                     a file; NAME.metadata is the METADATA of a wheel (PEP 658)
    /legacy/                        uploads, by the form that PyPI takes
"""

from __future__ import annotations

import html
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from packaging.utils import canonicalize_name

from tools.errors import ToolError
from tools.release.distribution import Distribution, read_distribution
from tools.util.atomic_files import write_file

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
PLAIN = "text/html"
API_VERSION = "1.1"
LARGEST_MB = 100
"""PyPI's limit for one file, unless a project was given more."""
YANKED = ".yanked"
"""A file of a distribution's name and this ending yanks it; its text is the reason."""
Interruption = Callable[[str], bool]
"""Is asked with the name of each file that was received: True drops the connection, and the file."""


class _RefusedError(Exception):
    """An answer other than 200."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        self.status = status
        super().__init__(message)


@contextmanager
def serve_index(folder: Path, *, upstream: str = "", interrupt: Interruption | None = None) -> Iterator[str]:
    """Serve the wheels and sdists in `folder` on a free port of 127.0.0.1, and put there what is uploaded.

    Yields the address that the paths above are added to, without a slash at its end. Projects that `folder` lacks are
    looked for at `upstream`, the address of another simple API, by a redirect.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _Server(folder, upstream, interrupt) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def yank(file: Path, reason: str) -> None:
    """Yank a file of an index's folder: installers take it only where it is asked for by its exact version."""
    write_file(file.with_name(f"{file.name}{YANKED}"), reason.encode())


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: Path, upstream: str, interrupt: Interruption | None) -> None:
        self.folder = folder
        self.upstream = upstream.rstrip("/")
        self.interrupt = interrupt or (lambda _: False)
        self.uploading = threading.Lock()
        self._known: dict[Path, tuple[tuple[int, int], Distribution]] = {}
        super().__init__(("127.0.0.1", 0), _Handler)

    def distributions(self, project: str = "") -> list[Distribution]:
        """Return what the folder holds, or what it holds of one project, by name; a file is read once."""
        files = sorted(path for path in self.folder.iterdir() if path.name.endswith((".whl", ".tar.gz")))
        found = [self._read(path) for path in files]
        return [each for each in found if project in ("", each.project)]

    def _read(self, path: Path) -> Distribution:
        status = path.stat()
        state = (status.st_mtime_ns, status.st_size)
        if path not in self._known or self._known[path][0] != state:
            self._known[path] = (state, read_distribution(path))
        return self._known[path][1]


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: whoever serves an index knows what is asked."""

    def do_GET(self) -> None:
        """Answer a page, a file or its metadata."""
        self._answered(self._get)

    def do_HEAD(self) -> None:
        """Answer as GET does, without the body."""
        self._answered(self._get)

    def do_POST(self) -> None:
        """Take an upload."""
        self._answered(self._post)

    def _answered(self, method: Callable[[], None]) -> None:
        try:
            method()
        except _RefusedError as error:
            self._send(error.status, str(error).encode(), "text/plain; charset=utf-8")

    def _send(
        self, status: HTTPStatus, body: bytes, content_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        # the status line as well: uv and twine show its words to the user
        line = body.decode(errors="replace").splitlines()[0] if status >= HTTPStatus.BAD_REQUEST and body else None
        self.send_response(status, line)
        told = {"Content-Type": content_type, "Content-Length": str(len(body)), **(headers or {})}
        for name, value in told.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _get(self) -> None:
        path = unquote(self.path.partition("?")[0])
        if path == "/simple/":
            self._projects()
        elif found := re.fullmatch(r"/simple/([^/]+)/?", path):
            self._project(found[1], path)
        elif found := re.fullmatch(r"/files/([^/]+)", path):
            self._file(found[1])
        else:
            raise _RefusedError(HTTPStatus.NOT_FOUND, f"There is nothing at {path}")

    def _projects(self) -> None:
        names = sorted({each.project for each in self.server.distributions()})
        listed = [{"name": name} for name in names]
        links = "".join(f'<a href="/simple/{name}/">{name}</a><br>\n' for name in names)
        self._page({"meta": {"api-version": API_VERSION}, "projects": listed}, links)

    def _project(self, name: str, path: str) -> None:
        project = canonicalize_name(name)
        if path != f"/simple/{project}/":
            headers = {"Location": f"/simple/{project}/"}
            self._send(HTTPStatus.MOVED_PERMANENTLY, b"", "text/plain", headers)
            return
        found = self.server.distributions(project)
        if not found and self.server.upstream:
            self._send(HTTPStatus.FOUND, b"", "text/plain", {"Location": f"{self.server.upstream}/{project}/"})
            return
        if not found:
            raise _RefusedError(HTTPStatus.NOT_FOUND, f"There is no project {project}")
        versions = sorted({each.version for each in found})
        files = [_described(each) for each in found]
        answer = {"meta": {"api-version": API_VERSION}, "name": project, "versions": versions, "files": files}
        self._page(answer, "".join(map(_link, files)))

    def _page(self, answer: Mapping[str, Any], links: str) -> None:
        kind = _accepted(self.headers.get("Accept", "*/*"))
        if kind == JSON:
            self._send(HTTPStatus.OK, json.dumps(answer).encode(), JSON)
            return
        version = f'<meta name="pypi:repository-version" content="{API_VERSION}">'
        text = f"<!DOCTYPE html>\n<html><head>{version}</head><body>\n{links}</body></html>\n"
        self._send(HTTPStatus.OK, text.encode(), f"{kind}; charset=utf-8")

    def _file(self, name: str) -> None:
        for each in self.server.distributions():
            if name == each.path.name:
                self._send(HTTPStatus.OK, each.path.read_bytes(), "application/octet-stream")
                return
            if each.is_wheel and name == f"{each.path.name}.metadata":
                self._send(HTTPStatus.OK, each.metadata_text, "text/plain; charset=utf-8")
                return
        raise _RefusedError(HTTPStatus.NOT_FOUND, f"There is no file {name}")

    def _post(self) -> None:
        self.close_connection = True
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path.rstrip("/") != "/legacy":
            raise _RefusedError(HTTPStatus.NOT_FOUND, f"Uploads go to /legacy/, and not to {self.path}")
        fields = read_form(self.headers.get("Content-Type", ""), body)
        if fields.get(":action", (b"", ""))[0] != b"file_upload" or "content" not in fields:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "An upload has :action=file_upload and a file as content")
        content, name = fields["content"]
        if self.server.interrupt(name):
            self.connection.close()  # as when the network fails: nothing was stored
            return
        with self.server.uploading:
            self._store(name, content, fields.get("sha256_digest", (b"", ""))[0].decode())
        self._send(HTTPStatus.OK, b"", "text/plain")

    def _store(self, name: str, content: bytes, digest: str) -> None:
        if len(content) > LARGEST_MB * 1_000_000:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, f"File too large: the limit is {LARGEST_MB} MB")
        path = self.server.folder / Path(name).name
        if path.name != name or not name.endswith((".whl", ".tar.gz")):
            raise _RefusedError(HTTPStatus.BAD_REQUEST, f"{name!r} is neither a wheel nor an sdist")
        if path.exists():
            if path.read_bytes() != content:
                raise _RefusedError(HTTPStatus.BAD_REQUEST, f"File already exists: {name} with other content")
            return
        held = self.server.folder / ".incoming" / name
        write_file(held, content)
        try:
            if digest and read_distribution(held).sha256 != digest:
                raise _RefusedError(HTTPStatus.BAD_REQUEST, f"{name} is not what its sha256_digest says")
            held.replace(path)
        except ToolError as error:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, str(error)) from error
        finally:
            held.unlink(missing_ok=True)


def _described(each: Distribution) -> dict[str, Any]:
    """Return the entry of one file in the simple API's JSON."""
    reason = each.path.with_name(f"{each.path.name}{YANKED}")
    uploaded = datetime.fromtimestamp(each.path.stat().st_mtime, timezone.utc)
    entry: dict[str, Any] = {
        "filename": each.path.name,
        "url": f"/files/{quote(each.path.name)}",
        "hashes": {"sha256": each.sha256},
        "size": each.path.stat().st_size,
        "upload-time": uploaded.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "yanked": (reason.read_text(encoding="utf-8") or True) if reason.exists() else False,
        "requires-python": each.requires_python or None,
    }
    if each.is_wheel:
        entry["core-metadata"] = entry["dist-info-metadata"] = {"sha256": each.metadata_sha256}
    return entry


def _link(entry: Mapping[str, Any]) -> str:
    """Return the same entry as a link."""
    attributes = {"href": f"{entry['url']}#sha256={entry['hashes']['sha256']}"}
    if entry["requires-python"]:
        attributes["data-requires-python"] = entry["requires-python"]
    if "core-metadata" in entry:
        attributes["data-core-metadata"] = f"sha256={entry['core-metadata']['sha256']}"
    if entry["yanked"]:
        attributes["data-yanked"] = "" if entry["yanked"] is True else entry["yanked"]
    words = " ".join(f'{name}="{html.escape(value)}"' for name, value in attributes.items())
    return f"<a {words}>{html.escape(entry['filename'])}</a><br>\n"


def _accepted(header: str) -> str:
    """Return the kind of page that the header Accept prefers; text/html where anything will do."""
    wanted: list[tuple[float, str]] = []
    for part in header.split(","):
        name, *parameters = (word.strip() for word in part.split(";"))
        weights = [float(word[2:]) for word in parameters if re.fullmatch(r"q=[01](\.\d{0,3})?", word)]
        wanted.append((weights[0] if weights else 1.0, name))
    for _, name in sorted(wanted, key=lambda each: -each[0]):
        if name.replace(".latest+", ".v1+") in (JSON, HTML, PLAIN):
            return name.replace(".latest+", ".v1+")
        if name in ("*/*", "text/*", ""):
            return PLAIN
    raise _RefusedError(HTTPStatus.NOT_ACCEPTABLE, f"The pages are {JSON}, {HTML} and {PLAIN}")


def read_form(content_type: str, body: bytes) -> dict[str, tuple[bytes, str]]:
    """Return the fields of a form (multipart/form-data): the content of each, and the name of its file if it has one.

    Of a field that comes several times, the last counts.
    """
    found = re.search(r'boundary="?([^";]+)"?', content_type)
    if not content_type.startswith("multipart/form-data") or not found:
        raise _RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "An upload is a form: multipart/form-data")
    fields: dict[str, tuple[bytes, str]] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + found[1].encode())[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        text = head.decode("utf-8", "replace")
        name, file = (re.search(rf'[; ]{key}="([^"]*)"', text) for key in ("name", "filename"))
        if name:
            fields[name[1]] = (content, file[1] if file else "")
    return fields
