"""Bring a JSON schema into the form that llama.cpp turns into a grammar correctly.

llama.cpp knows a part of JSON Schema and leaves out the rest without a word; its converter also trusts its input. Here
a schema is checked and rewritten where that part can say the same, and what no grammar holds is listed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from llamapack.errors import GrammarError
from llamapack.schema.merging import ANNOTATIONS, merged
from llamapack.schema.patterns import MAX_TIMES, PatternError, one_of, rewrite
from llamapack.schema.reading import (
    NUMBER_KEYS,
    Schema,
    check_order,
    count_at,
    is_type,
    list_at,
    mapping_at,
    refusal,
    types_at,
    whole_bounds,
)

MAX_DEPTH = 200  # schemas inside one another, also through $ref: llama.cpp recurses, 1.4 KB of stack each
MAX_KEY = 1000  # bytes; std::regex recurses once a character
MAX_OPTIONAL = 500  # properties of one object; llama.cpp's time grows with their cube
MANY = 64  # values of an enum, from which on they are matched letter by letter

_OF_TYPE = {
    "object": "properties required additionalProperties patternProperties propertyNames minProperties maxProperties "
    "dependentRequired dependentSchemas dependencies unevaluatedProperties",
    "array": "items prefixItems additionalItems minItems maxItems uniqueItems contains minContains maxContains "
    "unevaluatedItems",
    "string": "pattern minLength maxLength format",
}
_OF_ALL = ("not", "if", "then", "else")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_ $.:/@]{1,100}")
_FORMATS = re.compile(r"date|time|date-time|uuid[1-5]?")


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A schema for llama.cpp, as JSON text, and the places of what its grammar will not hold."""

    text: str
    unenforced: tuple[str, ...]


def prepare(schema: Mapping[str, Any] | str | bool) -> Prepared:
    """Rewrite `schema`; raises GrammarError with the place of what is wrong or too much."""
    walk = _Walk(_parse(schema))
    root = walk.everything()
    return Prepared(text=json.dumps(root, ensure_ascii=False), unenforced=tuple(dict.fromkeys(walk.unenforced)))


def _parse(schema: object) -> object:
    try:
        text = schema if isinstance(schema, str) else json.dumps(schema, allow_nan=False)
        return json.loads(text, parse_constant=_no_number)
    except RecursionError as error:
        raise GrammarError("The JSON schema is nested too deeply.") from error
    except (ValueError, TypeError) as error:
        raise GrammarError("The JSON schema is not JSON.", why=str(error)) from error


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number in JSON")


class _Walk:
    """One walk over a schema. References become numbered definitions, so that any pointer can be one."""

    def __init__(self, root: object) -> None:
        self.root = root
        self.unenforced: list[str] = []
        self._names: dict[str, str] = {}
        self._uses: dict[str, list[tuple[str, int]]] = {"#": []}
        self._owner = "#"
        self._merging: list[str] = []

    def everything(self) -> Schema:
        root = self.node(self.root, "#", 0)
        definitions: Schema = {}
        while len(definitions) < len(self._names):
            pointer, name = list(self._names.items())[len(definitions)]
            self._owner = name
            self._uses[name] = []
            definitions[name] = self.node(self._target(pointer, pointer), pointer, 0)
        self._check_depth()
        return {**root, "$defs": definitions} if definitions else root

    def _check_depth(self) -> None:
        """Follow references in llama.cpp's order, each definition once, and see how deep that goes."""
        seen, todo = {"#"}, [("#", 0)]
        while todo:
            owner, depth = todo.pop()
            if depth > MAX_DEPTH:
                raise refusal("#", f"references lead more than {MAX_DEPTH} schemas deep")
            for name, below in reversed(self._uses[owner]):
                if name not in seen:
                    seen.add(name)
                    todo.append((name, depth + below + 1))

    def node(self, schema: object, path: str, depth: int) -> Schema:
        """Rewrite one schema and those inside it."""
        if depth > MAX_DEPTH:
            raise refusal(path[:200], f"schemas are nested more than {MAX_DEPTH} deep")
        if schema is True:
            return {}
        if schema is False:
            raise refusal(path, "it allows nothing")
        if not isinstance(schema, dict):
            raise refusal(path, f"a schema must be an object or a boolean, not {json.dumps(schema)[:80]}")
        if "$ref" in schema:
            return self._reference(schema, path, depth)
        if "allOf" in schema:
            return self.node(self._joined(schema, path), path, depth)
        self._note(schema, path, _OF_ALL)
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return self._union(schema, key, path, depth)
        if "const" in schema or "enum" in schema:
            return self._values(schema, path)
        return self._typed(schema, path, depth)

    def _note(self, schema: Schema, path: str, keys: object) -> None:
        assert isinstance(keys, (tuple, set))
        self.unenforced += [f"{path}/{key}" for key in schema if key in keys]

    # References and combinations

    def _reference(self, schema: Schema, path: str, depth: int) -> Schema:
        self._note(schema, path, set(schema) - ANNOTATIONS - {"$ref"})
        pointer = self._final(schema["$ref"], path)
        name = self._names.setdefault(pointer, f"def{len(self._names)}")
        self._uses[self._owner].append((name, depth))
        return {"$ref": f"#/$defs/{name}"}

    def _final(self, pointer: object, path: str) -> str:
        """Follow references that lead to nothing but another."""
        seen: list[object] = []
        while pointer not in seen:
            seen.append(pointer)
            target = self._target(pointer, path)
            if not (isinstance(target, dict) and "$ref" in target):
                return str(pointer)
            pointer = target["$ref"]
        raise refusal(path, f"$ref {pointer!r} leads back to itself")

    def _target(self, pointer: object, path: str) -> object:
        if not isinstance(pointer, str) or not re.match(r"#(/|$)", pointer):
            raise refusal(path, f"$ref {pointer!r} is not supported; only references into the same schema are: '#/...'")
        target: Any = self.root
        for step in pointer.split("/")[1:]:
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(target, dict) and key in target:
                target = target[key]
            elif isinstance(target, list) and key.isdecimal() and int(key) < len(target):
                target = target[int(key)]
            else:
                raise refusal(path, f"$ref {pointer!r} leads to nothing: there is no {key!r}")
        return target

    def _joined(self, schema: Schema, path: str) -> Schema:
        """Merge the schemas of allOf into one."""
        members = list_at(schema, "allOf", path)
        result = {key: value for key, value in schema.items() if key != "allOf"}
        if len(members) == 1 and not set(result) - ANNOTATIONS:
            return members[0] if isinstance(members[0], dict) else {"anyOf": members}
        for member in members:
            inline = self._inlined(member, path)
            try:
                result = merged(result, inline)
            except ValueError as error:
                raise refusal(f"{path}/allOf", str(error)) from error
        return result

    def _inlined(self, member: object, path: str) -> Schema:
        if isinstance(member, dict) and "$ref" in member:
            pointer = self._final(member["$ref"], path)
            if pointer in self._merging:
                raise refusal(path, f"allOf leads back to itself through {pointer!r}")
            self._merging.append(pointer)
            try:
                return self._inlined(self._target(pointer, path), path)
            finally:
                self._merging.pop()
        if isinstance(member, dict) and "allOf" in member:
            return self._joined(member, path)
        if not isinstance(member, dict):
            return {} if member is True else {"anyOf": [member]}
        return member

    def _union(self, schema: Schema, key: str, path: str, depth: int) -> Schema:
        own = {"anyOf", "oneOf", *_OF_ALL, *ANNOTATIONS}
        rest = {name: value for name, value in schema.items() if name not in own}
        self._note(schema, path, {"oneOf"})  # allowed as anyOf is
        alternatives = []
        for i, each in enumerate(list_at(schema, key, path)):
            place = f"{path}/{key}/{i}"
            if isinstance(each, dict) and "$ref" not in each and rest:
                try:
                    each = merged(rest, each)
                except ValueError as error:
                    raise refusal(place, str(error)) from error
            elif isinstance(each, dict) and "$ref" in each:
                self._note(schema, path, set(rest) - {"type"})
            if each is not False:
                alternatives.append(self.node(each, place, depth + 1))
        if not alternatives:
            raise refusal(path, "it allows nothing")
        return {"anyOf": alternatives}

    def _values(self, schema: Schema, path: str) -> Schema:
        values = list_at(schema, "enum", path) if "enum" in schema else [schema["const"]]
        types = types_at(schema, path)
        wanted = [
            value
            for value in values
            if (types is None or any(is_type(value, name) for name in types))
            and ("const" not in schema or (value == schema["const"] and type(value) is type(schema["const"])))
        ]
        if not wanted:
            raise refusal(path, "none of the values has the right type")
        self._note(schema, path, set(schema) - ANNOTATIONS - {"enum", "const", "type", *_OF_ALL})
        if len(wanted) >= MANY and all(isinstance(value, str) for value in wanted):
            try:
                return {"type": "string", "pattern": one_of(wanted)}
            except PatternError:
                pass  # as a plain list, then
        return {"enum": wanted}

    # Types

    def _typed(self, schema: Schema, path: str, depth: int) -> Schema:
        types = types_at(schema, path)
        if types is None:
            types = [name for name in ("object", "array", "string") if set(_OF_TYPE[name].split()) & set(schema)][:1]
            if not types:
                self._note(schema, path, {*NUMBER_KEYS, "multipleOf"})
                return {}
        if len(types) == 1:
            return self._one_type(types[0], schema, path, depth)
        return {"anyOf": [self._one_type(name, schema, path, depth + 1) for name in types]}

    def _one_type(self, name: str, schema: Schema, path: str, depth: int) -> Schema:
        if name == "object":
            return self._object(schema, path, depth)
        if name == "array":
            return self._array(schema, path, depth)
        if name == "string":
            return self._string(schema, path)
        if name == "integer":
            self._note(schema, path, {"multipleOf"})
            return {"type": "integer", **whole_bounds(schema, path)}
        if name == "number":
            self._note(schema, path, {*NUMBER_KEYS, "multipleOf"})
        return {"type": name}

    def _object(self, schema: Schema, path: str, depth: int) -> Schema:
        properties, required, more = self._keys(schema, path)
        unknown = {"propertyNames", "minProperties", "maxProperties"}
        unknown |= {"dependentRequired", "dependentSchemas", "dependencies"}
        self._note(schema, path, unknown if more is False else {*unknown, "patternProperties"})
        result: Schema = {"type": "object", "required": required}
        if properties:
            result["properties"] = {
                name: self.node(each, f"{path}/properties/{name}", depth + 1) for name, each in properties.items()
            }
        more = more if isinstance(more, bool) else self.node(more, f"{path}/additionalProperties", depth + 1) or True
        return {**result, "additionalProperties": more}

    def _keys(self, schema: Schema, path: str) -> tuple[Schema, list[str], Any]:
        """Return the properties, the names of the required ones, and the schema of all others."""
        properties = mapping_at(schema, "properties", path)
        required = [name for name in schema.get("required", ()) if isinstance(name, str)]
        more = schema.get("additionalProperties", schema.get("unevaluatedProperties"))
        missing = [name for name in required if name not in properties]
        if missing and more is False and "patternProperties" not in schema:
            raise refusal(path, f"{missing[0]!r} is required, but additionalProperties forbids it")
        properties = {**properties, **dict.fromkeys(missing, True if more in (None, False) else more)}
        if more is None:
            more = not properties and "properties" not in schema
        if more is not False and not all(_PLAIN_KEY.fullmatch(name) for name in properties):
            more = False  # llama.cpp's rule for "any other key" takes letters, not all signs
        self._check_keys(properties, required, path)
        return properties, required, more

    def _check_keys(self, properties: Schema, required: list[str], path: str) -> None:
        for name in properties:
            if len(name.encode("utf-8", "surrogatepass")) > MAX_KEY:
                raise refusal(path, f"the key {name[:40]!r}... is longer than {MAX_KEY} bytes")
        optional = len(properties.keys() - set(required))
        if optional > MAX_OPTIONAL:
            raise refusal(path, f"{optional} properties are optional; at most {MAX_OPTIONAL} of one object can be")

    def _array(self, schema: Schema, path: str, depth: int) -> Schema:
        self._note(schema, path, {"uniqueItems", "contains", "minContains", "maxContains"})
        low, high = count_at(schema, "minItems", path), count_at(schema, "maxItems", path)
        check_order("minItems", low, "maxItems", high, path)
        first = schema.get("prefixItems", schema.get("items"))
        if isinstance(first, list):
            return self._tuple(first[:high], low or 0, schema, path, depth)
        items = schema.get("items", True)
        if items is False:
            return self._tuple([], low or 0, schema, path, depth)
        result: Schema = {"type": "array", "items": self.node(items, f"{path}/items", depth + 1)}
        return result | self._counts(low, high, "Items", path)

    def _tuple(self, items: list[object], low: int, schema: Schema, path: str, depth: int) -> Schema:
        if low > len(items):
            raise refusal(path, f"minItems is {low}, but only {len(items)} items are described one by one")
        places = (f"{path}/{'prefixItems' if 'prefixItems' in schema else 'items'}/{i}" for i in range(len(items)))
        return {
            "type": "array",
            "items": [self.node(item, place, depth + 1) for item, place in zip(items, places, strict=True)],
        }

    def _string(self, schema: Schema, path: str) -> Schema:
        low, high = count_at(schema, "minLength", path), count_at(schema, "maxLength", path)
        check_order("minLength", low, "maxLength", high, path)
        if "pattern" in schema:
            self._note(schema, path, {"minLength", "maxLength", "format"})
            return {"type": "string", "pattern": _pattern(schema["pattern"], path)}
        if isinstance(schema.get("format"), str) and _FORMATS.fullmatch(schema["format"]):
            self._note(schema, path, {"minLength", "maxLength"})
            return {"type": "string", "format": schema["format"]}
        self._note(schema, path, {"format"})
        return {"type": "string", **self._counts(low, high, "Length", path)}

    def _counts(self, low: int | None, high: int | None, kind: str, path: str) -> Schema:
        if high is not None and high > MAX_TIMES:
            self.unenforced.append(f"{path}/max{kind}")
            high = None
        if low is not None and low > MAX_TIMES:
            raise refusal(path, f"min{kind} is {low}, and a grammar counts to {MAX_TIMES} at most")
        return {f"{side}{kind}": count for side, count in (("min", low), ("max", high)) if count is not None}


def _pattern(pattern: object, path: str) -> str:
    try:
        if not isinstance(pattern, str):
            raise PatternError("it is no text")
        return rewrite(pattern)
    except PatternError as error:
        raise refusal(path, f"the pattern {pattern!r} cannot be used: {error}") from error
