"""Assign positions to a batch in a context, and reject what llama.cpp would reject or abort on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from llamapack._util.arguments import INT32_MAX
from llamapack.context.batch import BatchContent, PlacedSegment, Segment
from llamapack.errors import InputError

if TYPE_CHECKING:
    from llamapack.context.handle import ContextHandle


def place(context: ContextHandle, batch: BatchContent, *, encode: bool) -> tuple[PlacedSegment, ...]:
    """Return the position of each segment of `batch`, given what `context` has in memory.

    Raises InputError, with the numbers, for too many tokens or outputs, tokens and sequences that do not exist, and
    positions that leave a gap.
    """
    check_sizes(context, batch.count, len(batch.outputs), encode=encode)
    _check_content(context, batch)
    ends = {one: context.last_position(one) for one in _sequences(context, batch)}
    if encode:
        _check_forgotten(ends)
    return tuple(_place_segment(context, segment, ends) for segment in batch.segments)


def check_sizes(context: ContextHandle, count: int, outputs: int, *, encode: bool) -> None:
    """Raise InputError if the context was not made for a batch of `count` tokens with `outputs` outputs."""
    if not count:
        raise InputError("There are no tokens to decode.")
    if count > context.n_batch:
        raise InputError(
            f"A batch of {count} tokens is more than n_batch={context.n_batch}.",
            fix="Split it, or make the context with a larger n_batch.",
        )
    whole = _why_whole(context, encode)
    if whole and count > context.n_ubatch:
        raise InputError(
            f"A batch of {count} tokens is more than n_ubatch={context.n_ubatch}.",
            why=whole,
            fix="Shorten it, or make the context with a larger n_batch and n_ubatch.",
        )
    outputs = count if context.options.embeddings else outputs
    if outputs > context.n_outputs_max:
        raise InputError(
            f"A batch with {outputs} outputs is more than n_outputs_max={context.n_outputs_max}.",
            fix="Mark fewer tokens as outputs, or make the context with a larger n_outputs_max.",
        )


def _why_whole(context: ContextHandle, encode: bool) -> str:
    if encode or not context.has_memory:
        return "An encoder reads a batch as a whole."
    if not context.causal:
        return "Without causal attention a batch is computed as a whole."
    return "Pooling sees only what is computed at once." if context.pooling != "none" else ""


def _check_content(context: ContextHandle, batch: BatchContent) -> None:
    if batch.tokens:
        size = context.n_vocab
        if max(batch.tokens) >= size:
            wrong = next(token for token in batch.tokens if token >= size)
            raise InputError(f"There is no token {wrong}: the vocabulary has {size} tokens, from 0.")
    elif batch.width != context.model.n_embd_inp:
        raise InputError(
            f"The embeddings are {batch.width} wide, but this model takes n_embd_inp={context.model.n_embd_inp}."
        )


def _sequences(context: ContextHandle, batch: BatchContent) -> Sequence[int]:
    """Return the sequences of `batch` in ascending order; raises InputError for those the context does not have."""
    found = sorted({one for segment in batch.segments for one in segment.sequences})
    context.checked_sequence(found[-1])
    return found


def _check_forgotten(ends: dict[int, int]) -> None:
    for one, end in ends.items():
        if end >= 0:
            raise InputError(
                f"Sequence {one} cannot be encoded: its decoder has read up to position {end}.",
                fix="Clear the context, or remove the sequence, before another text is encoded.",
            )


def _place_segment(context: ContextHandle, segment: Segment, ends: dict[int, int]) -> PlacedSegment:
    first = segment.sequences[0]
    if len(segment.sequences) > 1:
        _check_coupled(context, segment, ends)
    if context.facts.n_pos_per_embd > 1:
        return _place_sections(context, segment, ends)
    begin = ends[first] + 1 if segment.position is None else segment.position
    if ends[first] >= 0 and begin != ends[first] + 1:
        raise InputError(
            f"Position {begin} does not follow position {ends[first]}, the last of sequence {first}.",
            why="The positions of a sequence must be consecutive.",
            fix="Leave position out, or remove the sequence's positions from there on.",
        )
    _check_limit(context, begin + segment.count)
    ends.update(dict.fromkeys(segment.sequences, begin + segment.count - 1))
    return PlacedSegment(segment=segment, position=begin)


def _place_sections(context: ContextHandle, segment: Segment, ends: dict[int, int]) -> PlacedSegment:
    """Check positions of M-RoPE: they may jump forward, and the rows of an image may share them."""
    rows = segment.sections[0] if segment.sections else None
    begin = rows[0] if rows else segment.position if segment.position is not None else ends[segment.sequences[0]] + 1
    end = ends[segment.sequences[0]]
    if begin < end or (begin == end >= 0 and rows is None):
        raise InputError(f"Position {begin} is before position {end}, the last of sequence {segment.sequences[0]}.")
    last = max(rows) if rows else begin + segment.count - 1
    ends.update(dict.fromkeys(segment.sequences, last))
    return PlacedSegment(segment=segment, position=begin)


def _check_coupled(context: ContextHandle, segment: Segment, ends: dict[int, int]) -> None:
    if not context.kv_unified:
        raise InputError(
            f"A token cannot belong to the sequences {', '.join(map(str, segment.sequences))} at once here.",
            why="Each sequence has a cache of its own.",
            fix="Make the context with kv_unified=True.",
        )
    apart = {one: ends[one] for one in segment.sequences}
    if len(set(apart.values())) > 1:
        raise InputError(
            "Tokens can only be added to several sequences that end at the same position.",
            why="; ".join(f"sequence {one} ends at {end}" for one, end in apart.items()) + ".",
        )


def _check_limit(context: ContextHandle, end: int) -> None:
    limit = context.facts.n_positions
    if limit and end > limit:
        raise InputError(
            f"Position {end - 1} is beyond the {limit} positions that this model has learned.",
            fix="Shorten the text.",
        )
    if end > INT32_MAX:
        raise InputError(f"Position {end - 1} does not fit 32 bits.")
