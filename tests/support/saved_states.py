"""Contexts with something to save, and saved states changed in spite of their digest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llamapack
from llamapack.context.state import _PREFIX, MAGIC, _digest

from tests.support.small_contexts import TOKENS, context

HEADER_BEGIN = _PREFIX.size
"""Where the JSON header of a saved state begins, in bytes."""


def prepared(model: llamapack.Model, **options: Any) -> llamapack.Context:
    """Return a context that has read some tokens."""
    place = context(model, **options)
    if model.has_encoder:
        place.encode(TOKENS)
    place.decode(TOKENS)
    return place


def resealed(data: bytes, change: Callable[[bytearray, int], None]) -> bytes:
    """Change a state and correct its digest; `change` gets the state and the offset of its payload."""
    _, version, length, _ = _PREFIX.unpack_from(data)
    changed = bytearray(data)
    change(changed, _PREFIX.size + length)
    _PREFIX.pack_into(changed, 0, MAGIC, version, length, _digest(memoryview(changed)[_PREFIX.size :]))
    return bytes(changed)
