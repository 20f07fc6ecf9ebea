"""JSON schemas: what their grammars let through is valid, and what is not enforced is told."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import llamapack
import numpy as np
import pytest
from llamapack.errors import GrammarError, InputError, SchemaWarning
from llamapack.grammar import Grammar
from llamapack.sampling import Greedy, Sampler

from tests.support.grammars.chains import allowed, allowed_tokens, chain, feed
from tests.support.grammars.random_schemas import CONTRADICTIONS, random_schema

SCHEMAS: dict[str, Any] = {
    "object": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 20},
            "age": {"type": "integer", "minimum": -3, "maximum": 120},
            "tone": {"enum": ["warm", 'a "cold" one', None, 3]},
        },
        "required": ["name", "age"],
        "additionalProperties": False,
    },
    "numbers": {
        "type": "object",
        "properties": {
            "p": {"type": "number", "minimum": 0, "maximum": 1},
            "q": {"exclusiveMinimum": -2.5, "type": "number"},
        },
        "required": ["p", "q"],
        "additionalProperties": {"type": "boolean"},
    },
    "patterns": {
        "type": "array",
        "items": {"pattern": r"^[A-Z]{2}\d+(\.\w)?$", "type": "string"},
        "minItems": 1,
        "maxItems": 3,
    },
    "quotes": {"type": "string", "pattern": r'^.{0,5}["\\]\/$'},
    "classes": {"type": "string", "pattern": r"^[^a-z\n]{1,9}$"},
    "lengths": {"type": "string", "minLength": 2, "maxLength": 4},
    "tuple": {
        "type": "array",
        "prefixItems": [{"type": "integer"}, {"const": {"k": [1, "é"]}}],
        "items": False,
        "minItems": 2,
    },
    "tree": {
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "v": {"type": "integer"},
                    "kids": {"type": "array", "items": {"$ref": "#/$defs/node"}, "maxItems": 2},
                },
                "required": ["v"],
                "additionalProperties": False,
            }
        },
        "$ref": "#/$defs/node",
    },
    "all": {
        "allOf": [
            {"$ref": "#/definitions/base"},
            {"properties": {"x": {"type": "integer", "minimum": 1}}, "required": ["x"]},
        ],
        "definitions": {
            "base": {
                "type": "object",
                "properties": {"n": {"type": ["string", "null"], "maxLength": 3}},
                "required": ["n"],
            }
        },
    },
    "any": {
        "anyOf": [
            {"type": "integer", "exclusiveMinimum": 10, "exclusiveMaximum": 13},
            {"properties": {"k": True}, "required": ["k", "z"]},
        ]
    },
    "values": {"enum": [f"value {i}" for i in range(0, 2000, 7)] + ["v", "value", "value 1"]},
    "optional": {
        "type": "object",
        "properties": {f"k{i}": {"type": "boolean"} for i in range(30)},
        "additionalProperties": False,
    },
    "odd keys": {
        "properties": {'we"ird\\': {"type": "null"}, "^-]": {"type": "null"}},
        "additionalProperties": {"type": "integer"},
    },
    "anything": True,
}


def random_text(sampler: Sampler, vocab: llamapack.Vocab, letters: list[int], seed: int) -> str | None:
    """Walk through the grammar at random, one letter a token, with a liking for what ends something."""
    random = np.random.default_rng(seed)
    assert vocab.eos is not None
    tokens = [*letters, vocab.eos]
    liking = np.array([3.0 if vocab.piece(token) in (b'"', b"}", b"]", b",") else 0.0 for token in letters] + [5.0])
    sampler.reset()
    text = b""
    while len(text) < 2000:
        token = sampler.apply(liking + random.gumbel(size=len(tokens)), tokens).selected
        assert token is not None
        sampler.accept(token)
        if token == vocab.eos:
            return text.decode()
        text += vocab.piece(token)
    return None


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_every_text_that_a_schemas_grammar_allows_is_valid(vocab: llamapack.Vocab, schema: Any) -> None:
    letters = [token for token in range(1000) if len(vocab.piece(token)) == 1 and vocab.piece(token) < b"\x80"]
    letters += [tokens[0] for letter in "éü世" if len(tokens := vocab.tokenize(letter, add_special=False)) == 1]
    seen = set()
    with chain(vocab, Grammar.from_json_schema(schema), Greedy()) as sampler:
        for seed in range(8):
            text = random_text(sampler, vocab, letters, seed)
            if text is not None:
                jsonschema.validate(json.loads(text), schema)
                seen.add(text)
    assert seen


def test_answers_of_random_schemas_are_valid_unless_told(vocab: llamapack.Vocab) -> None:
    letters = [token for token in range(1000) if len(vocab.piece(token)) == 1 and vocab.piece(token) < b"\x80"]
    held = told = 0
    refused: dict[str, Any] = {}
    for seed in range(150):
        schema = random_schema(seed)
        try:
            grammar = Grammar.from_json_schema(schema, on_unenforced="ignore")
        except GrammarError as error:
            refused[str(error)] = schema
            continue
        judge = jsonschema.Draft202012Validator(schema)
        with chain(vocab, grammar, Greedy()) as sampler:
            texts = [text for walk in range(2) if (text := random_text(sampler, vocab, letters, walk)) is not None]
        wrong = [text for text in texts if not judge.is_valid(json.loads(text))]
        assert not wrong or grammar.unenforced, (schema, wrong)
        held += len(texts) - len(wrong)
        told += len(wrong)
    assert [why for why in refused if not any(words in why for words in CONTRADICTIONS)] == []
    assert held > 100
    assert told > 5


@pytest.mark.parametrize("name", ["object", "tuple", "tree", "all", "values"])
def test_a_model_answers_in_the_form_of_the_schema(model: llamapack.Model, name: str) -> None:
    answer = llamapack.generate(
        model, "Describe a cat.", chat=True, json_schema=SCHEMAS[name], temperature=0, max_tokens=200, n_threads=1
    )
    value = json.loads("".join(answer))
    jsonschema.validate(value, SCHEMAS[name])
    assert answer.finish_reason == "stop"


@pytest.mark.parametrize("schema", [{}, "{}", True, "true"], ids=repr)
def test_an_empty_schema_allows_any_json(vocab: llamapack.Vocab, schema: Any) -> None:
    with Sampler(vocab, json_schema=schema, temperature=0) as sampler:
        feed(sampler, vocab, '[{"a": 1.5, "b": [null, true]}, "x"]')
        assert b"" in allowed(sampler, vocab)


@pytest.mark.parametrize("schema", [False, "false"], ids=repr)
def test_a_schema_that_allows_nothing_is_refused(vocab: llamapack.Vocab, schema: Any) -> None:
    with pytest.raises(GrammarError, match="at #, it allows nothing"):
        Sampler(vocab, json_schema=schema)


LOOSE = {"type": "object", "properties": {"a/b": {"type": "integer", "multipleOf": 3}}, "minProperties": 1}
TOLD = "Parts of the JSON schema are not enforced: #/minProperties, #/properties/a~1b/multipleOf."


def test_what_is_not_enforced_is_told(model: llamapack.Model) -> None:
    options: dict[str, Any] = {"json_schema": LOOSE, "max_tokens": 1, "n_ctx": 256, "n_threads": 1}
    for made in (
        lambda **more: llamapack.generate(model, "x", **options, **more).close(),
        lambda **more: Sampler(model.vocab, json_schema=LOOSE, **more).close(),
        lambda **more: Grammar.from_json_schema(LOOSE, **more),
    ):
        with pytest.warns(SchemaWarning) as told:
            made()
        assert [str(each.message).splitlines()[0] for each in told] == [TOLD]
        assert told[0].filename == __file__
        made(on_unenforced="ignore")
        with pytest.raises(GrammarError) as refused:
            made(on_unenforced="error")
        assert refused.value.what == TOLD
        with pytest.raises(InputError, match="on_unenforced must be 'warn', 'error' or 'ignore', not 'no'"):
            made(on_unenforced="no")


def test_the_decimals_of_pydantic_are_taken(vocab: llamapack.Vocab) -> None:
    schema = {"type": "string", "pattern": r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"}
    with pytest.warns(SchemaWarning, match="#/pattern"):
        sampler = Sampler(vocab, json_schema=schema)
    feed(sampler, vocab, '"-12.50"')
    assert allowed(sampler, vocab) == {b""}
    sampler.close()


@pytest.mark.parametrize(
    ("low", "high"), [(1999, 2000), (2000, 2000), (2000, 2001), (2001, 2001), (2000, None), (2001, None), (0, 2083)]
)
def test_lengths_at_llama_cpps_limit_are_held(vocab: llamapack.Vocab, low: int, high: int | None) -> None:
    schema = {"type": "string", "minLength": low} | ({} if high is None else {"maxLength": high})
    (letter,) = vocab.tokenize("a", add_special=False)
    with Sampler(vocab, json_schema=schema, temperature=0) as sampler:
        feed(sampler, vocab, '"')
        for count in range(low + 2 if high is None else high):
            left = allowed_of(sampler, vocab, '"', "a")
            assert left == ({"a", '"'} if count >= low else {"a"})
            sampler.accept(letter)
        assert allowed_of(sampler, vocab, '"', "a") == ({'"'} if high is not None else {"a", '"'})


def allowed_of(sampler: Sampler, vocab: llamapack.Vocab, *texts: str) -> set[str]:
    tokens = {vocab.tokenize(text, add_special=False)[0]: text for text in texts}
    left = sampler.apply([0.0] * len(tokens), list(tokens))
    return {tokens[token] for token in left.ids[np.isfinite(left.logits)].tolist()}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "string", "maxLength": 2000}, "minItems": 2000, "maxItems": 2001},
        {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "null"}]}, "maxItems": 2000},
        {"type": "array", "items": {"type": "null"}, "minItems": 200_000},
        {"type": "string", "maxLength": 200_000},
        {"pattern": "^(a(b|c)?){1500}$"},
        {"pattern": "^((a|b){2000}c?){2000}$"},
        {"pattern": "^([a-z]{1,1999}-){0,2001}$"},
        {"properties": {f"k{i}": {"type": "null"} for i in range(2001)}, "required": [f"k{i}" for i in range(2001)]},
        {"properties": {f"k{i}": {"type": "null"} for i in range(2001)}},
        {"enum": [f"value {i}" for i in range(2001)]},
        {"type": "array", "prefixItems": [{"const": i} for i in range(2001)]},
        {"anyOf": [{"const": i} for i in range(2001)]},
        {"required": ["k" * 2001], "properties": {"k" * 2001: {"const": "v" * 2001}}},
    ],
    ids=lambda schema: json.dumps(schema)[:60],
)
def test_schemas_at_limits_are_taken(vocab: llamapack.Vocab, schema: Any) -> None:
    with Sampler(vocab, json_schema=schema, on_unenforced="error", temperature=0) as sampler:
        assert allowed_tokens(sampler, vocab)


def large_schema() -> dict[str, Any]:
    kinds: list[dict[str, Any]] = [
        {"type": "string", "maxLength": 40, "description": "some text of the section"},
        {"type": "integer", "minimum": 0, "maximum": 100_000},
        {"enum": ["red", "green", "blue", None]},
        {"type": "array", "items": {"type": "number"}, "maxItems": 5},
        {"type": "string", "pattern": r"^[A-Z]{2}\d+$"},
    ]
    sections = {
        f"section_{i}": {
            "type": "object",
            "properties": {f"field_{i}_{j}": kinds[j % len(kinds)] for j in range(40)},
            "required": [f"field_{i}_{j}" for j in range(40) if j % 4],
        }
        for i in range(400)
    }
    return {"type": "object", "properties": sections, "required": list(sections)}


def test_a_schema_of_a_megabyte_is_no_problem(vocab: llamapack.Vocab) -> None:
    schema = json.dumps(large_schema())
    assert len(schema) > 1_000_000
    with chain(vocab, Grammar.from_json_schema(schema), Greedy()) as sampler:
        values = ["text", 12345, "green", [1.5, 2], "AB1"]
        value = {f"section_{i}": {f"field_{i}_{j}": values[j % 5] for j in range(40)} for i in range(3)}
        feed(sampler, vocab, json.dumps(value)[:-1] + ', "section_')
        assert allowed(sampler, vocab) == {b"3"}
