"""Turn tokens' bytes into text that can be shown: whole characters, and no part of a stop string."""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class TextStream:
    """Collects the bytes of tokens, and holds back those that cannot be shown yet.

    Tokens may end in the middle of UTF-8 characters and of stop strings. `feed` returns the text that is final;
    `finish` the rest. When a stop string is complete, `stopped` is set to it; the string and what follows it are never
    returned.
    """

    def __init__(self, stop: Sequence[str] = ()) -> None:
        """Stop at the strings in `stop`; the caller must have rejected empty ones."""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stop = tuple(stop)
        self._held = ""
        self.stopped: str | None = None

    def feed(self, piece: bytes) -> str:
        """Add the bytes of one token; return the text that later tokens cannot change."""
        return self._release(self._decoder.decode(piece))

    def finish(self) -> str:
        """Return the text that was held back; an incomplete character becomes U+FFFD."""
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
    """Return the length of the longest suffix of `text` that is a prefix of `stop`."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0
