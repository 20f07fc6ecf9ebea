"""Merge JSON schemas that must all hold into one."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

# What says something about a schema and nothing about the values.
_NOTES = """
    $schema $id $anchor $comment $defs $vocabulary $dynamicAnchor definitions title description default examples example
    deprecated readOnly writeOnly contentEncoding contentMediaType contentSchema discriminator xml externalDocs nullable
"""
ANNOTATIONS = frozenset(_NOTES.split())
_GREATEST = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
_LEAST = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}


def merged(first: Schema, second: Schema) -> Schema:
    """Return a schema for what both allow; raises ValueError, with the keyword, where that cannot be said in one."""
    result = dict(first)
    for key, value in second.items():
        if key not in result or result[key] == value:
            result[key] = value
        elif key not in ANNOTATIONS:
            result[key] = _both(key, result[key], value)
    return result


def _both(key: str, first: Any, second: Any) -> Any:
    if key == "properties" and isinstance(first, dict) and isinstance(second, dict):
        shared = {name: {"allOf": [first[name], second[name]]} for name in first.keys() & second.keys()}
        return {**first, **second, **shared}
    if key == "required" and isinstance(first, list) and isinstance(second, list):
        return list(dict.fromkeys([*first, *second]))
    if key in _GREATEST:
        return max(first, second)
    if key in _LEAST:
        return min(first, second)
    if key == "enum" and isinstance(first, list) and isinstance(second, list):
        return [value for value in first if value in second]
    if key == "type":
        return _types(first, second)
    if key == "additionalProperties":
        return False if False in (first, second) else {"allOf": [first, second]}
    raise ValueError(f"schemas that must all hold differ in {key!r}, and a grammar cannot hold both")


def _types(first: Any, second: Any) -> list[str]:
    one, other = (set(each if isinstance(each, list) else [each]) for each in (first, second))
    both = _with_whole_numbers(one) & _with_whole_numbers(other)
    if not both:
        raise ValueError("schemas that must all hold want different types")
    return sorted(both - {"integer"} if "number" in both else both)


def _with_whole_numbers(types: set[str]) -> set[str]:
    return types | {"integer"} if "number" in types else types
