"""A digest of the headers, to tell without libclang which ones the bindings were made from."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from tools.bindgen.exports import exported_names, searched_headers
from tools.bindgen.headers import bound_headers
from tools.bindgen.sources import without_comments

_RECORD = re.compile(r"^# Headers: ([0-9a-f]{64})$", re.MULTILINE)


def headers_digest(source: Path) -> str:
    """Return a SHA-256 of the headers of the llama.cpp tree at `source`, ignoring comments and white space."""
    whole, bound = hashlib.sha256(), [header.path for header in bound_headers(source)]
    for path in bound:
        whole.update(f"{path.name}\0{' '.join(without_comments(_text(path)).split())}\0".encode())
    for path in (path for path in searched_headers(source) if path not in bound):
        whole.update(f"{path.name}\0{' '.join(exported_names(_text(path)))}\0".encode())
    return whole.hexdigest()


def recorded_as(digest: str) -> str:
    """Return the line of a generated file that records the digest of its headers."""
    return f"# Headers: {digest}"


def recorded_digest(generated: str) -> str:
    """Return the digest that is recorded in the text of a generated file; empty if there is none."""
    found = _RECORD.search(generated)
    return found[1] if found else ""


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
