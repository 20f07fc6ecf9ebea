"""Types with named fields: dataclasses, TypedDicts and NamedTuples; pydantic's and msgspec's by what they bring.

pydantic and msgspec are never imported here: who has such a type has imported them.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from llamapack.errors import InputError
from llamapack.typed.codecs import Codec, Mismatch, Schema, made, shown


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field: its type, and whether an object must have it."""

    type: Any
    required: bool


def record_fields(kind: Any) -> Mapping[str, Field] | None:
    """Return the fields of a dataclass, TypedDict or NamedTuple; None for other types."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _dataclass_fields(kind)
    if isinstance(kind, type) and issubclass(kind, dict) and hasattr(kind, "__required_keys__"):
        return {
            name: Field(type=each, required=_is_required(each, name in kind.__required_keys__))
            for name, each in _hints(kind).items()
        }
    if isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_field_defaults"):
        hints = _hints(kind)
        return {
            name: Field(type=hints.get(name, Any), required=name not in kind._field_defaults)
            for name in kind.__match_args__  # type: ignore[attr-defined]  # a NamedTuple
        }
    return None


def _is_required(hint: Any, default: bool) -> bool:
    """Look for Required and NotRequired: `__required_keys__` misses them where annotations are texts."""
    mark = getattr(typing.get_origin(hint), "_name", None)
    return {"Required": True, "NotRequired": False}.get(mark, default) if isinstance(mark, str) else default


def _dataclass_fields(kind: type) -> Mapping[str, Field]:
    hints = _hints(kind)
    return {
        field.name: Field(
            type=hints[field.name],
            required=field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        )
        for field in dataclasses.fields(kind)
        if field.init
    }


def _hints(kind: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(kind, include_extras=True)
    except NameError as error:
        raise InputError(
            f"The types of the fields of {kind.__name__} cannot be read.",
            why=f"NameError: {error}.",
            fix="Define the types that it names at the top level of a module.",
        ) from error


def record_of(kind: Any, codecs: Mapping[str, Codec], fields: Mapping[str, Field]) -> Codec:
    """Return the codec of a type with these fields: an object without others."""

    def load(value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise Mismatch(path, f"it must be an object, not {shown(value)}")
        _check_keys(value, fields, path)
        return made(kind, {name: codecs[name].load(each, f"{path}.{name}") for name, each in value.items()}, path)

    schema: Schema = {
        "type": "object",
        "title": kind.__name__,
        "properties": {name: codec.schema for name, codec in codecs.items()},
        "required": [name for name, field in fields.items() if field.required],
        "additionalProperties": False,
    }
    return Codec(schema=schema, load=load)


def _check_keys(value: Mapping[str, Any], fields: Mapping[str, Field], path: str) -> None:
    for name, field in fields.items():
        if field.required and name not in value:
            raise Mismatch(path, f"it lacks {name!r}")
    for name in value:
        if name not in fields:
            raise Mismatch(path, f"it has {name!r}, which is no field")


def foreign_record(kind: Any, definitions: dict[str, Schema]) -> Codec | None:
    """Return the codec of a type of pydantic's or msgspec's; None for others. Adds what its schema refers to."""
    if not isinstance(kind, type):
        return None
    if hasattr(kind, "model_json_schema") and hasattr(kind, "model_validate_json"):
        return _foreign(kind.model_json_schema(), kind.model_validate_json, kind, definitions)
    if hasattr(kind, "__pydantic_validator__"):
        adapter = sys.modules["pydantic"].TypeAdapter(kind)
        return _foreign(adapter.json_schema(), adapter.validate_json, kind, definitions)
    if hasattr(kind, "__struct_fields__"):
        msgspec = sys.modules["msgspec"]
        schema = msgspec.json.schema(kind)
        return _foreign(schema, lambda text: msgspec.json.decode(text, type=kind), kind, definitions)
    return None


def _foreign(schema: Schema, read: Callable[[bytes], Any], kind: type, definitions: dict[str, Schema]) -> Codec:
    def load(value: Any, path: str) -> Any:
        try:
            return read(json.dumps(value).encode())
        except ValueError as error:  # pydantic's and msgspec's errors are ValueErrors
            raise Mismatch(path, str(error)) from error

    return Codec(schema=_hoisted(schema, kind.__name__, definitions), load=load)


def _hoisted(schema: Schema, owner: str, definitions: dict[str, Schema]) -> Schema:
    """Move the definitions of a schema to those of all; those with a name that is taken get another."""
    own: dict[str, Schema] = schema.get("$defs", {})
    names = {name: name if definitions.get(name, each) == each else f"{owner}-{name}" for name, each in own.items()}
    renamed = {f"#/$defs/{name}": f"#/$defs/{new}" for name, new in names.items()}
    definitions.update({names[name]: _pointed(each, renamed) for name, each in own.items()})
    found: Schema = _pointed({key: each for key, each in schema.items() if key != "$defs"}, renamed)
    return found


def _pointed(schema: Any, renamed: Mapping[str, str]) -> Any:
    if isinstance(schema, dict):
        return {
            key: renamed.get(each, each) if key == "$ref" and isinstance(each, str) else _pointed(each, renamed)
            for key, each in schema.items()
        }
    return [_pointed(each, renamed) for each in schema] if isinstance(schema, list) else schema
