"""60 models of pydantic, each of another shape: what it has types for, how it limits them, and how they are nested."""

# No `from __future__ import annotations`: pydantic reads the annotations of these classes.

import datetime
import decimal
import enum
import ipaddress
import pathlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, NamedTuple, Optional, TypeVar

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen, MultipleOf
from pydantic import (
    AnyUrl,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveInt,
    RootModel,
    SecretStr,
    StrictBool,
    create_model,
)
from typing_extensions import NotRequired, TypedDict

T = TypeVar("T")


class Colour(str, enum.Enum):
    RED = "red"
    GREEN = "green"
    QUOTED = 'a "warm" one\n'


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 20


class Address(BaseModel):
    street: str = Field(max_length=12)
    number: PositiveInt


class Person(BaseModel):
    name: str
    home: Address
    others: list[Address] = Field(max_length=2)


class Tree(BaseModel):
    value: int
    kids: list["Tree"] = Field(default_factory=list, max_length=2)


class Chain(BaseModel):
    value: bool
    next: Optional["Chain"] = None


class Even(BaseModel):
    odd: Optional["Odd"]


class Odd(BaseModel):
    even: Even | None


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(ge=0, le=9)


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str = Field(max_length=8)


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    a: int
    b: bool | None = None


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: int


class OpenTexts(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str] = Field(init=False)
    a: int


class Box(BaseModel, Generic[T]):
    content: T


class Derived(Address):
    zip: str = Field(pattern=r"^\d{5}$")


@dataclass
class Plain:
    a: int
    b: bool = True


class Typed(TypedDict):
    a: int
    b: NotRequired[bool]


class Pair(NamedTuple):
    a: int
    b: bool


class Order(BaseModel):
    """A description, which changes nothing."""

    number: int = Field(description='the "number"', examples=[1, 2], ge=1, title="No.")
    state: Literal["open", "paid"] = "open"


def record(**fields: Any) -> type[BaseModel]:
    """Make a model of these fields, all of them required but for pairs with a default."""
    return _made("Record", **{name: each if isinstance(each, tuple) else (each, ...) for name, each in fields.items()})


def _made(title: str, /, **fields: Any) -> type[BaseModel]:
    made: type[BaseModel] = create_model(title, **fields)
    return made


_ALIASED = {"a": (int, Field(alias='odd "name"\\')), "b": (bool, Field(alias="größe / ~名"))}

MODELS: Mapping[str, type[BaseModel]] = {
    # what JSON has
    "texts and numbers": record(name=str, age=int, height=float),
    "booleans": record(a=bool, b=StrictBool, c=None),
    "anything": record(a=Any),
    "no fields": record(),
    "wide": record(**{f"field_{i}": bool for i in range(12)}),
    "all with defaults": record(**{f"field_{i}": (int, i) for i in range(4)}),
    "optional": record(a=int | None, b=(str | None, None)),
    # what is written as text or number
    "date": record(a=datetime.date),
    "date and time": record(a=datetime.datetime),
    "time": record(a=datetime.time),
    "duration": record(a=datetime.timedelta),
    "uuid": record(a=uuid.UUID),
    "decimal": record(a=decimal.Decimal),
    "decimal with places": record(a=Annotated[decimal.Decimal, Field(ge=0, decimal_places=2)]),
    "bytes": record(a=Annotated[bytes, MaxLen(5)]),
    "path": record(a=pathlib.Path),
    "network address": record(a=ipaddress.IPv4Address),
    "url": record(a=AnyUrl),
    "secret": record(a=SecretStr),
    # choices
    "enum of texts": record(a=Colour, b=Colour),
    "enum of numbers": record(a=Level),
    "literal": record(a=Literal["x", "y", 'z"']),
    "literals of several types": record(a=Literal["1", 1, True, None]),
    "a long literal": record(a=Literal[tuple(f"value {i}" for i in range(40))]),
    # limits
    "whole numbers in a range": record(a=Annotated[int, Ge(-7), Le(1200)], b=Annotated[int, Gt(-3), Lt(0)]),
    "numbers in a range": record(a=Annotated[float, Gt(0), Lt(1)], b=NonNegativeFloat),
    "multiples": record(a=Annotated[int, MultipleOf(3)], b=Annotated[int, MultipleOf(1)]),
    "lengths": record(a=Annotated[str, MinLen(2), MaxLen(5)], b=Annotated[str, MaxLen(0)]),
    "pattern": record(a=Annotated[str, Field(pattern=r"^[A-Z]{2}-\d{3}$")]),
    "pattern of alternatives": record(a=Annotated[str, Field(pattern=r"^(yes|no|m[ae]ybe)$")]),
    "pattern within a text": record(a=Annotated[str, Field(pattern=r"b+a")]),
    "pattern and length": record(a=Annotated[str, Field(pattern=r"^\w+$", max_length=3)]),
    # containers
    "list": record(a=list[int]),
    "lists in lists": record(a=list[list[bool]]),
    "list of two to four": record(a=Annotated[list[bool], MinLen(2), MaxLen(4)]),
    "set": record(a=set[int]),
    "frozen set of choices": record(a=Annotated[frozenset[Literal["a", "b"]], MinLen(1)]),
    "tuple": record(a=tuple[int, str, bool]),
    "tuple of any length": record(a=tuple[Colour, ...]),
    "dictionary": record(a=dict[str, int]),
    "dictionary of lists": record(a=dict[str, list[bool]]),
    "dictionary of choices": record(a=dict[Colour, bool]),
    "dictionary that is not empty": record(a=Annotated[dict[str, bool], MinLen(1)]),
    # models in models
    "nested": Person,
    "dictionary of models": record(a=dict[str, Address]),
    "tree": Tree,
    "linked list": Chain,
    "two that contain each other": Even,
    "derived": Derived,
    "generic": Box[list[Literal["a", "b"]]],
    "types of the standard library": record(a=Plain, b=Typed, c=Pair),
    # unions
    "union of scalars": record(a=int | str | None),
    "union of models": record(a=Cat | Address),
    "union with a discriminator": record(a=Annotated[Cat | Dog, Field(discriminator="kind")]),
    # configuration
    "closed": Closed,
    "open": Open,
    "open for texts": OpenTexts,
    "aliases": record(**_ALIASED),
    "descriptions": Order,
    "a list itself": RootModel[list[Address]],
}
