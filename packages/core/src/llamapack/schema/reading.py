"""Read the parts of a JSON schema, and say where one is not what it must be."""

from __future__ import annotations

import json
import math
from typing import Any

from llamapack.errors import GrammarError

Schema = dict[str, Any]

NUMBER_KEYS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")
_INT64 = 2**63 - 2
_WHOLE_DIGITS = 10**15  # beyond, llama.cpp counts digits wrongly where the other bound is open


def refusal(path: str, why: str) -> GrammarError:
    """Say where a schema cannot be used, and why."""
    return GrammarError(f"The JSON schema cannot be used: at {path}, {why}.")


def list_at(schema: Schema, key: str, path: str) -> list[Any]:
    """Return a list that must not be empty."""
    value = schema[key]
    if not isinstance(value, list) or not value:
        raise refusal(path, f"{key} must be a list that is not empty")
    return value


def mapping_at(schema: Schema, key: str, path: str) -> Schema:
    """Return an object, by default an empty one."""
    value = schema.get(key, {})
    if not isinstance(value, dict):
        raise refusal(path, f"{key} must be an object")
    return value


def types_at(schema: Schema, path: str) -> list[str] | None:
    """Return the types that a schema allows; None allows all."""
    value = schema.get("type")
    if value is None:
        return None
    types = value if isinstance(value, list) else [value]
    if not types or any(name not in _TYPES for name in types):
        raise refusal(path, f"type must be one or several of {', '.join(_TYPES)}, not {json.dumps(value)[:80]}")
    return [name for name in dict.fromkeys(types) if not (name == "integer" and "number" in types)]


def is_type(value: object, name: str) -> bool:
    """Return True if a value has the type of this name."""
    if name in ("integer", "number"):
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        return not isinstance(value, bool) and (whole or (name == "number" and isinstance(value, float)))
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
    return isinstance(value, kinds[name])


def count_at(schema: Schema, key: str, path: str) -> int | None:
    """Return a whole number from 0, if there is one."""
    value = schema.get(key)
    if value is not None and not (is_type(value, "integer") and value >= 0):
        raise refusal(path, f"{key} must be a whole number from 0, not {json.dumps(value)[:80]}")
    return None if value is None else int(value)


def check_order(low_key: str, low: float | None, high_key: str, high: float | None, path: str) -> None:
    """Refuse a lower bound above the upper one."""
    if low is not None and high is not None and low > high:
        raise refusal(path, f"it allows nothing: {low_key} is {low} and {high_key} is {high}")


def whole_bounds(schema: Schema, path: str) -> dict[str, int]:
    """Return the least and the greatest whole number that are allowed."""
    bounds = {key: schema[key] for key in NUMBER_KEYS if key in schema}
    for key, value in bounds.items():
        if not is_type(value, "number") and not isinstance(value, bool):
            raise refusal(path, f"{key} must be a number, not {json.dumps(value)[:80]}")
    lows, highs = [], []
    for key, value in bounds.items():
        exclusive = key.startswith("exclusive") or bounds.get(f"exclusive{key.capitalize()}") is True
        if isinstance(value, bool):
            continue  # draft 4: it says that minimum itself is not allowed
        if key.lower().endswith("minimum"):
            lows.append(math.floor(value) + 1 if exclusive else math.ceil(value))
        else:
            highs.append(math.ceil(value) - 1 if exclusive else math.floor(value))
    low, high = max(lows, default=None), min(highs, default=None)
    check_order("minimum", low, "maximum", high, path)
    if low is not None and high is None and low >= _WHOLE_DIGITS:
        high = _INT64
    if high is not None and low is None and high <= -_WHOLE_DIGITS:
        low = -_INT64
    if any(bound is not None and abs(bound) > _INT64 for bound in (low, high)):
        raise refusal(path, f"bounds beyond {_INT64} are not supported")
    return {key: bound for key, bound in (("minimum", low), ("maximum", high)) if bound is not None}
