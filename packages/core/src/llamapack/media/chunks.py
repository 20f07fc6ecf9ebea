"""A text with media, split into chunks: tokens of the vocabulary, and what becomes rows of embeddings."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, overload

from llamapack._native import _generated as api
from llamapack._native.library import native
from llamapack._native.owner import Owner
from llamapack._util.uncopyable import Uncopyable

if TYPE_CHECKING:
    from llamapack.context import Context
    from llamapack.model import Model

ChunkKind = Literal["text", "image", "audio"]
_KINDS: Sequence[ChunkKind] = ("text", "image", "audio")


class ChunkReader(Protocol):
    """What Chunks need of their projector; Projector implements it."""

    model: Model

    @property
    def uses_mrope(self) -> bool:
        """True if positions have several dimensions."""

    def decode(self, context: Context, chunks: Iterable[Chunk], /) -> int:
        """Read chunks into the first sequence of a context."""


class Chunk(Uncopyable):
    """A part of Chunks: consecutive tokens, an image or a part of one, or at most 30 seconds of audio.

    `kind` says which. `n_tokens` is the number of tokens, or of rows of embeddings; `n_positions` is by how much the
    position moves on, which is less for an image in a model with M-RoPE. `tokens` are those of a text, and empty for
    media. `id` is that of the Media, and None for a text.
    """

    def __init__(self, chunks: Chunks, index: int) -> None:
        """For this package: read what is known of the chunk at `index`."""
        self.chunks = chunks
        self.index = index
        bound = native()
        with chunks.using() as pointer:
            chunk = bound.mtmd_input_chunks_get(pointer, index)
            self.kind: ChunkKind = _KINDS[bound.mtmd_input_chunk_get_type(chunk)]
            self.n_tokens: int = bound.mtmd_input_chunk_get_n_tokens(chunk)
            self.n_positions: int = bound.mtmd_input_chunk_get_n_pos(chunk)
            self.tokens: tuple[int, ...] = ()
            if self.kind == "text":
                count = ctypes.c_size_t()
                tokens = bound.mtmd_input_chunk_get_tokens_text(chunk, ctypes.byref(count))
                self.tokens = tuple(tokens[: count.value])
            name = bound.mtmd_input_chunk_get_id(chunk)
            self.id: str | None = None if name is None else name.decode("utf-8", "replace")

    def positions(self, first: int = 0) -> tuple[tuple[int, ...], ...]:
        """Return the positions of the tokens or rows if the chunk begins at position `first`.

        With M-RoPE there are four rows: time, height, width, and one that models use in their own ways. All other
        models have one row.
        """
        plain = tuple(range(first, first + self.n_tokens))
        if not self.chunks.projector.uses_mrope:
            return (plain,)
        if self.kind != "image":
            return (plain,) * 4
        bound = native()
        with self.chunks.using() as pointer:
            tokens = bound.mtmd_input_chunk_get_tokens_image(bound.mtmd_input_chunks_get(pointer, self.index))
            places = [bound.mtmd_image_tokens_get_decoder_pos(tokens, first, at) for at in range(self.n_tokens)]
        rows = zip(*((place.t, place.y, place.x, place.z) for place in places), strict=True)
        return tuple(tuple(row) for row in rows)

    def __repr__(self) -> str:
        """Show the kind and the number of tokens."""
        return f"<Chunk: {self.kind}, {self.n_tokens} tokens>"


class Chunks(Owner[api.mtmd_input_chunks_p], Sequence[Chunk]):
    """A text with media, as Projector.tokenize splits it: a sequence of Chunk.

    It is a prompt of `generate`, and Projector.decode reads it into a context. It lives no longer than its projector.
    """

    _kind = "list of chunks"

    def __init__(self, projector: ChunkReader, pointer: api.mtmd_input_chunks_p, parent: Owner[Any]) -> None:
        """For this package: take ownership of a native list of chunks; `parent` is the projector."""
        super().__init__(pointer, native().mtmd_input_chunks_free, parent=parent)
        self.projector = projector
        self._count: int = native().mtmd_input_chunks_size(pointer)

    def __len__(self) -> int:
        """Return the number of chunks."""
        return self._count

    @overload
    def __getitem__(self, index: int) -> Chunk: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Chunk]: ...
    def __getitem__(self, index: int | slice) -> Chunk | Sequence[Chunk]:
        """Return one chunk, or a list of several."""
        places = range(self._count)[index]
        return Chunk(self, places) if isinstance(places, int) else [Chunk(self, at) for at in places]

    def __iter__(self) -> Iterator[Chunk]:
        """Yield the chunks."""
        for index in range(self._count):
            yield Chunk(self, index)

    @property
    def tokens(self) -> tuple[int, ...]:
        """The tokens of all texts, without the media."""
        return tuple(token for chunk in self for token in chunk.tokens)

    @property
    def n_tokens(self) -> int:
        """The number of tokens and rows of embeddings: what a context must have room for."""
        return sum(chunk.n_tokens for chunk in self)

    @property
    def n_positions(self) -> int:
        """By how much the position moves on."""
        return sum(chunk.n_positions for chunk in self)

    def decode(self, context: Context) -> int:
        """Read everything into the first sequence of `context`: see Projector.decode."""
        return self.projector.decode(context, self)

    def __repr__(self) -> str:
        """Show the kinds of the chunks, and whether they are closed."""
        return "<Chunks (closed)>" if self.closed else f"<Chunks: {', '.join(chunk.kind for chunk in self)}>"
