"""Read the parts of a JSON schema, with a GrammarError for each that is invalid."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any
from urllib.parse import unquote

from llamapack.errors import GrammarError
from llamapack.sampling.json_schema.ranges import inside

Schema = dict[str, Any]

_NUMBER_KEYS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")


def parse(schema: object) -> object:
    """Return the schema as parsed JSON, from an object or from text."""
    try:
        text = schema if isinstance(schema, str) else json.dumps(schema, allow_nan=False)
        return json.loads(text, parse_constant=_no_number)
    except RecursionError as error:
        raise GrammarError("The JSON schema is nested too deeply.") from error
    except (ValueError, TypeError) as error:
        raise GrammarError("The JSON schema is not JSON.", why=str(error)) from error


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number in JSON")


def refusal(path: str, why: str) -> GrammarError:
    """Return the error for a schema that cannot be used, with the place and the reason."""
    return GrammarError(f"The JSON schema cannot be used: at {path}, {why}.")


def list_at(schema: Schema, key: str, path: str) -> list[Any]:
    """Return the list under `key`; it must not be empty."""
    value = schema[key]
    if not isinstance(value, list) or not value:
        raise refusal(path, f"{key} must be a list that is not empty")
    return value


def mapping_at(schema: Schema, key: str, path: str) -> Schema:
    """Return the object under `key`, or an empty one."""
    value = schema.get(key, {})
    if not isinstance(value, dict):
        raise refusal(path, f"{key} must be an object")
    return value


def types_at(schema: Schema, path: str) -> list[str] | None:
    """Return the types that a schema allows; None for all."""
    value = schema.get("type")
    if value is None:
        return None
    types = value if isinstance(value, list) else [value]
    if not types or any(name not in _TYPES for name in types):
        raise refusal(path, f"type must be one or several of {', '.join(_TYPES)}, not {json.dumps(value)[:80]}")
    return [name for name in dict.fromkeys(types) if not (name == "integer" and "number" in types)]


def is_type(value: object, name: str) -> bool:
    """Return True if a value has the JSON type `name`."""
    if name in ("integer", "number"):
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        return not isinstance(value, bool) and (whole or (name == "number" and isinstance(value, float)))
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
    return isinstance(value, kinds[name])


def count_at(schema: Schema, key: str, path: str) -> int | None:
    """Return the integer, 0 or more, under `key`; None if it is missing."""
    value = schema.get(key)
    if value is not None and not (is_type(value, "integer") and value >= 0):
        raise refusal(path, f"{key} must be a whole number from 0, not {json.dumps(value)[:80]}")
    return None if value is None else int(value)


def check_order(
    low_key: str, low: float | Decimal | None, high_key: str, high: float | Decimal | None, path: str
) -> None:
    """Raise GrammarError if the lower bound is above the upper one."""
    if low is not None and high is not None and low > high:
        raise refusal(path, f"it allows nothing: {low_key} is {low} and {high_key} is {high}")


def bounds_at(schema: Schema, path: str, *, whole: bool) -> tuple[Decimal | None, Decimal | None]:
    """Return the smallest and the largest number that are allowed; exclusive bounds are moved inwards."""
    lows: list[Decimal] = []
    highs: list[Decimal] = []
    for key in _NUMBER_KEYS:
        value = schema.get(key)
        if value is None or isinstance(value, bool):
            continue  # in draft 4, exclusiveMinimum is a bool that makes minimum exclusive
        if not is_type(value, "number"):
            raise refusal(path, f"{key} must be a number, not {json.dumps(value)[:80]}")
        bound, sign = Decimal(str(value)), 1 if key.lower().endswith("minimum") else -1
        exclusive = key.startswith("exclusive") or schema.get(f"exclusive{key.capitalize()}") is True
        if whole:
            rounded = bound.to_integral_value(ROUND_CEILING if sign > 0 else ROUND_FLOOR)
            bound = rounded + sign if exclusive and rounded == bound else rounded
        elif exclusive:
            bound = inside(bound, sign)
        (lows if sign > 0 else highs).append(bound)
    return max(lows, default=None), min(highs, default=None)


@dataclass(frozen=True, kw_only=True)
class Keys:
    """What a schema requires of an object's keys."""

    properties: Schema
    required: frozenset[str]
    others: Any  # the schema of all other keys


def keys_at(schema: Schema, path: str) -> Keys:
    """Return the keys of an object; keys that are required but not described may have any value."""
    properties = mapping_at(schema, "properties", path)
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        raise refusal(path, f"required must be a list of keys, not {json.dumps(required)[:80]}")
    others = schema.get("additionalProperties", schema.get("unevaluatedProperties"))
    missing = [name for name in required if name not in properties]
    if missing and others is False and "patternProperties" not in schema:
        raise refusal(path, f"{missing[0]!r} is required, but additionalProperties forbids it")
    properties = {**properties, **dict.fromkeys(missing, True if others in (None, False) else others)}
    if others is None:
        others = not properties and "properties" not in schema
    return Keys(properties=properties, required=frozenset(required), others=others)


Steps = tuple[str, ...]  # the keys and indices that lead from the root of a schema to a part of it


def below(path: str, *steps: str | int) -> str:
    """Return the JSON pointer (RFC 6901) of the part that `steps` lead to from `path`."""
    return "/".join((path, *(str(step).replace("~", "~0").replace("/", "~1") for step in steps)))


class Pointers:
    """References into one schema."""

    def __init__(self, root: object) -> None:
        """Resolve references in the schema `root`."""
        self._root = root

    def target(self, steps: Steps) -> Any:
        """Return the part of the schema at the end of `steps`, which `final` has returned."""
        found: Any = self._root
        for step in steps:
            found = found[int(step)] if isinstance(found, list) else found[step]
        return found

    def final(self, pointer: object, path: str) -> Steps:
        """Follow the reference at `path`, and further references as long as the target is only a reference."""
        seen: list[Steps] = []
        while (steps := self._steps(pointer, path)) not in seen:
            seen.append(steps)
            target = self.target(steps)
            if not (isinstance(target, dict) and "$ref" in target):
                return steps
            pointer = target["$ref"]
        raise refusal(path, f"$ref {pointer!r} leads back to itself")

    def _steps(self, pointer: object, path: str) -> Steps:
        if not isinstance(pointer, str) or not re.match("#(/|$)", pointer):
            raise refusal(path, f"$ref {pointer!r} is not supported, only references into the same schema: '#/...'")
        steps = tuple(unquote(step).replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
        found: Any = self._root
        for key in steps:
            if isinstance(found, dict) and key in found:
                found = found[key]
            elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
                found = found[int(key)]
            else:
                raise refusal(path, f"$ref {pointer!r} leads to nothing: there is no {key!r}")
        return steps

    def inlined(self, member: object, path: str) -> Schema:
        """Return a member of allOf, or its target if it is a reference."""
        if not (isinstance(member, dict) and "$ref" in member):
            return member if isinstance(member, dict) else {} if member is True else {"anyOf": [member]}
        return self.inlined(self.target(self.final(member["$ref"], path)), path)
