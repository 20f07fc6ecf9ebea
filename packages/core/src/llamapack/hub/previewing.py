"""Read the header of a model before it is downloaded: what is no model, or none that can be loaded, costs little."""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path

from llamapack.errors import ModelFormatError
from llamapack.gguf.architectures import ARCHITECTURES
from llamapack.gguf.parser import Entry, Header
from llamapack.gguf.reading import check_stream
from llamapack.hub.choosing import shown_size
from llamapack.hub.transfer.downloading import Source
from llamapack.hub.transfer.explaining import PROBLEMS, explained
from llamapack.hub.transfer.transport import BrokenError, Transport

logger = logging.getLogger("llamapack.hub")

_MOST = 1 << 28  # more than the largest header that the parser takes


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The header of a model, and its bytes from the beginning of the file."""

    header: Header
    data: bytes


def preview(source: Source, transport: Transport) -> Preview | None:
    """Read the header of a model on a server; raises ModelFormatError if it is no model that can be loaded.

    Returns None, and checks nothing, if neither the source nor the server says how large it is.
    """
    found, size = _beginning(source, transport)
    if found is None:
        return None
    architecture = text_of(found.header.entries, "general.architecture") or "unknown"
    if architecture not in ARCHITECTURES:
        raise ModelFormatError(
            f"{source.name} cannot be loaded.",
            why=f"This llama.cpp does not know its architecture, {architecture!r}.",
            fix="Update llamapack, or use another model.",
        )
    context = found.header.entries.get(f"{architecture}.context_length")
    logger.info(
        "%s is of the architecture %s, has a context of %s tokens and %s",
        source.name,
        architecture,
        context.value if context else "unknown",
        shown_size(size),
    )
    return found


def header_bytes(source: Source, transport: Transport) -> bytes:
    """Return the first bytes of a GGUF file on a server, all of its header; raises ModelFormatError if it is none."""
    found, _ = _beginning(source, transport)
    return b"" if found is None else found.data


def text_of(entries: Mapping[str, Entry], key: str) -> str | None:
    """Return a text of a header; None if it has none."""
    entry = entries.get(key)
    return entry.value.decode("utf-8", "replace") if entry is not None and isinstance(entry.value, bytes) else None


def _beginning(source: Source, transport: Transport) -> tuple[Preview | None, int]:
    try:
        return transport.repeat(lambda: _read(source, transport))
    except PROBLEMS as error:
        raise explained(error, source.name) from error


def _read(source: Source, transport: Transport) -> tuple[Preview | None, int]:
    with transport.get(source.url) as answer:
        size = answer.length if source.size is None else source.size
        if size is None:
            return None, 0
        beginning = _Beginning(answer, size)
        try:
            header = check_stream(beginning, size, Path(source.name))
        except ModelFormatError as error:
            if beginning.broken:
                raise BrokenError("the connection ended within the header") from error
            raise
        return Preview(header=header, data=beginning.getvalue()), size


class _Beginning(io.BytesIO):
    """As much of a file as was asked for so far; more is received when it is read."""

    def __init__(self, answer: HTTPResponse, size: int) -> None:
        super().__init__()
        self._answer = answer
        self._most = min(size, _MOST)
        self.broken = False

    def read(self, count: int | None = -1, /) -> bytes:
        """Return the next bytes, received if they are not here yet."""
        at, end = self.tell(), min(self._most, self.tell() + (count or 0))
        missing = end - len(self.getbuffer())
        self.seek(0, io.SEEK_END)
        while missing > 0 and not self.broken:
            data = self._answer.read(missing)
            missing -= self.write(data)
            self.broken = not data
        self.seek(at)
        return super().read(count)
