"""Turn a stream of bytes into text that can be shown: whole characters only, and nothing of a stop string."""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class TextStream:
    """Hold back what cannot be shown yet.

    Tokens end in the middle of UTF-8 characters and of stop strings. `feed` returns the text that is certain; `finish`
    the rest. Once a stop string is complete, `stopped` holds it, and neither it nor what follows is returned.
    """

    def __init__(self, stop: Sequence[str] = ()) -> None:
        """Watch for the strings in `stop`; empty ones are refused by the caller."""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stop = tuple(stop)
        self._held = ""
        self.stopped: str | None = None

    def feed(self, piece: bytes) -> str:
        """Add the bytes of one token; return the text that no later token can change."""
        return self._release(self._decoder.decode(piece))

    def finish(self) -> str:
        """Return what was held back; a character cut short becomes U+FFFD."""
        text = self._release(self._decoder.decode(b"", final=True))
        if self.stopped is not None:
            return text
        held, self._held = self._held, ""
        return text + held

    def _release(self, text: str) -> str:
        if self.stopped is not None or not text:
            return ""
        if not self._stop:
            return text
        text = self._held + text
        found = [(at, stop) for stop in self._stop if (at := text.find(stop)) >= 0]
        if found:
            at, self.stopped = min(found, key=lambda hit: (hit[0], -len(hit[1])))
            self._held = ""
            return text[:at]
        keep = max(_overlap(text, stop) for stop in self._stop)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]


def _overlap(text: str, stop: str) -> int:
    """Return the length of the longest end of `text` that begins `stop`."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0
