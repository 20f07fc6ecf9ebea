"""Expressions for repetition, in GBNF."""

from __future__ import annotations

from collections.abc import Iterator

from llamapack.sampling.json_schema.rules import Rules

_MAX_TIMES = 2000  # llama.cpp's limit for one repetition
_BLOCK = 100  # above that limit, blocks of so many repetitions are counted
MAX_COUNT = _MAX_TIMES * _BLOCK


def repeated(rules: Rules, text: str, low: int, high: int | None) -> str:
    """Return an expression for `text`, such as a rule's name, repeated `low` to `high` times; None is no bound.

    Raises ValueError if a count is above MAX_COUNT, or `low` above `high`.
    """
    if not 0 <= low <= (MAX_COUNT if high is None else high) <= MAX_COUNT:
        raise ValueError(f"no repetition from {low} to {high} times")
    if max(low, high or 0) <= _MAX_TIMES:
        return _times(text, low, high)
    block = rules.add("block", f"{text}{{{_BLOCK}}}")
    return f"({' | '.join(_in_blocks(block, text, low, high))})"


def _in_blocks(block: str, text: str, low: int, high: int | None) -> Iterator[str]:
    """Yield alternatives: as many blocks as in `low`, more but fewer than in `high`, or as many as in `high`."""
    first, rest = divmod(low, _BLOCK)
    if high is None:
        yield f"{_times(block, first, first)} {_times(text, rest, None)}"
        return
    last, end = divmod(high, _BLOCK)
    if first == last:
        yield f"{_times(block, first, first)} {_times(text, rest, end)}"
        return
    yield f"{_times(block, first, first)} {_times(text, rest, _BLOCK - 1)}"
    if first + 1 < last:
        yield f"{_times(block, first + 1, last - 1)} {_times(text, 0, _BLOCK - 1)}"
    yield f"{_times(block, last, last)} {_times(text, 0, end)}"


def _times(text: str, low: int, high: int | None) -> str:
    if high == 0:
        return '""'
    signs = {(0, None): "*", (1, None): "+", (0, 1): "?", (1, 1): ""}
    counts = f"{{{low}}}" if low == high else f"{{{low},{'' if high is None else high}}}"
    return text + signs.get((low, high), counts)
