"""A model's vocabulary: text to tokens and back, exact to the byte."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import cached_property
from operator import index
from typing import TypeVar

from llamapack._native import _generated as api
from llamapack._native.calls import interruptible
from llamapack._native.library import native, take_text
from llamapack._native.owner import Owner
from llamapack._util.arguments import warn_caller
from llamapack.errors import InputError, PromptWarning

_PIECE_BYTES = 64
_LONG_TEXT = 1 << 18  # bytes; shorter texts take less than a tenth of a second

TokenAttribute = api.llama_token_attr
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class SpecialTokens:
    """Tokens with a special meaning; None if a vocabulary does not have one.

    Fill in the middle: `fim_pre`, `fim_suf` and `fim_mid` come before the text that precedes the gap, the text that
    follows it, and the gap itself; `fim_rep` and `fim_sep` before a repository and a file.
    """

    bos: int | None  # beginning of sequence
    eos: int | None  # end of sequence
    eot: int | None  # end of turn
    sep: int | None  # separator
    nl: int | None  # new line
    pad: int | None  # padding
    mask: int | None
    fim_pre: int | None
    fim_suf: int | None
    fim_mid: int | None
    fim_pad: int | None
    fim_rep: int | None
    fim_sep: int | None


@dataclass(kw_only=True)
class KnownTokens:
    """What is known of a vocabulary, so that llama.cpp is asked only once; a model keeps it for each Vocab it makes."""

    pointer: api.llama_vocab_p
    type: int
    size: int
    pieces: tuple[dict[int, bytes], dict[int, bytes]] = field(default_factory=lambda: ({}, {}))  # plain, special
    ends: dict[int, bool] = field(default_factory=dict)
    special: SpecialTokens | None = None

    @classmethod
    def of(cls, model: Owner[api.llama_model_p]) -> KnownTokens:
        """Ask for the type and the size of the vocabulary of `model`."""
        bound = native()
        with model.using() as handle:
            pointer = bound.llama_model_get_vocab(handle)
            return cls(pointer=pointer, type=bound.llama_vocab_type(pointer), size=bound.llama_vocab_n_tokens(pointer))


class Vocab:
    """The vocabulary of a model; it keeps the model alive, and raises ClosedError once the model is closed."""

    def __init__(self, owner: Owner[api.llama_model_p], known: KnownTokens) -> None:
        """Use the vocabulary of `owner`; use `model.vocab` instead of calling this."""
        self.owner = owner
        self._native = native()
        self._known = known
        self._pieces, self._ends = known.pieces, known.ends

    @contextmanager
    def using(self) -> Iterator[api.llama_vocab_p]:
        """For this package: keep the model alive during a call, even if another thread closes it meanwhile."""
        with self.owner.using():
            yield self._known.pointer

    def call(self, function: Callable[..., Result], *arguments: object) -> Result:
        """For this package: call a native function with the vocabulary and `arguments`."""
        with self.using() as pointer:
            return function(pointer, *arguments)

    def __len__(self) -> int:
        """Return the number of tokens."""
        self.owner.require_open()
        return self._known.size

    def tokenize(self, text: str | bytes, *, add_special: bool = True, parse_special: bool = False) -> list[int]:
        """Split `text` into token ids.

        `add_special` adds the tokens that the model uses around a text, such as a beginning-of-sequence token.
        `parse_special` reads `<|im_start|>` and the like as control tokens: leave it off for text that you do not
        trust. If the text itself contains a token that `add_special` adds there, a PromptWarning is issued, because the
        token then occurs twice.
        """
        if not isinstance(text, str | bytes | bytearray | memoryview):
            raise InputError(f"A text must be a str or bytes, not {text!r}.")
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else bytes(text)
        if len(data) >= 2**31:
            raise InputError(f"The text has {len(data)} bytes; at most {2**31 - 1} can be tokenized at once.")
        if len(data) < _LONG_TEXT:
            found = self._tokenized(data, add_special, parse_special)
        else:
            found = interruptible(lambda: self._tokenized(data, add_special, parse_special))
        if add_special and parse_special:
            self._warn_of_doubles(found)
        return found

    def _tokenized(self, data: bytes, add_special: bool, parse_special: bool) -> list[int]:
        capacity = len(data) + 8
        while True:
            tokens = (ctypes.c_int32 * capacity)()
            count, message = ctypes.c_int32(), api.char_p()
            status = self.call(
                self._native.llamapack_tokenize,
                *(data, len(data), tokens, capacity, add_special, parse_special),
                *(ctypes.byref(count), ctypes.byref(message)),
            )
            why = take_text(message)
            if status != api.llamapack_status.OK or count.value == -(2**31):
                raise InputError(
                    f"The text of {len(data)} bytes cannot be tokenized.",
                    why=why or "It gives more tokens than an int32 counts.",
                )
            if count.value >= 0:
                return tokens[: count.value]
            capacity = -count.value

    def _warn_of_doubles(self, tokens: Sequence[int]) -> None:
        ends = {
            "begins": (self.bos if self.adds_bos else None, tokens[:2]),
            "ends": (self.eos if self.adds_eos else None, tokens[-2:]),
        }
        for does, (token, found) in ends.items():
            if token is not None and found == [token, token]:
                warn_caller(
                    PromptWarning(
                        f"The prompt {does} with {self.text(token)!r} twice.\n"
                        "The model adds it, and it stands in the text, too.\n"
                        "Leave it out of the text, or tokenize with add_special=False."
                    )
                )

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Return the bytes of one token, perhaps only part of a character; `special` includes control tokens."""
        self.owner.require_open()
        known = self._pieces[special]
        try:
            return known[token]
        except (KeyError, TypeError):
            pass
        self.require_text()
        number = self.check_token(token)
        size = _PIECE_BYTES
        while True:
            buffer = ctypes.create_string_buffer(size)
            size = self.call(self._native.llama_token_to_piece, number, buffer, len(buffer), 0, special)
            if size >= 0:
                return known.setdefault(number, buffer.raw[:size])
            size = -size

    def detokenize(self, tokens: Iterable[int], *, remove_special: bool = False, special: bool = True) -> bytes:
        """Return the bytes of `tokens`; `remove_special` drops what `add_special` added, `special` shows the rest."""
        self.require_text()
        ids: Sequence[int] = [self.check_token(token) for token in tokens]
        array = (ctypes.c_int32 * len(ids))(*ids)
        capacity = 8 * len(ids) + 8
        while True:
            buffer = ctypes.create_string_buffer(capacity)
            size = self.call(self._native.llama_detokenize, array, len(ids), buffer, capacity, remove_special, special)
            if size >= 0:
                return buffer.raw[:size]
            capacity = -size

    def is_end(self, token: int) -> bool:
        """Return True for tokens that end a generation, such as end of sequence and end of turn."""
        self.owner.require_open()
        found = self._ends.get(token)
        if found is None:
            found = self._ends[token] = self.call(self._native.llama_vocab_is_eog, self.check_token(token))
        return found

    def is_control(self, token: int) -> bool:
        """Return True for tokens that are not text, such as `<|im_start|>`."""
        return TokenAttribute.CONTROL in self.attributes(token)

    def text(self, token: int) -> str:
        """Return a token as the model file spells it, which is not the text that it stands for: see `piece`."""
        self.require_text()
        return (self.call(self._native.llama_vocab_get_text, self.check_token(token)) or b"").decode("utf-8", "replace")

    def score(self, token: int) -> float:
        """Return the score of a token in the model file; 0 for tokenizers without scores."""
        self.require_text()
        return self.call(self._native.llama_vocab_get_score, self.check_token(token))

    def attributes(self, token: int) -> TokenAttribute:
        """Return the kind of a token, as flags."""
        self.require_text()
        return TokenAttribute(self.call(self._native.llama_vocab_get_attr, self.check_token(token)))

    @property
    def type(self) -> str:
        """The tokenizer's type: "spm", "bpe", "wpm", "ugm", "rwkv", "plamo2"; "none" if tokens have no text."""
        self.owner.require_open()
        return api.llama_vocab_type(self._known.type).name.lower()

    @property
    def special(self) -> SpecialTokens:
        """The tokens with a special meaning."""
        self.owner.require_open()
        if self._known.special is None:
            names = [each.name for each in fields(SpecialTokens)]
            tokens = [self.call(getattr(self._native, f"llama_vocab_{name}")) for name in names]
            self._known.special = SpecialTokens(**dict(zip(names, map(_or_none, tokens), strict=True)))
        return self._known.special

    @property
    def bos(self) -> int | None:
        """The beginning-of-sequence token, if there is one."""
        return self.special.bos

    @property
    def eos(self) -> int | None:
        """The end-of-sequence token, if there is one."""
        return self.special.eos

    @property
    def eot(self) -> int | None:
        """The end-of-turn token, if there is one."""
        return self.special.eot

    @property
    def adds_bos(self) -> bool:
        """True if `tokenize` puts the beginning-of-sequence token before a text."""
        return self.call(self._native.llama_vocab_get_add_bos)

    @property
    def adds_eos(self) -> bool:
        """True if `tokenize` puts the end-of-sequence token after a text."""
        return self.call(self._native.llama_vocab_get_add_eos)

    @property
    def adds_sep(self) -> bool:
        """True if the model uses a separator between the texts of a pair."""
        return self.call(self._native.llama_vocab_get_add_sep)

    @cached_property
    def suppressed(self) -> tuple[int, ...]:
        """The tokens that the model's authors want never to be generated; `generate` excludes them."""
        count = ctypes.c_int32()
        with self.using() as pointer:
            tokens = self._native.llama_vocab_get_suppress_tokens(pointer, ctypes.byref(count))
            return tuple(tokens[: count.value]) if count.value else ()

    def require_text(self) -> None:
        """For this package: raise InputError if the model's tokens are numbers without text."""
        if self._known.type == api.llama_vocab_type.NONE:
            raise InputError("The model has no vocabulary.", why="Its tokens are numbers without text.")

    def check_token(self, token: int) -> int:
        """For this package: return `token` as an int; raises InputError if the vocabulary does not have it."""
        size = len(self)
        try:
            number = index(token)
        except TypeError:
            raise InputError(f"A token must be a whole number, not {token!r}.") from None
        if not 0 <= number < size:
            raise InputError(f"There is no token {token}: the vocabulary has {size} tokens, from 0.")
        return number


def _or_none(token: int) -> int | None:
    return token if token >= 0 else None
