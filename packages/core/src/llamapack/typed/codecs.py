"""Python types as JSON: the schema of a type, and its objects out of what JSON has."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from llamapack._util.arguments import is_number

Schema: TypeAlias = "dict[str, Any]"


class Mismatch(Exception):  # noqa: N818  # it never leaves the package
    """A value is not of the type; says where and why."""

    def __init__(self, path: str, why: str) -> None:
        """Take the place, such as `.authors[0]`, and what is wrong there."""
        super().__init__(f"{path or 'the answer'}: {why}")


@dataclass(frozen=True, kw_only=True)
class Codec:
    """How a type looks in JSON.

    `load` gets a value that was read from JSON and its place, and returns the object; it raises Mismatch.
    """

    schema: Schema
    load: Callable[[Any, str], Any]


def shown(value: object) -> str:
    """Show a value in a message."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _scalar(name: str, kind: str, accepts: Callable[[Any], bool], make: Callable[[Any], Any]) -> Codec:
    def load(value: Any, path: str) -> Any:
        if not accepts(value):
            raise Mismatch(path, f"it must be {name}, not {shown(value)}")
        return make(value)

    return Codec(schema={"type": kind}, load=load)


def _is_whole(value: object) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (is_number(value) and value == int(value))


ANYTHING = Codec(schema={}, load=lambda value, _: value)
NOTHING = _scalar("null", "null", lambda value: value is None, lambda value: None)
SCALARS: Mapping[type, Codec] = {
    type(None): NOTHING,
    bool: _scalar("true or false", "boolean", lambda value: isinstance(value, bool), bool),
    int: _scalar("a whole number", "integer", _is_whole, int),
    float: _scalar("a number", "number", is_number, float),
    str: _scalar("a text", "string", lambda value: isinstance(value, str), str),
}


def parsed_text(name: str, kind: str, parse: Callable[[str], Any]) -> Codec:
    """Return the codec of a type that is written as text of a format, such as a date."""

    def load(value: Any, path: str) -> Any:
        try:
            return parse(SCALARS[str].load(value, path))
        except ValueError as error:
            raise Mismatch(path, f"it is no {name}: {shown(value)}") from error

    return Codec(schema={"type": "string", **({"format": kind} if kind else {})}, load=load)


def one_of(values: Sequence[Any], objects: Sequence[Any]) -> Codec:
    """Return the codec of a choice: `values` as JSON has them, for the `objects` in Python."""

    def load(value: Any, path: str) -> Any:
        for each, found in zip(values, objects, strict=True):
            if type(each) is type(value) and each == value:
                return found
        raise Mismatch(path, f"it must be one of {', '.join(map(repr, values))}, not {shown(value)}")

    return Codec(schema={"enum": list(values)}, load=load)


def array_of(item: Codec, make: Callable[[list[Any]], Any]) -> Codec:
    """Return the codec of an array whose items are alike."""

    def load(value: Any, path: str) -> Any:
        if not isinstance(value, list):
            raise Mismatch(path, f"it must be a list, not {shown(value)}")
        return make([item.load(each, f"{path}[{i}]") for i, each in enumerate(value)])

    return Codec(schema={"type": "array", "items": item.schema or True}, load=load)


def tuple_of(items: Sequence[Codec], make: Callable[[list[Any]], Any] = tuple) -> Codec:
    """Return the codec of an array with so many items, each of its own type."""

    def load(value: Any, path: str) -> Any:
        if not isinstance(value, list) or len(value) != len(items):
            raise Mismatch(path, f"it must be a list of {len(items)}, not {shown(value)}")
        loaded = [item.load(each, f"{path}[{i}]") for i, (item, each) in enumerate(zip(items, value, strict=True))]
        return made(make, loaded, path)

    count = len(items)
    schema: Schema = {"type": "array", "minItems": count, "maxItems": count, "items": False}
    if items:
        schema["prefixItems"] = [item.schema for item in items]
    return Codec(schema=schema, load=load)


def mapping_of(item: Codec) -> Codec:
    """Return the codec of an object with any keys, whose values are alike."""

    def load(value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise Mismatch(path, f"it must be an object, not {shown(value)}")
        return {key: item.load(each, f"{path}.{key}") for key, each in value.items()}

    return Codec(schema={"type": "object", "additionalProperties": item.schema or True}, load=load)


def union_of(members: Sequence[Codec]) -> Codec:
    """Return the codec of what may be any of several types; the first that fits is taken."""

    def load(value: Any, path: str) -> Any:
        problems = []
        for member in members:
            try:
                return member.load(value, path)
            except Mismatch as problem:
                problems.append(str(problem))
        raise Mismatch(path, "it fits none of the types: " + "; ".join(problems))

    return Codec(schema={"anyOf": [member.schema for member in members]}, load=load)


def made(make: Callable[..., Any], arguments: Any, path: str) -> Any:
    """Call a constructor of the caller's; what it refuses is a Mismatch."""
    try:
        return make(**arguments) if isinstance(arguments, dict) else make(arguments)
    except (TypeError, ValueError) as error:
        raise Mismatch(path, f"{type(error).__name__}: {error}") from error


def limited(codec: Codec, limits: Mapping[str, Any]) -> Codec:
    """Return the codec with keywords of JSON schemas, such as `minimum`; values that break them are a Mismatch."""

    def load(value: Any, path: str) -> Any:
        for keyword, limit in limits.items():
            if not _HOLDS[keyword](value, limit):
                raise Mismatch(path, f"{keyword} is {limit!r}, which {shown(value)} breaks")
        return codec.load(value, path)

    return Codec(schema={**codec.schema, **limits}, load=load)


_HOLDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "minimum": lambda value, limit: is_number(value) and value >= limit,
    "maximum": lambda value, limit: is_number(value) and value <= limit,
    "exclusiveMinimum": lambda value, limit: is_number(value) and value > limit,
    "exclusiveMaximum": lambda value, limit: is_number(value) and value < limit,
    "multipleOf": lambda value, limit: is_number(value) and math.isclose(value / limit, round(value / limit)),
    "minLength": lambda value, limit: isinstance(value, str) and len(value) >= limit,
    "maxLength": lambda value, limit: isinstance(value, str) and len(value) <= limit,
    "minItems": lambda value, limit: isinstance(value, list) and len(value) >= limit,
    "maxItems": lambda value, limit: isinstance(value, list) and len(value) <= limit,
    "minProperties": lambda value, limit: isinstance(value, dict) and len(value) >= limit,
    "maxProperties": lambda value, limit: isinstance(value, dict) and len(value) <= limit,
    "pattern": lambda value, limit: isinstance(value, str) and re.search(limit, value) is not None,
}
