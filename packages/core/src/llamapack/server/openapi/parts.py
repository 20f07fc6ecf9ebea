"""JSON schemas, as Python writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]
ANY: Schema = {}
NULL: Schema = {"type": "null"}


def text(about: str = "", **more: Any) -> Schema:
    """Return the schema of a text."""
    return _typed("string", about, more)


def flag(about: str = "") -> Schema:
    """Return the schema of true or false."""
    return _typed("boolean", about, {})


def number(about: str = "", **more: Any) -> Schema:
    """Return the schema of a number."""
    return _typed("number", about, more)


def whole(about: str = "", least: int = -(2**31), most: int = 2**31 - 1) -> Schema:
    """Return the schema of a whole number, of 32 bits if nothing else is said."""
    return _typed("integer", about, {"minimum": least, "maximum": most})


def array(of: Schema, about: str = "", **more: Any) -> Schema:
    """Return the schema of a list."""
    return _typed("array", about, {"items": of, **more})


def object_of(properties: Mapping[str, Schema], required: Sequence[str] = (), about: str = "") -> Schema:
    """Return the schema of an object, which may have other fields, too."""
    return _typed("object", about, {"properties": properties, **({"required": list(required)} if required else {})})


def request(
    properties: Mapping[str, Schema], required: Sequence[str] = (), *, never_null: Sequence[str] = ()
) -> Schema:
    """Return the schema of a request: null stands for a field that is missing, but for those that need a value."""
    kept = {*required, *never_null}
    return object_of({name: each if name in kept else or_null(each) for name, each in properties.items()}, required)


def one_of(*schemas: Schema, about: str = "") -> Schema:
    """Return a schema that allows what any of some allow."""
    return {"anyOf": list(schemas), **({"description": about} if about else {})}


def or_null(schema: Schema) -> Schema:
    """Return a schema that allows null, too."""
    if not schema:
        return schema
    if "type" in schema and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    about = schema.get("description", "")
    return one_of({name: value for name, value in schema.items() if name != "description"}, NULL, about=about)


def words(*choices: str, about: str = "") -> Schema:
    """Return the schema of a text that is one of some words."""
    return text(about, enum=list(choices))


def named(name: str) -> Schema:
    """Return a reference to a schema among the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


def _typed(kind: str, about: str, more: Mapping[str, Any]) -> Schema:
    return {"type": kind, **({"description": about} if about else {}), **more}
