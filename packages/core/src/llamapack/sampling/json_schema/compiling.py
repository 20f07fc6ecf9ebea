"""Convert a JSON schema to a grammar of the JSON texts that it allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from llamapack.sampling.json_schema.counts import MAX_COUNT, repeated
from llamapack.sampling.json_schema.merging import ANNOTATIONS, exclude_each_other, merged, spelled, with_whole_numbers
from llamapack.sampling.json_schema.objects import object_rule
from llamapack.sampling.json_schema.patterns import PatternError, Rewritten, rewrite
from llamapack.sampling.json_schema.ranges import number_between, whole_between
from llamapack.sampling.json_schema.reading import (
    Pointers,
    Schema,
    Steps,
    below,
    bounds_at,
    check_order,
    count_at,
    is_type,
    keys_at,
    list_at,
    parse,
    refusal,
    types_at,
)
from llamapack.sampling.json_schema.rules import Rules, json_text, literal, one_of

MAX_DEPTH = 64  # nested schemas; each takes seven nested Python calls
MANY = 16  # an enum of this many values or more gets rules with shared prefixes

_NEVER = {"not", "if", "then", "else", "$dynamicRef", "$recursiveRef"}
_NEVER_OBJECT = {
    "propertyNames",
    "minProperties",
    "maxProperties",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
}
_NEVER_ARRAY = {"uniqueItems", "contains", "minContains", "maxContains"}
_TYPED = {
    "object": {
        "properties",
        "required",
        "additionalProperties",
        "unevaluatedProperties",
        "patternProperties",
        *_NEVER_OBJECT,
    },
    "array": {"items", "prefixItems", "minItems", "maxItems", "unevaluatedItems", *_NEVER_ARRAY},
    "string": {"pattern", "minLength", "maxLength", "format"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
}
_HOLDS_ANYWAY: Schema = {"uniqueItems": False, "minProperties": 0, "patternProperties": {}, "propertyNames": True}
_FORMATS = ("date", "time", "date-time", "uuid")


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """A grammar, and the JSON pointers of the keywords that it does not enforce."""

    text: str
    unenforced: tuple[str, ...]


def compile_schema(schema: Mapping[str, Any] | str | bool) -> Compiled:
    """Return the grammar of `schema`, a dict or JSON text.

    Raises GrammarError, with the place, for a schema that is invalid, allows nothing, or exceeds limits.
    """
    compiler = _Compiler(parse(schema))
    try:
        text = compiler.everything()
    except RecursionError as error:
        raise refusal("#", "it is nested too deeply") from error
    return Compiled(text=text, unenforced=tuple(dict.fromkeys(compiler.unenforced)))


class _Compiler:
    """Compiles one schema. Methods whose name ends in `at` return an expression: a rule's name or a literal."""

    def __init__(self, root: object) -> None:
        self.unenforced: list[str] = []
        self._root = root
        self._rules = Rules()
        self._pointers = Pointers(root)
        self._named: dict[Steps, str] = {}  # rule names of the targets of references
        self._patterns: dict[str, Rewritten] = {}

    def everything(self) -> str:
        root = self.at(self._root, "#", 0)
        written = 0
        while written < len(self._named):
            for steps, name in list(self._named.items())[written:]:
                self._rules.define(name, self.at(self._pointers.target(steps), below("#", *steps), 0))
                written += 1
        return self._rules.text(root)

    def at(self, schema: object, path: str, depth: int) -> str:
        if depth > MAX_DEPTH:
            raise refusal(f"{path[:100]}...", f"schemas are nested more than {MAX_DEPTH} deep")
        if schema is True:
            return self._rules.shared("value")
        if schema is False:
            raise refusal(path, "it allows nothing")
        if not isinstance(schema, dict):
            raise refusal(path, f"a schema must be an object or a boolean, not {json_text(schema)[:80]}")
        if "$ref" in schema:
            return self._reference(schema, path)
        if "allOf" in schema:
            return self.at(self._joined(schema, path), path, depth + 1)
        self._note(schema, path, _NEVER)
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return self._union(schema, key, path, depth)
        if "const" in schema or "enum" in schema:
            return self._values(schema, path)
        return self._typed(schema, path, depth)

    def _note(self, schema: Schema, path: str, keys: Iterable[str]) -> None:
        """Record which of `keys` the schema has as unenforced, except for values without any effect."""
        wanted = set(keys)
        held = [key for key, value in schema.items() if key in _HOLDS_ANYWAY and value == _HOLDS_ANYWAY[key]]
        self.unenforced += [below(path, key) for key in schema if key in wanted and key not in held]

    # References and combinations

    def _reference(self, schema: Schema, path: str) -> str:
        self._note(schema, path, schema.keys() - ANNOTATIONS - {"$ref"})
        steps = self._pointers.final(schema["$ref"], path)
        if steps not in self._named:
            self._named[steps] = self._rules.reserve(steps[-1] if steps else "whole-schema")
        return self._named[steps]

    def _joined(self, schema: Schema, path: str) -> object:
        """Merge the schemas of allOf into one."""
        members = list_at(schema, "allOf", path)
        result: Schema = {key: value for key, value in schema.items() if key != "allOf"}
        if len(members) == 1 and not result.keys() - ANNOTATIONS:
            return members[0]  # perhaps a reference, which may lead back here
        for i, member in enumerate(members):
            if isinstance(member, dict) and "$ref" in member:
                self._note(member, below(path, "allOf", i), member.keys() - ANNOTATIONS - {"$ref"})
            result = self._merged(result, self._pointers.inlined(member, path), below(path, "allOf", i))
        return result

    def _merged(self, first: Schema, second: Schema, path: str) -> Schema:
        try:
            both = merged(first, second)
        except ValueError as error:
            raise refusal(path, str(error)) from error
        self.unenforced += [below(path, key) for key in both.left_out]
        return both.schema

    def _union(self, schema: Schema, key: str, path: str, depth: int) -> str:
        own = {"anyOf", "oneOf", *_NEVER, *ANNOTATIONS}
        rest = {name: value for name, value in schema.items() if name not in own}
        members = list_at(schema, key, path)
        resolved = [self._resolved(each, below(path, key, i)) for i, each in enumerate(members)]
        if "oneOf" in schema and not (key == "oneOf" and exclude_each_other(resolved)):
            self._note(schema, path, {"oneOf"})  # allowed as anyOf is
        parts = []
        for i, each in enumerate(members):
            place = below(path, key, i)
            if isinstance(each, dict) and "$ref" in each:
                self._note(schema, path, rest.keys() - ({"type"} if _has_type_of(resolved[i], rest, path) else set()))
            elif isinstance(each, dict):
                each = self._merged(rest, each, place)
            if each is not False:
                parts.append(self.at(each, place, depth + 1))
        if not parts:
            raise refusal(path, "it allows nothing")
        return self._rules.either(_hint(path), parts)

    def _resolved(self, schema: object, path: str) -> object:
        if isinstance(schema, dict) and "$ref" in schema:
            return self._pointers.target(self._pointers.final(schema["$ref"], path))
        return schema

    def _values(self, schema: Schema, path: str) -> str:
        values = list_at(schema, "enum", path) if "enum" in schema else [schema["const"]]
        types = types_at(schema, path)
        wanted = [
            value
            for value in values
            if (types is None or any(is_type(value, name) for name in types))
            and ("const" not in schema or spelled(value) == spelled(schema["const"]))
        ]
        if not wanted:
            raise refusal(path, "none of the values has the right type")
        self._note(schema, path, schema.keys() - ANNOTATIONS - {"enum", "const", "type", *_NEVER})
        texts = list(dict.fromkeys(json_text(value) for value in wanted))
        if len(texts) < MANY:
            return self._rules.either(_hint(path), map(literal, texts))
        return one_of(self._rules, _hint(path), texts)

    # Types

    def _typed(self, schema: Schema, path: str, depth: int) -> str:
        types = types_at(schema, path)
        if types is None:
            types = [name for name, keys in _TYPED.items() if keys & schema.keys()][:1]
        if not types:
            return self._rules.shared("value")
        return self._rules.either(_hint(path), [self._one_type(name, schema, path, depth) for name in types])

    def _one_type(self, name: str, schema: Schema, path: str, depth: int) -> str:
        if name == "object":
            return self._object(schema, path, depth)
        if name == "array":
            return self._array(schema, path, depth)
        if name == "string":
            return self._string(schema, path)
        if name in ("integer", "number"):
            return self._number(name, schema, path)
        return self._rules.shared(name)

    def _object(self, schema: Schema, path: str, depth: int) -> str:
        keys = keys_at(schema, path)
        others = keys.others is not False
        self._note(schema, path, {*_NEVER_OBJECT, *(["patternProperties"] if others else [])})
        if not keys.properties and keys.others is True:
            return self._rules.shared("object")
        values = {
            name: self.at(value, below(path, "properties", name), depth + 1) for name, value in keys.properties.items()
        }
        more = self.at(keys.others, f"{path}/additionalProperties", depth + 1) if others else None
        return object_rule(self._rules, _hint(path), values, keys.required, more)

    def _array(self, schema: Schema, path: str, depth: int) -> str:
        self._note(schema, path, _NEVER_ARRAY)
        low, high = count_at(schema, "minItems", path), count_at(schema, "maxItems", path)
        check_order("minItems", low, "maxItems", high, path)
        first, items = schema.get("prefixItems", schema.get("items")), schema.get("items", True)
        if isinstance(first, list) or items is False or high == 0:
            listed = first[:high] if isinstance(first, list) else []
            return self._tuple(listed, low or 0, schema, path, depth)
        if "items" not in schema:
            self._note(schema, path, {"unevaluatedItems"})
        if items is True and low is None and high is None:
            return self._rules.shared("array")
        item = self.at(items, f"{path}/items", depth + 1)
        another = self._rules.add("another", f'"," {self._rules.shared("ws")} {item}')
        low, high = self._counts(low, high, "Items", path)
        body = f"{item} {repeated(self._rules, another, max(low - 1, 0), None if high is None else high - 1)}"
        return self._rules.add(_hint(path), f'"[" ws {body if low else f"({body})?"} ws "]"')

    def _tuple(self, items: list[Any], low: int, schema: Schema, path: str, depth: int) -> str:
        if low > len(items):
            raise refusal(path, f"minItems is {low}, but {len(items)} items are described one by one")
        key = "prefixItems" if "prefixItems" in schema else "items"
        parts = [self.at(item, f"{path}/{key}/{i}", depth + 1) for i, item in enumerate(items)]
        self._rules.shared("ws")
        inside = ' "," ws '.join(parts)
        return self._rules.add(_hint(path), f'"[" ws {inside} ws "]"')

    def _string(self, schema: Schema, path: str) -> str:
        low, high = count_at(schema, "minLength", path), count_at(schema, "maxLength", path)
        check_order("minLength", low, "maxLength", high, path)
        kind = schema.get("format")
        if "pattern" in schema:
            self._note(schema, path, {"minLength", "maxLength", "format"})
            body = f"({self._pattern(schema['pattern'], path)})"
        elif kind in _FORMATS:
            self._note(schema, path, {"minLength", "maxLength"})
            body = self._rules.shared(kind)
        elif low is None and high is None:
            self._note(schema, path, {"format"})
            return self._rules.shared("string")
        else:
            self._note(schema, path, {"format"})
            low, high = self._counts(low, high, "Length", path)
            body = repeated(self._rules, self._rules.shared("char"), low, high)
        return self._rules.add(_hint(path), f'"\\"" {body} "\\""')

    def _pattern(self, pattern: object, path: str) -> str:
        try:
            if not isinstance(pattern, str):
                raise PatternError("it is no text")
            if pattern not in self._patterns:
                self._patterns[pattern] = rewrite(pattern, self._rules)
        except PatternError as error:
            raise refusal(path, f"the pattern {pattern!r} cannot be used: {error}") from error
        if not self._patterns[pattern].exact:
            self.unenforced.append(below(path, "pattern"))
        return self._patterns[pattern].text

    def _counts(self, low: int | None, high: int | None, kind: str, path: str) -> tuple[int, int | None]:
        """Return the counts, limited to those that a grammar can express."""
        if high is not None and high > MAX_COUNT:
            self.unenforced.append(below(path, f"max{kind}"))
            high = None
        if low is not None and low > MAX_COUNT:
            self.unenforced.append(below(path, f"min{kind}"))
        return min(low or 0, MAX_COUNT), high

    def _number(self, name: str, schema: Schema, path: str) -> str:
        if name != "integer" or schema.get("multipleOf") != 1:
            self._note(schema, path, {"multipleOf"})
        low, high = bounds_at(schema, path, whole=name == "integer")
        check_order("minimum", low, "maximum", high, path)
        if low is None and high is None:
            return self._rules.shared(name)
        if name == "number":
            return self._rules.add(_hint(path), number_between(low, high))
        body = whole_between(None if low is None else int(low), None if high is None else int(high))
        return self._rules.add(_hint(path), body)


def _has_type_of(target: object, schema: Schema, path: str) -> bool:
    """Return True if the target of a reference allows no other types than `schema`."""
    found = types_at(target, path) if isinstance(target, dict) else None
    wanted = types_at(schema, path)
    return wanted is None or (found is not None and set(found) <= with_whole_numbers(set(wanted)))


def _hint(path: str) -> str:
    """Return a rule name that shows where in the schema the rule is from."""
    dull = {"anyOf", "oneOf", "allOf", "prefixItems", "additionalProperties"}
    last = next(part for part in reversed(path.split("/")) if part not in dull and not part.isdigit())
    return {"#": "value", "items": "item"}.get(last, last)
