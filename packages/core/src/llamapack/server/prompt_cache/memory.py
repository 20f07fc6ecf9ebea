"""What a runner has in its memory already: in slots, and in llama.cpp's cache of prompts in memory."""

from __future__ import annotations

from collections.abc import Sequence

from llamapack.server.prompt_cache.prefixes import Prefix


class Memory:
    """Guesses it from the requests so far. A wrong guess costs time only."""

    def __init__(self, most_bytes: float, least_kept: int) -> None:
        """Begin with nothing. Prompts are forgotten beyond `most_bytes`, but never the last `least_kept`."""
        self._most_bytes = most_bytes
        self._least_kept = least_kept
        self._sizes: dict[tuple[str, ...], float] = {}  # the newest at the end

    def shared(self, prefix: Prefix) -> int:
        """Return how many bytes of a prompt it has."""
        return max((prefix.shared(chain) for chain in self._sizes), default=0)

    def remember(self, prefix: Prefix, size: float) -> None:
        """Note that a prompt is worked on, for which llama.cpp needs about `size` bytes."""
        for chain in [each for each in self._sizes if prefix.begins_with(each)]:
            del self._sizes[chain]
        self._sizes[tuple(prefix.chain)] = size
        while len(self._sizes) > self._least_kept and sum(self._sizes.values()) > self._most_bytes:
            del self._sizes[next(iter(self._sizes))]

    def forget(self, chain: Sequence[str]) -> None:
        """Note that a prompt was overwritten."""
        self._sizes.pop(tuple(chain), None)
