"""Types as JSON: their schema, and their objects out of answers."""

from __future__ import annotations

import collections.abc
import datetime
import enum
import json
import sys
import types
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NewType, NotRequired, Optional, Required, TypedDict, Union

import jsonschema
import pytest
from llamapack.errors import InputError, ReplyError
from llamapack.typed import returns_of


class Genre(enum.Enum):
    NOVEL = "novel"
    POEM = "poem"


@dataclass
class Author:
    name: str
    born: int | None = None


@dataclass
class Book:
    title: str
    authors: list[Author]
    genre: Genre
    prices: dict[str, float] = field(default_factory=dict)
    printed: Optional[datetime.date] = None  # noqa: UP045  # the older spelling has to work, too


@dataclass
class Tree:
    value: int
    children: list[Tree] = field(default_factory=list)


class Options(TypedDict, total=False):
    deep: bool
    level: int


class Marked(TypedDict):
    level: Required[int]
    name: NotRequired[str]


class Point(NamedTuple):
    x: float
    y: float = 0.0


@dataclass
class Percent:
    value: int

    def __post_init__(self) -> None:
        if not 0 <= self.value <= 100:
            raise ValueError("beyond 100 %")


@dataclass(frozen=True, kw_only=True)
class Limit:
    """Annotations as annotated_types and pydantic have them."""

    ge: int | None = None
    multiple_of: int | None = None
    max_length: int | None = None


UserId = NewType("UserId", int)
ID = "8f14e45f-ceea-467f-ab7c-5f2f6a1b2c3d"

CASES: Sequence[tuple[Any, Any, Any]] = [
    (bool, True, True),
    (int, 3, 3),
    (float, 3, 3.0),
    (None, None, None),
    (list[int], [1, 2], [1, 2]),
    (Sequence[str], ["a"], ["a"]),
    (set[int], [1, 2, 1], {1, 2}),
    (frozenset[int], [1], frozenset({1})),
    (tuple[int, str], [1, "a"], (1, "a")),
    (tuple[int, ...], [1, 2, 3], (1, 2, 3)),
    (tuple[()], [], ()),
    (dict[str, list[int]], {"a": [1]}, {"a": [1]}),
    (collections.abc.Mapping[str, int], {"a": 1}, {"a": 1}),
    (list, [1, "a"], [1, "a"]),
    (dict, {"a": None}, {"a": None}),
    (Any, {"a": [1]}, {"a": [1]}),
    (Literal["yes", "no", 3], 3, 3),
    (Literal[Genre.POEM], "poem", Genre.POEM),
    (Genre, "novel", Genre.NOVEL),
    (int | str, "a", "a"),
    (Union[int, None], None, None),  # noqa: UP007  # the older spelling has to work, too
    (UserId, 7, 7),
    (datetime.datetime, "2024-05-06T07:08:09Z", datetime.datetime(2024, 5, 6, 7, 8, 9, tzinfo=datetime.timezone.utc)),
    (datetime.date, "2024-05-06", datetime.date(2024, 5, 6)),
    (uuid.UUID, ID, uuid.UUID(ID)),
    (Path, "a/b", Path("a/b")),
    (Author, {"name": "Ada"}, Author("Ada")),
    (
        Book,
        {"title": "T", "authors": [{"name": "A", "born": 1}], "genre": "poem", "printed": "2024-05-06"},
        Book("T", [Author("A", 1)], Genre.POEM, {}, datetime.date(2024, 5, 6)),
    ),
    (Tree, {"value": 1, "children": [{"value": 2}]}, Tree(1, [Tree(2)])),
    (list[Tree], [{"value": 1, "children": []}], [Tree(1)]),
    (Options, {"level": 2}, {"level": 2}),
    (Point, {"x": 1}, Point(1.0)),
    (Annotated[int, Limit(ge=3, multiple_of=2)], 4, 4),
    (Annotated[list[str], Limit(max_length=1)], ["a"], ["a"]),
]


@pytest.mark.parametrize(("kind", "value", "wanted"), CASES, ids=lambda each: str(each)[:40])
def test_answers_become_objects(kind: Any, value: Any, wanted: Any) -> None:
    returns = returns_of(kind)
    jsonschema.validate(value, returns.schema, jsonschema.Draft202012Validator)
    found = returns.value_of(json.dumps(value), "stop")
    assert (found, type(found)) == (wanted, type(wanted))
    assert returns.grammar.startswith("root ::=")


WRONG: Sequence[tuple[Any, Any, str]] = [
    (bool, 1, "it must be true or false, not 1"),
    (int, True, "it must be a whole number, not True"),
    (int, 1.5, "it must be a whole number, not 1.5"),
    (list[int], [1, "a"], r"\[1\]: it must be a whole number, not 'a'"),
    (tuple[int, str], [1], "it must be a list of 2, not"),
    (Literal["yes", 1], True, "it must be one of 'yes', 1, not True"),
    (Genre, "essay", "it must be one of 'novel', 'poem', not 'essay'"),
    (int | bool, "a", "it fits none of the types"),
    (datetime.date, "2024-13-01", "it is no date"),
    (Author, {"born": 1}, "it lacks 'name'"),
    (Author, {"name": "A", "age": 1}, "it has 'age', which is no field"),
    (Book, {"title": "T", "authors": [{}], "genre": "poem"}, r"\.authors\[0\]: it lacks 'name'"),
    (Percent, {"value": 101}, "ValueError: beyond 100 %"),
    (Annotated[int, Limit(ge=3)], 2, "minimum is 3, which 2 breaks"),
    (Annotated[int, Limit(multiple_of=2)], 3, "multipleOf is 2, which 3 breaks.*A grammar cannot hold #/multipleOf"),
    (Annotated[str, Limit(max_length=1)], "ab", "maxLength is 1, which 'ab' breaks"),
]


@pytest.mark.parametrize(("kind", "value", "message"), WRONG, ids=lambda each: str(each)[:40])
def test_answers_that_do_not_fit_say_where_and_why(kind: Any, value: Any, message: str) -> None:
    with pytest.raises(ReplyError, match=message) as caught:
        returns_of(kind).value_of(json.dumps(value), "stop")
    assert caught.value.text == json.dumps(value)


def test_keys_of_typed_dicts_are_required_as_they_are_marked() -> None:
    schema = returns_of(Marked).schema
    assert schema["required"] == ["level"]
    assert schema["properties"] == {"level": {"type": "integer"}, "name": {"type": "string"}}


def test_text_that_is_no_json_raises() -> None:
    with pytest.raises(ReplyError, match="does not fit int"):
        returns_of(int).value_of("three", "stop")


def test_texts_are_not_json() -> None:
    returns = returns_of(str)
    assert returns.value_of("a b", "stop") == "a b"
    assert returns.grammar == ""


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (bytes, "The type bytes cannot be written as JSON"),
        (dict[int, str], "The keys of JSON objects are texts"),
        (list[complex], "The type complex cannot"),
        ({"type": "object"}, "is no type.\nGive a type, or json_schema="),
        ("Book", "'Book' is no type"),
    ],
)
def test_types_that_json_has_nothing_for_are_refused(kind: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        returns_of(kind)


class FakePydantic:
    """What pydantic's models have."""

    @staticmethod
    def model_json_schema() -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {"inner": {"$ref": "#/$defs/Inner"}},
            "required": ["inner"],
            "$defs": {"Inner": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}},
        }

    @staticmethod
    def model_validate_json(text: bytes) -> Any:
        value = json.loads(text)
        if value["inner"]["a"] > 3:
            raise ValueError("a is too large")
        return ("model", value["inner"]["a"])


def test_models_of_pydantic_are_recognised_by_what_they_have() -> None:
    returns = returns_of(list[FakePydantic])
    assert returns.schema["items"]["properties"]["inner"] == {"$ref": "#/$defs/Inner"}
    assert returns.value_of('[{"inner": {"a": 3}}]', "stop") == [("model", 3)]
    with pytest.raises(ReplyError, match=r"\[0\]: a is too large"):
        returns.value_of('[{"inner": {"a": 4}}]', "stop")


def test_definitions_of_the_same_name_are_kept_apart() -> None:
    class Other(FakePydantic):
        @staticmethod
        def model_json_schema() -> dict[str, Any]:
            return {**FakePydantic.model_json_schema(), "$defs": {"Inner": {"type": "string"}}}

    schema = returns_of(tuple[FakePydantic, Other]).schema
    assert set(schema["$defs"]) == {"Inner", "Other-Inner"}
    assert schema["prefixItems"][1]["properties"]["inner"] == {"$ref": "#/$defs/Other-Inner"}


def test_structs_of_msgspec_are_recognised_by_what_they_have(monkeypatch: pytest.MonkeyPatch) -> None:
    class Struct:
        __struct_fields__ = ("a",)

    def schema(kind: type) -> dict[str, Any]:
        return {"$ref": f"#/$defs/{kind.__name__}", "$defs": {kind.__name__: {"type": "object"}}}

    def decode(text: bytes, type: type) -> Any:  # msgspec's name
        return type.__name__, json.loads(text)

    made = types.SimpleNamespace(json=types.SimpleNamespace(schema=schema, decode=decode))
    monkeypatch.setitem(sys.modules, "msgspec", made)
    returns = returns_of(Struct)
    assert returns.schema == {"$ref": "#/$defs/Struct", "$defs": {"Struct": {"type": "object"}}}
    assert returns.value_of("{}", "stop") == ("Struct", {})
