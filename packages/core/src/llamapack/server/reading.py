"""JSON of requests, read within limits, and its fields, checked."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

from llamapack.server.refusal import Refusal

Json = Mapping[str, Any]
T = TypeVar("T")
_MOST_VALUES = 1_000_000
"""Of a request: Python takes a hundred bytes for each."""


def wrong(message: str) -> Refusal:
    """Return what says that a request is wrong."""
    return Refusal(400, "invalid_request", message)


def read_object(body: bytes) -> Json:
    """Read the body of a request; raises Refusal if it is no JSON object."""
    if body.count(b",") + body.count(b"[") + body.count(b"{") > _MOST_VALUES:
        raise Refusal(413, "body_too_large", f"The request has more than {_MOST_VALUES} values.")
    try:
        value = json.loads(body, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise wrong("The request is nested too deeply.") from None
    except ValueError as error:
        raise wrong(f"The request is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise wrong("The request must be a JSON object.")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:40]} is too large a number")
    return number


def field(request: Json, name: str, kind: type[T], default: T) -> T:
    """Return a field of a request; raises Refusal if it is of another type. null counts as missing."""
    value = request.get(name)
    if value is None:
        return default
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise wrong(f"{name!r} must be {_NAMES[kind]}.")
    return value


_NAMES: Mapping[type, str] = {str: "a text", bool: "true or false", list: "a list", dict: "an object", int: "a number"}


def model_name(request: Json) -> str:
    """Return the name of the model that is asked for, under either of the names that Ollama has for the field."""
    name = field(request, "model", str, "") or field(request, "name", str, "")
    if not name:
        raise wrong("model is required")
    return name
