"""JSON schemas as grammars: what they allow, what they list as not enforced, and what they refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llamapack.errors import GrammarError
from llamapack.sampling.json_schema import compile_schema

from tests.support.grammars.gbnf import grammar_regex

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}, "sure": {"type": "boolean"}},
    "required": ["name", "sure"],
}
ALLOWED: list[tuple[Any, list[Any]]] = [
    ({"allOf": [{"const": 1.0}, {"enum": [True, 1]}]}, [1]),
    (
        {
            "type": "array",
            "allOf": [
                {"prefixItems": [{"const": 1}, {"const": 2}], "items": False},
                {"prefixItems": [{"minimum": 0}], "items": False},
            ],
        },
        [[1]],
    ),
    (PERSON, [{"name": "Ada", "age": 36, "sure": True}, {"name": "", "sure": False}]),
    ({"type": "object", "properties": {"a": {"type": "null"}, "b": {"type": "null"}}}, [{}, {"b": None}]),
    ({"enum": ["red", 'bl"ue', 3, None, {"k": [1, 2]}]}, ["red", 'bl"ue', 3, None, {"k": [1, 2]}]),
    ({"enum": [f"item {i}" for i in range(100)]}, ["item 0", "item 7", "item 77"]),
    ({"const": "é\n"}, ["é\n"]),
    ({"type": ["string", "null"], "maxLength": 2}, ["", "ab", None]),
    ({"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 2}, [[True], [True, False]]),
    ({"type": "array", "items": {"type": "boolean"}, "maxItems": 1}, [[], [True]]),
    ({"type": "array", "prefixItems": [{"type": "boolean"}, {"type": "null"}]}, [[True, None]]),
    ({"type": "array", "items": [{"type": "null"}]}, [[None]]),
    ({"type": "array", "items": False}, [[]]),
    ({"type": "integer", "exclusiveMinimum": 3, "maximum": 5.5}, [4, 5]),
    ({"type": "integer", "minimum": 3, "exclusiveMinimum": True, "maximum": 5}, [4, 5]),
    ({"type": "number", "minimum": 0, "exclusiveMaximum": 1}, [0, 0.5, 0.999]),
    ({"type": "string", "format": "date"}, ["2024-12-31", "1999-02-28"]),
    ({"type": "string", "format": "time"}, ["23:59:59Z", "00:00:00.125+02:00"]),
    ({"type": "string", "format": "date-time"}, ["2024-12-31T23:59:59Z"]),
    ({"type": "string", "format": "uuid"}, ["123e4567-e89b-12d3-a456-426614174000"]),
    ({"type": "string", "pattern": '^"[a-z]+"$'}, ['"ab"']),
    ({"anyOf": [{"type": "boolean"}, {"type": "integer", "maximum": 0}]}, [True, 0, -5]),
    ({"type": "object", "anyOf": [{"required": ["a"]}], "properties": {"a": {"type": "null"}}}, [{"a": None}]),
    (
        {"allOf": [{"properties": {"a": {"type": "null"}}, "required": ["a"]}, {"properties": {"b": {"const": 1}}}]},
        [{"a": None}, {"a": None, "b": 1}],
    ),
    ({"allOf": [{"type": "number"}, {"type": "integer", "minimum": 1}, {"maximum": 2}]}, [1, 2]),
    ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"$ref": "#/$defs/c%20d"}, "c d": {"type": "null"}}}, [None]),
    ({"properties": {"a": {"type": "null"}}, "required": ["b", "a"], "additionalProperties": {"const": 1}}, []),
    ({"properties": {"a": {"type": "null"}}, "additionalProperties": {"const": 1}}, [{}, {"a": None}, {"x": 1}]),
    ({"minimum": 2, "maximum": 3}, [2, 2.5, 3]),
]
REFUSED: list[tuple[Any, list[Any]]] = [
    ({"allOf": [{"enum": [1, True, "a"]}, {"enum": [True, "a", 2]}]}, [1, 2]),
    (
        {"allOf": [{"type": "array", "items": {"maximum": 5}}, {"prefixItems": [{"type": "integer"}], "items": False}]},
        [[6], [1, 2], ["x"], [None]],
    ),
    (
        {
            "type": "array",
            "allOf": [
                {"prefixItems": [{"const": 1}, {"const": 2}], "items": False},
                {"prefixItems": [{"minimum": 0}], "items": False},
            ],
        },
        [[1, 2], [0]],
    ),
    ({"type": "array", "allOf": [{"items": {"minimum": 1}}, {"items": {"maximum": 3}}]}, [[0], [4]]),
    (
        {
            "allOf": [{"properties": {"a": {"type": "null"}}}],
            "properties": {"b": {"const": 1}},
            "additionalProperties": False,
        },
        [{"a": None}, {"b": 1, "a": None}],
    ),
    (
        {"allOf": [{"properties": {"a": {"const": 1}}}], "properties": {}, "additionalProperties": {"enum": [1, 2]}},
        [{"a": 2}],
    ),
    (PERSON, [{}, {"name": "Ada"}, {"name": "Ada", "sure": True, "x": 1}, {"sure": True, "name": "Ada"}, []]),
    (PERSON, [{"name": "Ada", "sure": True, "age": 3}, {"name": "Ada", "age": -1, "sure": True}]),
    ({"enum": [f"item {i}" for i in range(100)]}, ["item", "item 100", "item 077", ""]),
    ({"enum": [1, "a"], "type": "string"}, [1]),
    ({"type": "string", "minLength": 2, "maxLength": 3}, ["a", "abcd", 5]),
    ({"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 2}, [[], [True] * 3, [1]]),
    ({"type": "integer"}, [1.5, "1", True]),
    ({"type": "string", "format": "date"}, ["2024-02-30", "2024-13-01", "2024-04-31", "24-01-01"]),
    ({"properties": {"ab": {"type": "null"}}, "additionalProperties": {"const": 1}}, [{"ab": 1}]),
    ({"properties": {'q"': {"type": "null"}}, "additionalProperties": {"const": 1}}, [{'q"': 1}]),
]


@pytest.mark.parametrize(("schema", "values"), ALLOWED, ids=lambda each: json.dumps(each)[:40])
def test_allowed_values_match(schema: Any, values: list[Any]) -> None:
    regex = grammar_regex(compile_schema(schema).text)
    for value in values:
        assert regex.fullmatch(json.dumps(value, ensure_ascii=False)), value


@pytest.mark.parametrize(("schema", "values"), REFUSED, ids=lambda each: json.dumps(each)[:40])
def test_other_values_do_not_match(schema: Any, values: list[Any]) -> None:
    regex = grammar_regex(compile_schema(schema).text)
    for value in values:
        assert not regex.fullmatch(json.dumps(value, ensure_ascii=False)), value


def test_keys_keep_the_schemas_order_also_the_optional_ones() -> None:
    keys = ["zeta", "alpha", "mid", "beta"]
    schema = {"properties": {key: {"type": "null"} for key in keys}, "required": ["alpha", "beta"]}
    regex = grammar_regex(compile_schema(json.dumps(schema)).text)
    assert regex.fullmatch(json.dumps(dict.fromkeys(keys)))
    assert regex.fullmatch(json.dumps(dict.fromkeys(["alpha", "beta"])))
    for wrong in (["alpha", "zeta", "beta"], ["beta", "alpha"], ["zeta", "mid", "alpha", "beta"], ["zeta", "beta"]):
        assert not regex.fullmatch(json.dumps(dict.fromkeys(wrong)))


def test_many_optional_keys_may_come_in_any_choice_but_in_order() -> None:
    keys = [f"k{i}" for i in range(9)]
    regex = grammar_regex(compile_schema({"properties": {key: {"type": "null"} for key in keys}}).text)
    for chosen in ([], keys, keys[::3], keys[-1:], [keys[0], keys[8]]):
        assert regex.fullmatch(json.dumps(dict.fromkeys(chosen)))
    assert not regex.fullmatch(json.dumps(dict.fromkeys([keys[5], keys[4]])))


def test_recursion_becomes_a_rule_that_names_itself() -> None:
    text = compile_schema({"properties": {"child": {"$ref": "#"}}, "additionalProperties": False}).text
    rules = dict(line.split(" ::= ") for line in text.splitlines())
    (name,) = (name for name in rules if name.startswith("whole-schema"))
    assert name in rules[rules[name]]


ANIMAL: dict[str, Any] = {  # as pydantic writes a union with a discriminator
    "oneOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}],
    "discriminator": {"propertyName": "kind", "mapping": {"cat": "#/$defs/Cat", "dog": "#/$defs/Dog"}},
    "$defs": {
        name: {
            "type": "object",
            "properties": {"kind": {"const": name.lower(), "type": "string"}, "age": {"type": "integer"}},
            "required": ["kind", "age"],
        }
        for name in ("Cat", "Dog")
    },
}
DECIMAL = {
    "anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"}],
    "title": "Price",
}
UNTYPED: dict[str, Any] = {
    "minProperties": 1,
    "maxProperties": 1,
    "dependentRequired": {"a": ["b"]},
    "minContains": 1,
    "unevaluatedItems": False,
    "patternProperties": {"^x": {"type": "null"}},
    "$dynamicRef": "#node",
}


@pytest.mark.parametrize(
    ("schema", "places"),
    [
        (PERSON, ()),
        ({"type": "integer", "multipleOf": 3}, ("#/multipleOf",)),
        ({"type": "array", "uniqueItems": True, "contains": {}}, ("#/uniqueItems", "#/contains")),
        ({"properties": {"a": {"type": "string", "format": "email"}}}, ("#/properties/a/format",)),
        ({"type": "string", "pattern": "a", "minLength": 3}, ("#/minLength",)),
        ({"type": "string", "maxLength": 200_000}, ()),
        ({"type": "string", "minLength": 200_001, "maxLength": 200_002}, ("#/maxLength", "#/minLength")),
        ({"type": "array", "items": {"type": "null"}, "maxItems": 200_000, "minItems": 2001}, ()),
        ({"type": "array", "items": {"type": "null"}, "maxItems": 200_001}, ("#/maxItems",)),
        ({"type": "integer", "multipleOf": 1}, ()),
        ({"type": "number", "multipleOf": 1}, ("#/multipleOf",)),
        ({"oneOf": [{"type": "null"}, {"type": "boolean"}]}, ()),
        ({"oneOf": [{"const": "a"}, {"enum": ["b", 3]}]}, ()),
        ({"oneOf": [{"const": 1}, {"const": 1.0}]}, ("#/oneOf",)),
        ({"oneOf": [{"const": {"a": [1.0]}}, {"const": {"a": [1]}}]}, ("#/oneOf",)),
        ({"oneOf": [{"const": 1}, {"const": 1.5}, {"const": True}]}, ()),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, ("#/oneOf",)),
        ({"oneOf": [{"type": "string", "maxLength": 5}, {"type": "string", "minLength": 2}]}, ("#/oneOf",)),
        (ANIMAL, ()),
        ({**ANIMAL, "oneOf": [*ANIMAL["oneOf"], {"type": "object"}]}, ("#/oneOf",)),
        (
            {"type": "object", "minProperties": 1, "patternProperties": {"^x": {}}},
            ("#/minProperties", "#/patternProperties"),
        ),
        ({"properties": {}, "patternProperties": {"^x": {}}}, ()),
        ({"not": {"type": "null"}, "type": ["null", "boolean"]}, ("#/not",)),
        ({"$ref": "#/$defs/a", "minimum": 3, "description": "x", "$defs": {"a": {"type": "integer"}}}, ("#/minimum",)),
        ({"type": "string", "minimum": 3, "title": "x"}, ()),
        (DECIMAL, ("#/anyOf/1/pattern",)),
        (
            {"properties": {"a/b~c": {"multipleOf": 2}, "": {"multipleOf": 2}}},
            ("#/properties/a~1b~0c/multipleOf", "#/properties//multipleOf"),
        ),
        ({"$ref": "#/$defs/a%2Fb%25", "$defs": {"a/b%": {"uniqueItems": True}}}, ("#/$defs/a~1b%/uniqueItems",)),
        ({"type": "array", "uniqueItems": False}, ()),
        ({"type": "string", "allOf": [{"pattern": "^a"}, {"pattern": "b$"}]}, ("#/allOf/1/pattern",)),
        ({"type": "string", "pattern": "^a", "anyOf": [{"pattern": "b$"}]}, ("#/anyOf/0/pattern",)),
        (
            {"allOf": [{"multipleOf": 2}, {"multipleOf": 3}], "type": "integer"},
            ("#/allOf/1/multipleOf", "#/multipleOf"),
        ),
        ({"type": "object", "minProperties": 0, "patternProperties": {}}, ()),
        *(({key: value}, (f"#/{key}",)) for key, value in UNTYPED.items()),
        ({"type": "array", "unevaluatedItems": False}, ("#/unevaluatedItems",)),
        ({"type": "array", "prefixItems": [{}], "unevaluatedItems": False}, ()),
        ({"type": "string", "anyOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"type": "string"}}}, ()),
        ({"type": "string", "anyOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"type": "integer"}}}, ("#/type",)),
        ({"type": "number", "anyOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"type": "integer"}}}, ()),
        (
            {
                "allOf": [{"$ref": "#/$defs/a", "minLength": 2}],
                "$defs": {"a": {"type": "string"}},
                "title": "x",
                "type": "string",
            },
            ("#/allOf/0/minLength",),
        ),
    ],
    ids=str,
)
def test_what_the_grammar_does_not_hold_is_listed(schema: Any, places: tuple[str, ...]) -> None:
    assert compile_schema(schema).unenforced == places


DEEP: Any = {"type": "null"}
for _ in range(70):
    DEEP = {"type": "array", "items": DEEP}


@pytest.mark.parametrize(
    ("schema", "place", "reason"),
    [
        (False, "#", "it allows nothing"),
        ([], "#", "a schema must be an object or a boolean, not []"),
        ({"type": "nope"}, "#", "type must be one or several of object, array, string"),
        ({"properties": {"a": False}}, "#/properties/a", "it allows nothing"),
        ({"properties": []}, "#", "properties must be an object"),
        ({"anyOf": []}, "#", "anyOf must be a list that is not empty"),
        ({"enum": [1], "type": "string"}, "#", "none of the values has the right type"),
        ({"type": "integer", "minimum": 5, "maximum": 2}, "#", "it allows nothing: minimum is 5 and maximum is 2"),
        ({"type": "integer", "minimum": "5"}, "#", 'minimum must be a number, not "5"'),
        ({"type": "array", "minItems": 3, "maxItems": 2}, "#", "it allows nothing: minItems is 3 and maxItems is 2"),
        ({"type": "array", "items": {}, "minItems": -1}, "#", "minItems must be a whole number from 0, not -1"),
        ({"type": "array", "prefixItems": [{}], "minItems": 2}, "#", "minItems is 2, but 1 items are described"),
        ({"type": "string", "pattern": "("}, "#", "the pattern '(' cannot be used: a bracket is not closed"),
        ({"type": "object", "required": True}, "#", "required must be a list of keys, not true"),
        ({"type": "object", "required": ["a", 1]}, "#", 'required must be a list of keys, not ["a", 1]'),
        ({"properties": {}, "required": ["a"], "additionalProperties": False}, "#", "'a' is required, but"),
        ({"$ref": "#/a"}, "#", "$ref '#/a' leads to nothing: there is no 'a'"),
        ({"$ref": "https://example.org/x"}, "#", "$ref 'https://example.org/x' is not supported"),
        ({"$ref": "#"}, "#", "$ref '#' leads back to itself"),
        (
            {"properties": {"b": {"oneOf": [{"type": "null"}, {"$ref": "#/a"}]}}},
            "#/properties/b/oneOf/1",
            "$ref '#/a' leads to nothing: there is no 'a'",
        ),
        (
            {"allOf": [{"type": "null"}, {"type": "string"}]},
            "#/allOf/1",
            "schemas that must all hold want different types",
        ),
        ({"allOf": [{"const": 1}, {"const": 2}]}, "#/allOf/1", "schemas that must all hold want different values"),
        ({"allOf": [{"minimum": "x"}, {"minimum": 2}]}, "#/allOf/1", "minimum must be a number"),
        (DEEP, "#" + "/items" * 16 + "/it...", "schemas are nested more than 64 deep"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(schema: Any, place: str, reason: str) -> None:
    with pytest.raises(GrammarError) as caught:
        compile_schema(schema)
    assert str(caught.value).startswith(f"The JSON schema cannot be used: at {place.replace('/it...', '/')}")
    assert reason in str(caught.value)


@pytest.mark.parametrize("text", ["{", "", '{"a": NaN}', {"a": float("nan")}, {"a": {1, 2}}], ids=str)
def test_what_is_no_json_is_refused(text: Any) -> None:
    with pytest.raises(GrammarError, match="The JSON schema is not JSON"):
        compile_schema(text)


def test_allof_that_leads_to_itself_ends() -> None:
    loop = {"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}, {"type": "object"}]}}}
    with pytest.raises(GrammarError, match="nested more than 64 deep"):
        compile_schema(loop)
