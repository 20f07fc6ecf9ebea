"""The contents of a context by sequence: the KV cache, or the state of a recurrent model."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from llamapack._util.arguments import INT32_MAX, check_int
from llamapack.errors import InputError, StateError

if TYPE_CHECKING:
    from llamapack._native import _generated as api
    from llamapack.context.handle import ContextHandle


class Memory:
    """The memory of a context, by sequence and position; use `context.memory`.

    Ranges run from `start` up to, not including, `stop`; None is the beginning or the end of the sequence. Moved
    positions take effect with the next decode, encode or saved state.
    """

    def __init__(self, context: ContextHandle) -> None:
        """Access the memory of `context`."""
        self._context = context
        self._native = context.native

    def bounds(self, sequence: int = 0) -> tuple[int, int] | None:
        """Return the first and the last position in memory of `sequence`; None if it is empty.

        The first is not 0 if a sliding attention window has moved on.
        """
        with self._context.exclusive():
            handle = self._memory()
            return self._bounds(handle, self._context.checked_sequence(sequence))

    @property
    def can_shift(self) -> bool:
        """True if positions can be moved: `shift`, `divide` and Context.shift."""
        with self._context.exclusive():
            return self._refusal(self._memory()) == ""

    def clear(self) -> None:
        """Remove all sequences."""
        self._context.clear()

    def remove(self, sequence: int | None = None, start: int | None = None, stop: int | None = None) -> None:
        """Remove a range of `sequence`, or of all sequences.

        Raises StateError if only a whole sequence can be removed, as with recurrent models.
        """
        begin, end = _check_range(start, stop)
        with self._context.exclusive():
            handle = self._memory()
            every = range(self._context.n_seq_max)
            for one in every if sequence is None else (self._context.checked_sequence(sequence),):
                if not self._native.llama_memory_seq_rm(handle, one, begin, end):
                    raise StateError(
                        f"Sequence {one} cannot be removed in part.",
                        why="The model is recurrent: its state holds all that was read, and none of it alone.",
                        fix="Remove the whole sequence, or keep saved states to go back to.",
                    )

    def copy(self, source: int, target: int, start: int | None = None, stop: int | None = None) -> None:
        """Make a range of the sequence `source` part of `target`, too; with a unified cache, they share the memory.

        `target` must not have positions of the range already. With a cache for each sequence, or a recurrent model,
        only a whole sequence can be copied, and it replaces what `target` had.
        """
        begin, end = _check_range(start, stop)
        with self._context.exclusive():
            handle = self._memory()
            self._context.checked_sequence(source)
            self._context.checked_sequence(target)
            if source == target:
                return
            begin, end = self._checked_copy(handle, source, target, begin, end)
            self._native.llama_memory_seq_cp(handle, source, target, begin, end)

    def keep(self, sequence: int) -> None:
        """Remove all sequences but this one."""
        with self._context.exclusive():
            handle = self._memory()
            kept = self._context.checked_sequence(sequence)
            self._native.llama_memory_seq_keep(handle, kept)
            # llama.cpp's own function considers the cache of that sequence only.
            for other in range(self._context.n_seq_max):
                if other != kept:
                    self._native.llama_memory_seq_rm(handle, other, -1, -1)

    def shift(self, sequence: int, delta: int, start: int | None = None, stop: int | None = None) -> None:
        """Add `delta` to the positions of a range; positions that fall below 0 are removed.

        Sequences that share the range move with it. Raises StateError if positions cannot be moved.
        """
        begin, end = _check_range(start, stop)
        check_int("delta", delta, least=-INT32_MAX)
        with self._context.exclusive():
            handle = self._memory()
            bounds = self._bounds(handle, self._context.checked_sequence(sequence))
            self._check_movable(handle)
            if bounds is None:
                return
            model, moved = self._context.model, bounds[1] + delta
            least = 0 if model.is_recurrent or model.is_hybrid else -INT32_MAX
            if not least <= moved <= INT32_MAX:
                raise InputError(f"delta={delta} moves position {bounds[1]} to {moved}, which is not a position.")
            self._native.llama_memory_seq_add(handle, sequence, begin, end, delta)

    def divide(self, sequence: int, divisor: int, start: int | None = None, stop: int | None = None) -> None:
        """Divide the positions of a range by `divisor`, rounding down, as self-extension does.

        Raises StateError if positions cannot be moved.
        """
        begin, end = _check_range(start, stop)
        check_int("divisor", divisor)
        with self._context.exclusive():
            handle = self._memory()
            self._context.checked_sequence(sequence)
            self._check_movable(handle)
            self._native.llama_memory_seq_div(handle, sequence, begin, end, divisor)

    def _memory(self) -> api.llama_memory_i_p:
        handle = self._native.llama_get_memory(self._context.handle)
        if not handle:
            raise StateError(
                "This context has no memory.",
                why="Its model reads each batch by itself, as encoders do.",
            )
        return handle

    def _bounds(self, handle: api.llama_memory_i_p, sequence: int) -> tuple[int, int] | None:
        last = self._native.llama_memory_seq_pos_max(handle, sequence)
        return None if last < 0 else (self._native.llama_memory_seq_pos_min(handle, sequence), last)

    def _checked_copy(
        self, handle: api.llama_memory_i_p, source: int, target: int, begin: int, end: int
    ) -> tuple[int, int]:
        """Return the range to copy; a whole sequence is -1, -1, as an assertion in llama.cpp requires."""
        held, given = self._bounds(handle, target), self._bounds(handle, source)
        if self._shares_cells():
            if held and given and max(held[0], given[0], begin) <= min(held[1], given[1], _last(end)):
                raise InputError(
                    f"Sequence {target} already has positions {held[0]} to {held[1]}.",
                    fix="Remove them first, or copy another range.",
                )
            return begin, end
        if given and (begin > given[0] or _last(end) < given[1]):
            raise InputError(
                f"Only the whole of sequence {source}, positions {given[0]} to {given[1]}, can be copied here.",
                why="Each sequence has a cache, or a state, of its own.",
                fix="Leave start and stop out, or make the context with kv_unified=True.",
            )
        return -1, -1

    def _shares_cells(self) -> bool:
        model = self._context.model
        return self._context.kv_unified and not model.is_recurrent and not model.is_hybrid

    def _check_movable(self, handle: api.llama_memory_i_p) -> None:
        reason = self._refusal(handle)
        if reason:
            raise StateError("The positions of this context cannot be moved.", why=reason)

    def _refusal(self, handle: api.llama_memory_i_p) -> str:
        if not self._native.llama_memory_can_shift(handle):
            return "The memory of this model, or its attention window without swa_full, does not allow it."
        kind = self._context.options.type_k
        if self._context.model.rope_type == "none" or kind in ("f32", "f16"):
            return ""
        facts = self._context.facts
        if kind == "bf16" or not facts.shift_quantized or os.environ.get("LLAMA_ATTN_ROT_DISABLE", "0") != "0":
            return f"llama.cpp cannot rotate a K cache of type_k={kind!r} for this model; use f16."
        return ""


def _check_range(start: int | None, stop: int | None) -> tuple[int, int]:
    """Return the range in llama.cpp's form, with -1 for an open end."""
    begin = 0 if start is None else check_int("start", start, least=0)
    end = -1 if stop is None else check_int("stop", stop, least=0)
    if 0 <= end < begin:
        raise InputError(f"The range from {begin} to {end} is backwards.", fix="Give start before stop.")
    return begin, end


def _last(end: int) -> int:
    return INT32_MAX if end < 0 else end - 1
