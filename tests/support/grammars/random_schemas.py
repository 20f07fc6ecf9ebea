"""Random JSON schemas: of every type, nested, and combined."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

_PATTERNS = ["^a+$", "b", "^[ab]{2,3}$", "(?=x)y", r"^\d\w$", "^(a?)*$"]
_VALUES = [1, "a", None, True, "b/c~d", [1], {"x": 1}, 0, "e", {"k": [1]}, []]
_KEYS = ["a", "b", "c/d", "~e", "f g", 'q"']
_DEEPEST = 3
CONTRADICTIONS = (
    *("allows nothing", "different types", "different values", "the right type", "list that is not empty"),
    *("additionalProperties forbids it", "are described one by one"),
)
"""What is said of schemas that allow no value, which is why they may be refused."""


def random_schema(seed: int) -> Any:
    """Return the schema for a seed; some allow no value."""
    return _Maker(seed).schema(0)


class _Maker:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - for tests, not for secrets

    def schema(self, depth: int) -> Any:
        makers: list[Callable[[int], Any]] = [self.number, self.text, self.values, self.loose]
        if depth < _DEEPEST:
            makers += [self.object, self.object, self.array, self.tuple, self.union, self.both]
        return self._random.choice(makers)(depth)

    def some(self, **keywords: Any) -> dict[str, Any]:
        return {key: value for key, value in keywords.items() if self._random.random() < 0.5}

    def number(self, _depth: int) -> Any:
        choice = self._random.choice
        if choice([True, False]):
            return {"type": "integer", **self.some(minimum=choice([-5, 0, 3]), maximum=choice([5, 50]))}
        return {"type": "number", **self.some(exclusiveMinimum=choice([-1.5, 0]), maximum=choice([3, 7.25]))}

    def text(self, _depth: int) -> Any:
        kinds: list[dict[str, Any]] = [{}, {"minLength": 1}, {"maxLength": 3}, {"format": "date"}, {"format": "email"}]
        kinds.append({"pattern": self._random.choice(_PATTERNS)})
        return {"type": "string", **self._random.choice(kinds)}

    def values(self, _depth: int) -> Any:
        if self._random.random() < 0.3:
            return {"const": self._random.choice(_VALUES)}
        return {"enum": self._random.sample(_VALUES, self._random.randrange(1, 5))}

    def loose(self, _depth: int) -> Any:
        return self._random.choice(
            [
                True,
                {},
                {"minProperties": 1},
                {"uniqueItems": True},
                {"type": ["null", "boolean"]},
                {"not": {"const": 1}},
            ]
        )

    def object(self, depth: int) -> Any:
        keys = self._random.sample(_KEYS, self._random.randrange(4))
        others = self._random.choice([False, True, self.schema(depth + 1)])
        return {
            "type": "object",
            "properties": {key: self.schema(depth + 1) for key in keys},
            **self.some(required=[key for key in keys if self._random.random() < 0.6], additionalProperties=others),
        }

    def array(self, depth: int) -> Any:
        counts = self.some(minItems=self._random.randrange(3), maxItems=self._random.randrange(2, 5))
        return {"type": "array", "items": self.schema(depth + 1), **counts}

    def tuple(self, depth: int) -> Any:
        items = [self.schema(depth + 1) for _ in range(self._random.randrange(1, 3))]
        return {"type": "array", "prefixItems": items, **self.some(items=False)}

    def union(self, depth: int) -> Any:
        members = [self.schema(depth + 1) for _ in range(self._random.randrange(1, 4))]
        return {self._random.choice(["anyOf", "oneOf"]): members, **self.some(type="object")}

    def both(self, depth: int) -> Any:
        return {"allOf": [self.schema(depth + 1), self.schema(depth + 1)]}
