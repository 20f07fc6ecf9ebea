"""Merge JSON schemas that must all hold into one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Any

from llamapack.sampling.json_schema.reading import Schema, is_type

# Keywords that describe a schema and do not restrict values.
_NOTES = """
    $schema $id $anchor $comment $defs $vocabulary $dynamicAnchor definitions title description default examples example
    deprecated readOnly writeOnly contentEncoding contentMediaType contentSchema discriminator xml externalDocs nullable
"""
ANNOTATIONS = frozenset(_NOTES.split())
_GREATEST = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
_LEAST = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}


@dataclass(frozen=True, kw_only=True)
class Merged:
    """A schema for what two schemas both allow, except that the keywords `left_out` of the second are not included."""

    schema: Schema
    left_out: tuple[str, ...]


def merged(first: Schema, second: Schema) -> Merged:
    """Merge two schemas that must both hold; raises ValueError if they contradict each other.

    Of two patterns, and of two other keywords that cannot be merged, the second is left out: the result then allows
    more.
    """
    result, second = _seen_by(second, first), _seen_by(first, second)
    if _listed(result) or _listed(second):
        items = _items(result, second)
        result, second = {**result, **items}, {**second, **items}
    left_out = []
    for key, value in second.items():
        if key not in result or spelled(result[key]) == spelled(value):
            result[key] = value
        elif key not in ANNOTATIONS and (both := _both(key, result[key], value)) is not None:
            result[key] = both
        elif key not in ANNOTATIONS:
            left_out.append(key)
    return Merged(schema=result, left_out=tuple(left_out))


def _both(key: str, first: Any, second: Any) -> Any:
    """Return the value of a keyword for what both values allow; None if there is no such value."""
    if key == "properties" and isinstance(first, dict) and isinstance(second, dict):
        shared = {name: {"allOf": [first[name], second[name]]} for name in first.keys() & second.keys()}
        return {**first, **second, **shared}
    if key == "required" and isinstance(first, list) and isinstance(second, list):
        return list(dict.fromkeys([*first, *second]))
    if key in _GREATEST | _LEAST:
        if not (is_type(first, "number") and is_type(second, "number")):
            raise ValueError(f"{key} must be a number")
        return max(first, second) if key in _GREATEST else min(first, second)
    if key == "enum" and isinstance(first, list) and isinstance(second, list):
        known = {spelled(value) for value in second}
        return [value for value in first if spelled(value) in known]
    if key == "type":
        return _types(first, second)
    if key == "additionalProperties":
        return _all_of([first, second])
    if key == "items" and not isinstance(first, list) and not isinstance(second, list):
        return _all_of([first, second])
    if key == "const":
        raise ValueError("schemas that must all hold want different values")
    return None


def spelled(value: Any) -> str:
    """Return a value as JSON, the same for values that JSON Schema considers equal: 1 and 1.0, but not 1 and true."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list):
        return f"[{','.join(map(spelled, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{json.dumps(key)}:{spelled(value[key])}' for key in sorted(value))}}}"
    return json.dumps(value)


def _listed(schema: Schema) -> list[Any]:
    """Return the schemas of the first items: those of `prefixItems`, or of a list in `items`."""
    found = schema.get("prefixItems", schema.get("items"))
    return found if isinstance(found, list) else []


def _rest(schema: Schema) -> Any:
    """Return the schema of the items that follow."""
    items = schema.get("items", True)
    return schema.get("additionalItems", True) if isinstance(items, list) else items


def _items(first: Schema, second: Schema) -> Schema:
    """Merge two schemas' keywords for array items, if at least one describes the first items one by one."""
    count = max(len(_listed(first)), len(_listed(second)))
    ways = [[*_listed(each), *[_rest(each)] * (count - len(_listed(each)))] for each in (first, second)]
    both = [[*pair] for pair in zip(*ways, strict=True)]
    ends = next((i for i, pair in enumerate(both) if any(each is False for each in pair)), None)
    rest = [_rest(first), _rest(second)]
    return {
        "prefixItems": [_all_of(pair) for pair in both[:ends]],
        "items": False if ends is not None else _all_of(rest),
    }


def _all_of(schemas: list[Any]) -> Any:
    told = [schema for schema in schemas if schema is not True]
    if any(schema is False for schema in told):
        return False
    return True if not told else told[0] if len(told) == 1 else {"allOf": told}


def _seen_by(judge: Schema, schema: Schema) -> Schema:
    """Return `schema` with the additionalProperties of `judge` applied to the properties that `judge` does not name."""
    others, properties = judge.get("additionalProperties", True), schema.get("properties")
    known = judge.get("properties", {})
    if others is True or not isinstance(properties, dict) or not isinstance(known, dict):
        return dict(schema)
    if others is False:
        return {**schema, "properties": {name: value for name, value in properties.items() if name in known}}
    more = {name: {"allOf": [value, others]} for name, value in properties.items() if name not in known}
    return {**schema, "properties": {**properties, **more}}


def exclude_each_other(schemas: Iterable[object]) -> bool:
    """Return True if no value matches two of these: by their types, values, or those of a common required key."""
    known = [schema if isinstance(schema, dict) else {} for schema in schemas]
    if _disjoint([_type_names(schema) for schema in known]) or _disjoint([_values(schema) for schema in known]):
        return True
    objects = [schema if schema.get("type") == "object" else {} for schema in known]
    keys = set.intersection(*(_texts(schema.get("required")) for schema in objects))
    return any(_disjoint([_values(_property(schema, key)) for schema in objects]) for key in keys)


def _disjoint(sets: Sequence[Set[str]]) -> bool:
    """Return True if no element is in two of the sets; False if one is empty, because that stands for anything."""
    return all(sets) and len(frozenset[str]().union(*sets)) == sum(map(len, sets))


def _type_names(schema: Schema) -> set[str]:
    found = schema.get("type")
    return with_whole_numbers({found} if isinstance(found, str) else _texts(found))


def _texts(value: object) -> set[str]:
    return {each for each in value if isinstance(each, str)} if isinstance(value, list) else set()


def _property(schema: Schema, key: str) -> Schema:
    properties = schema.get("properties")
    found = properties.get(key) if isinstance(properties, dict) else None
    return found if isinstance(found, dict) else {}


def _values(schema: Schema) -> set[str]:
    """Return the values that a schema lists, as JSON; an empty set if it lists none."""
    listed = schema.get("enum")
    values = [schema["const"]] if "const" in schema else listed if isinstance(listed, list) else []
    return {spelled(value) for value in values}


def _types(first: Any, second: Any) -> list[str]:
    one, other = (set(each if isinstance(each, list) else [each]) for each in (first, second))
    both = with_whole_numbers(one) & with_whole_numbers(other)
    if not both:
        raise ValueError("schemas that must all hold want different types")
    return sorted(both - {"integer"} if "number" in both else both)


def with_whole_numbers(types: set[str]) -> set[str]:
    """Add "integer" to the types if they contain "number"."""
    return types | {"integer"} if "number" in types else types
