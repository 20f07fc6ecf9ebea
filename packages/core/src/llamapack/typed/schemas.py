"""The codec of a Python type: what `returns=` and the parameters of tools may be."""

from __future__ import annotations

import collections.abc
import datetime
import enum
import inspect
import pathlib
import types
import uuid
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from llamapack.errors import InputError
from llamapack.typed.codecs import (
    ANYTHING,
    SCALARS,
    Codec,
    Schema,
    array_of,
    limited,
    mapping_of,
    one_of,
    parsed_text,
    tuple_of,
    union_of,
)
from llamapack.typed.records import foreign_record, record_fields, record_of


def _date_time(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00").replace("z", "+00:00"))


def _time(text: str) -> datetime.time:
    return datetime.time.fromisoformat(text.replace("Z", "+00:00").replace("z", "+00:00"))


_TEXTS: Mapping[type, Codec] = {
    datetime.date: parsed_text("date", "date", datetime.date.fromisoformat),
    datetime.datetime: parsed_text("date and time", "date-time", _date_time),
    datetime.time: parsed_text("time", "time", _time),
    uuid.UUID: parsed_text("UUID", "uuid", uuid.UUID),
    pathlib.Path: parsed_text("path", "", pathlib.Path),
}
_ARRAYS: Mapping[Any, Callable[[list[Any]], Any]] = {
    list: list,
    collections.abc.Sequence: list,
    collections.abc.Iterable: list,
    collections.abc.Collection: list,
    collections.abc.MutableSequence: list,
    set: set,
    frozenset: frozenset,
    collections.abc.Set: set,
    collections.abc.MutableSet: set,
}
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_LIMITS = {
    "ge": {"number": "minimum"},
    "gt": {"number": "exclusiveMinimum"},
    "le": {"number": "maximum"},
    "lt": {"number": "exclusiveMaximum"},
    "multiple_of": {"number": "multipleOf"},
    "min_length": {"string": "minLength", "array": "minItems", "object": "minProperties"},
    "max_length": {"string": "maxLength", "array": "maxItems", "object": "maxProperties"},
    "pattern": {"string": "pattern"},
}
"""Attributes of what stands in Annotated, as pydantic, msgspec and annotated_types call them, as JSON schemas do."""


_MARKS = ("Required", "NotRequired", "ReadOnly")
"""What may be around the type of a TypedDict's key: by name, for Python 3.10 has them from typing_extensions only."""


class Codecs:
    """Makes codecs that belong to one schema; `definitions` are those that others refer to."""

    def __init__(self) -> None:
        """Begin with no definitions."""
        self.definitions: dict[str, Schema] = {}
        self._begun: list[Any] = []  # types that are being made: met again, they are recursive
        self._names: dict[Any, str] = {}  # of recursive ones
        self._done: dict[Any, Codec] = {}

    def of(self, kind: Any) -> Codec:
        """Return the codec of `kind`; raises InputError for a type that JSON has nothing for."""
        if kind is None:
            kind = type(None)
        if kind in (Any, object):
            return ANYTHING
        for table in (SCALARS, _TEXTS):
            if isinstance(kind, type) and kind in table:
                return table[kind]
        if (foreign := foreign_record(kind, self.definitions)) is not None:
            return foreign
        return self._special(kind, get_origin(kind), get_args(kind))

    def document(self, codec: Codec) -> Schema:
        """Return the whole schema of a codec, with the definitions that it refers to."""
        return {**codec.schema, "$defs": self.definitions} if self.definitions else codec.schema

    def _special(self, kind: Any, origin: Any, arguments: tuple[Any, ...]) -> Codec:
        if origin is Annotated:
            return self._annotated(self.of(arguments[0]), arguments[1:])
        if getattr(origin, "_name", None) in _MARKS:
            return self.of(arguments[0])
        if origin is Literal:
            return self._literal(kind, arguments)
        if origin in (Union, types.UnionType):
            return union_of([self.of(each) for each in arguments])
        if (unwrapped := _unwrapped(kind)) is not None:
            return self.of(unwrapped)
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return one_of([self._plain(member.value, kind) for member in kind], list(kind))
        if (container := self._container(kind, origin or kind, arguments)) is not None:
            return container
        return self._record(kind)

    def _literal(self, kind: Any, values: tuple[Any, ...]) -> Codec:
        objects = [each.value if isinstance(each, enum.Enum) else each for each in values]
        return one_of([self._plain(each, kind) for each in objects], values)

    def _plain(self, value: object, kind: object) -> object:
        if value is None or isinstance(value, (str, int, float, bool)):
            return value
        raise _refusal(kind, f"JSON has no {value!r}", "Use texts, numbers, booleans or None as values.")

    def _container(self, kind: Any, origin: Any, arguments: tuple[Any, ...]) -> Codec | None:
        if origin is tuple and arguments[1:] != (...,) and (arguments or get_origin(kind) is tuple):
            return tuple_of([self.of(each) for each in arguments])
        if origin is tuple:
            return array_of(self.of(arguments[0] if arguments else Any), tuple)
        if origin in _ARRAYS:
            item = self.of(arguments[0] if arguments else Any)
            return array_of(item, _ARRAYS[origin])
        if origin in _MAPPINGS:
            if arguments and arguments[0] is not str:
                raise _refusal(kind, "The keys of JSON objects are texts", "Use dict[str, ...].")
            return mapping_of(self.of(arguments[1] if arguments else Any))
        return None

    def _annotated(self, codec: Codec, notes: tuple[Any, ...]) -> Codec:
        limits = {}
        for note in (each for outer in notes for each in (outer, *getattr(outer, "metadata", ()))):
            for attribute, keywords in _LIMITS.items():
                limit = getattr(note, attribute, None)
                keyword = keywords.get(_group(codec.schema))
                if keyword and limit is not None and not callable(limit):
                    limits[keyword] = getattr(limit, "pattern", limit)
            text = note if isinstance(note, str) else getattr(note, "description", None)
            if isinstance(text, str):
                codec = Codec(schema={**codec.schema, "description": text}, load=codec.load)
        return limited(codec, limits) if limits else codec

    def _record(self, kind: Any) -> Codec:
        if kind in self._begun:
            return self._recursive(kind)
        if kind in self._done:
            return self._done[kind]
        self._begun.append(kind)
        try:
            fields = record_fields(kind)
            if fields is None:
                raise _refusal(kind, "JSON has nothing for it", "Use a dataclass, a TypedDict, a pydantic model, ...")
            codec = record_of(kind, {name: self.of(each.type) for name, each in fields.items()}, fields)
        finally:
            self._begun.remove(kind)
        if kind in self._names:
            self.definitions[self._names[kind]] = codec.schema
            codec = Codec(schema={"$ref": f"#/$defs/{self._names[kind]}"}, load=codec.load)
        self._done[kind] = codec
        return codec

    def _recursive(self, kind: Any) -> Codec:
        name = self._names.setdefault(kind, f"{kind.__name__}{len(self._names) or ''}")
        return Codec(schema={"$ref": f"#/$defs/{name}"}, load=lambda value, path: self._done[kind].load(value, path))


def _unwrapped(kind: Any) -> Any:
    """Return what a NewType, or an alias of Python 3.12's `type` statement, stands for; None for others."""
    if isinstance(kind, type):
        return None
    return getattr(kind, "__supertype__", None) or getattr(kind, "__value__", None)


def _group(schema: Schema) -> str:
    kind = str(schema.get("type", ""))
    return "number" if kind in ("integer", "number") else kind


def _refusal(kind: object, why: str, fix: str) -> InputError:
    name = inspect.formatannotation(kind)
    return InputError(f"The type {name} cannot be written as JSON.", why=f"{why}.", fix=fix)
