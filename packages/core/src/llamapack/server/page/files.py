"""The files of the page: text is compressed in the wheel, and is sent so to browsers, which all take it."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FOLDER = Path(__file__).with_name("static")
INDEX = "index.html"
_PACKED = ".gz"
_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".ico": "image/vnd.microsoft.icon",
    ".webmanifest": "application/manifest+json",
}
"""Not those of the system, which differ, and may be wrong."""


@dataclass(frozen=True)
class PageFile:
    """A file of the page."""

    path: Path
    name: str
    """Its path below the page's address, without `.gz`."""

    @property
    def is_packed(self) -> bool:
        """Whether it lies compressed."""
        return self.path.suffix == _PACKED

    @property
    def media_type(self) -> str:
        """What it is, as HTTP says it."""
        suffix = Path(self.name).suffix
        return _TYPES.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream")

    @property
    def keeps(self) -> bool:
        """Whether browsers need not ask for it again: its name has a hash of what is in it."""
        return "/immutable/" in f"/{self.name}"

    @cached_property
    def digest(self) -> str:
        """A hash of it."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()[:32]

    def read(self, *, packed: bool) -> bytes:
        """Return its bytes, compressed if it lies so and `packed` is true."""
        data = self.path.read_bytes()
        return gzip.decompress(data) if self.is_packed and not packed else data


def page_files(folder: Path = FOLDER) -> Mapping[str, PageFile]:
    """Return the files of the page by their paths in addresses; empty if this build has no page.

    Only what is listed here is ever opened: a path of a request is looked up, and not put together with a folder.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = path.relative_to(folder).as_posix().removesuffix(_PACKED)
            found[f"/{name}"] = PageFile(path, name)
    if index := found.get(f"/{INDEX}"):
        found["/"] = index
    return found if "/" in found else {}
