"""A batch: tokens or embeddings, their sequences and positions, and which of them have an output."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from llamapack._native import _generated as api
from llamapack._util.arguments import INT32_MAX, check_int
from llamapack.errors import InputError

if TYPE_CHECKING:
    from llamapack._native.arrays import Floats

OutputSelection = Literal["last", "all", "none"] | Sequence[bool]


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Consecutive tokens of a batch in the same sequences; `position` None means after the sequence's last token."""

    count: int
    sequences: tuple[int, ...]
    position: int | None
    sections: tuple[Sequence[int], ...] | None  # with M-RoPE: for each section, the position of every row
    outputs: tuple[int, ...]  # indices in the batch


@dataclass(kw_only=True)
class BatchContent:
    """What a Batch holds: tokens, or rows of embeddings that are `width` numbers wide, in segments."""

    tokens: list[int] = field(default_factory=list)
    rows: list[Floats] = field(default_factory=list)
    width: int = 0
    count: int = 0
    segments: list[Segment] = field(default_factory=list)

    @property
    def outputs(self) -> tuple[int, ...]:
        """The indices of the tokens that have an output, in ascending order."""
        return tuple(index for segment in self.segments for index in segment.outputs)


class Batch:
    """Tokens, or embeddings instead of tokens, for one call of Context.decode or Context.encode.

        batch = Batch()
        batch.add(question, sequence=0)
        batch.add(other_question, sequence=1)
        context.decode(batch)

    Sequences and positions are checked by that call, because they depend on the context. A batch can be used again,
    also with another context.
    """

    def __init__(self) -> None:
        """Make an empty batch."""
        self.content = BatchContent()

    def add(
        self,
        tokens: Iterable[int],
        *,
        sequence: int | Sequence[int] = 0,
        position: int | None = None,
        outputs: OutputSelection = "last",
    ) -> range:
        """Add `tokens` to one sequence, or to several that share all tokens so far; return their indices.

        `position` is the position of the first token (default: after the sequence's last one). `outputs` selects the
        tokens that get logits or embeddings.

        Raises InputError for no tokens, numbers out of range, and a batch that holds embeddings.
        """
        if self.content.rows:
            raise InputError("This batch holds embeddings.", fix="Put the tokens into a batch of their own.")
        added = [check_int("A token", _index(token), least=0) for token in tokens]
        return self.add_checked(added, sequence, position, outputs)

    def add_checked(
        self,
        tokens: list[int],
        sequence: int | Sequence[int] = 0,
        position: int | None = None,
        outputs: OutputSelection = "last",
    ) -> range:
        """For this package: add tokens that are known to be ints, as `add` does."""
        indices = self._add(len(tokens), "tokens", sequence, position, None, outputs)
        self.content.tokens += tokens
        return indices

    def add_embeddings(
        self,
        rows: Floats,
        *,
        sequence: int | Sequence[int] = 0,
        position: int | None = None,
        sections: Sequence[Sequence[int]] | None = None,
        outputs: OutputSelection = "last",
    ) -> range:
        """Add `rows`, of shape (count, Model.n_embd_inp), instead of tokens; return their indices.

        `sections` are the positions for models with M-RoPE, of shape (4, count), instead of `position`. The other
        arguments and the errors are those of `add`.
        """
        import numpy as np

        if self.content.tokens:
            raise InputError("This batch holds tokens.", fix="Put the embeddings into a batch of their own.")
        array = np.ascontiguousarray(rows, dtype=np.float32)
        if array.ndim != 2 or not array.shape[1] or (self.content.width and array.shape[1] != self.content.width):
            wanted = f"(count, {self.content.width or 'n_embd_inp'})"
            raise InputError(f"Embeddings must be of shape {wanted}, not {array.shape}.")
        indices = self._add(
            len(array), "embeddings", sequence, position, _check_sections(sections, len(array)), outputs
        )
        self.content.width = array.shape[1]
        self.content.rows.append(array.copy() if array is rows else array)
        return indices

    def clear(self) -> None:
        """Remove everything that was added."""
        self.content = BatchContent()

    def __len__(self) -> int:
        """Return the number of tokens or rows."""
        return self.content.count

    @property
    def outputs(self) -> tuple[int, ...]:
        """The indices of the tokens that have an output, in ascending order."""
        return self.content.outputs

    def _add(
        self,
        count: int,
        what: str,
        sequence: int | Sequence[int],
        position: int | None,
        sections: tuple[Sequence[int], ...] | None,
        outputs: OutputSelection,
    ) -> range:
        if not count:
            raise InputError(f"There are no {what} to add.")
        if position is not None:
            check_int("position", position, least=0, most=INT32_MAX - count)
        if position is not None and sections is not None:
            raise InputError("Give position or sections, not both.")
        indices = range(self.content.count, self.content.count + count)
        segment = Segment(
            count=count,
            sequences=_check_sequences(sequence),
            position=position,
            sections=sections,
            outputs=tuple(indices[at] for at in _check_outputs(outputs, count)),
        )
        self.content.segments.append(segment)
        self.content.count += count
        return indices


@dataclass(frozen=True, kw_only=True)
class PlacedSegment:
    """A segment and the position of its first token."""

    segment: Segment
    position: int


class NativeBatch:
    """A batch as llama.cpp reads it; keeps the arrays that it points into."""

    def __init__(
        self, batch: BatchContent, places: Sequence[PlacedSegment], *, all_outputs: bool, sections: int
    ) -> None:
        """Fill the arrays from `batch`, with the positions in `places`."""
        count = batch.count
        self.outputs: Sequence[int] = range(count) if all_outputs else batch.outputs
        self._sequences = [
            (ctypes.c_int32 * len(place.segment.sequences))(*place.segment.sequences) for place in places
        ]
        self._data = _tokens_of(batch) if batch.tokens else _rows_of(batch)
        self._positions = (ctypes.c_int32 * (count * sections))(*_positions(places, sections))
        self._counts = (ctypes.c_int32 * count)(*_spread(places, [len(place.segment.sequences) for place in places]))
        pointers = [ctypes.cast(array, api.c_int32_p) for array in self._sequences]
        self._pointers = (api.c_int32_p * (count + 1))(*_spread(places, pointers))
        self._flags = (ctypes.c_int8 * count)(*[1] * count) if all_outputs else (ctypes.c_int8 * count)()
        for index in () if all_outputs else self.outputs:
            self._flags[index] = 1
        self.struct = api.llama_batch(n_tokens=count)
        if batch.tokens:
            self.struct.token = self._data
        else:
            self.struct.embd = ctypes.cast(self._data.ctypes.data, ctypes.POINTER(ctypes.c_float))
        self.struct.pos, self.struct.n_seq_id, self.struct.logits = self._positions, self._counts, self._flags
        self.struct.seq_id = self._pointers


def _tokens_of(batch: BatchContent) -> Any:
    return (ctypes.c_int32 * len(batch.tokens))(*batch.tokens)


def _rows_of(batch: BatchContent) -> Any:
    import numpy as np

    return np.concatenate(batch.rows)


def _positions(places: Sequence[PlacedSegment], sections: int) -> Iterator[int]:
    """Yield the positions of all tokens; for embeddings with M-RoPE, section by section."""
    for section in range(sections):
        for place in places:
            own = place.segment.sections
            yield from own[section] if own else range(place.position, place.position + place.segment.count)


def _spread(places: Sequence[PlacedSegment], values: Sequence[Any]) -> list[Any]:
    """Repeat each segment's value for each of its tokens."""
    return [value for place, value in zip(places, values, strict=True) for _ in range(place.segment.count)]


def _index(token: object) -> object:
    """Convert numpy's integers to Python's, and leave anything else as it is."""
    return int(token) if hasattr(token, "__index__") and not isinstance(token, bool) else token


def _check_sequences(sequence: int | Sequence[int]) -> tuple[int, ...]:
    sequences = (sequence,) if isinstance(sequence, int) else tuple(sequence)
    if not sequences or len(set(sequences)) != len(sequences):
        raise InputError(f"sequence must name one or more different sequences, not {sequence!r}.")
    return tuple(check_int("A sequence", one, least=0) for one in sequences)


def _check_outputs(outputs: OutputSelection, count: int) -> Iterable[int]:
    if isinstance(outputs, str):
        known = {"last": (count - 1,), "all": range(count), "none": ()}
        if outputs not in known:
            raise InputError(f"outputs must be 'last', 'all', 'none' or a bool for each token, not {outputs!r}.")
        return known[outputs]
    if len(outputs) != count:
        raise InputError(f"outputs has {len(outputs)} values for {count} tokens.", fix="Give one for each.")
    return [index for index, wanted in enumerate(outputs) if wanted]


def _check_sections(sections: Sequence[Sequence[int]] | None, count: int) -> tuple[Sequence[int], ...] | None:
    if sections is None:
        return None
    checked = tuple(tuple(check_int("A position", _index(one), least=0) for one in row) for row in sections)
    if len(checked) != 4 or any(len(row) != count for row in checked):
        raise InputError(f"sections must be of shape (4, {count}).")
    return checked
