"""Typed answers: a type becomes a grammar that holds while the model writes, and the answer becomes its object."""

from __future__ import annotations

import inspect
import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from llamapack.errors import InputError, ReplyError
from llamapack.sampling.json_schema import compile_schema
from llamapack.typed.codecs import Codec, Mismatch, Schema
from llamapack.typed.schemas import Codecs


@dataclass(frozen=True, kw_only=True)
class Returns:
    """A type that answers have.

    `grammar` is GBNF, and empty for `str`, which holds any text. `unenforced` are the places in `schema` that a grammar
    cannot hold; the answer is checked for them, too.
    """

    type: Any
    schema: Schema
    grammar: str
    unenforced: tuple[str, ...]
    codec: Codec

    def value_of(self, text: str, finish: str) -> Any:
        """Return the object that the answer stands for; raises ReplyError with the text if it does not fit."""
        if self.type is str:
            return text
        try:
            return self.codec.load(json.loads(text), "")
        except (ValueError, Mismatch, RecursionError) as error:
            raise self._misfit(text, finish, error) from error

    def _misfit(self, text: str, finish: str, error: Exception) -> ReplyError:
        name = inspect.formatannotation(self.type)
        what = f"The answer does not fit {name}."
        if finish == "length":
            fix = "Use a larger max_tokens, or say in the prompt that the answer is to be short."
            return ReplyError(what, text=text, why=f"It was cut off at max_tokens: {_end(text)}", fix=fix)
        if finish == "cancelled":
            return ReplyError(what, text=text, why=f"It was cancelled at: {_end(text)}")
        named = f" A grammar cannot hold {', '.join(self.unenforced)}." if self.unenforced else ""
        return ReplyError(
            what, text=text, why=f"{error}.{named}", fix="Ask again, or say in the prompt what is wanted."
        )


def returns_of(kind: Any) -> Returns:
    """Return how answers of a type are made; raises InputError for a type that JSON has nothing for."""
    if isinstance(kind, (Mapping, str)) or not isinstance(kind, Hashable):
        raise InputError(f"returns={kind!r} is no type.", fix="Give a type, or json_schema=... for a JSON schema.")
    codecs = Codecs()
    codec = codecs.of(kind)
    schema = codecs.document(codec)
    if kind is str:
        return Returns(type=kind, schema=schema, grammar="", unenforced=(), codec=codec)
    compiled = compile_schema(schema or True)
    return Returns(type=kind, schema=schema, grammar=compiled.text, unenforced=tuple(compiled.unenforced), codec=codec)


def _end(text: str) -> str:
    return repr(text if len(text) <= 60 else f"...{text[-60:]}")
