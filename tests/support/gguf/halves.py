"""Models in two files."""

from __future__ import annotations

from dataclasses import replace

from tests.support.gguf.files import Description, Value, Values, encode


def halves(whole: Description) -> tuple[bytes, bytes]:
    """Return a model in two parts: each has a half of the tensors, and the first has all metadata."""
    middle = len(whole.tensors) // 2
    return _part(whole, 0, middle), _part(whole, middle, len(whole.tensors))


def _part(whole: Description, start: int, end: int) -> bytes:
    number = 0 if start == 0 else 1
    marks: Values = {
        "split.no": Value(type=2, value=number),
        "split.count": Value(type=2, value=2),
        "split.tensors.count": Value(type=5, value=len(whole.tensors)),
    }
    values: Values = {**(whole.values if number == 0 else {}), **marks}
    return bytes(encode(replace(whole, values=values, tensors=whole.tensors[start:end])).data)
