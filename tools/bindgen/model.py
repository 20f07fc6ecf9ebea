"""What a C header declares, as plain data: the parser makes it, the writers read it.

Types name what they need and no more; `c_int32` and its like are ctypes' own names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True)
class Void:
    """No value; behind a pointer, anything."""


@dataclass(frozen=True, kw_only=True)
class Scalar:
    """A number, a truth value or a character, by the name of its ctypes class."""

    name: str


@dataclass(frozen=True, kw_only=True)
class EnumRef:
    """A value of an enumeration; an int in the binary interface."""

    name: str


@dataclass(frozen=True, kw_only=True)
class RecordRef:
    """A structure or union, by value or behind a pointer."""

    name: str


@dataclass(frozen=True, kw_only=True)
class CallbackRef:
    """A pointer to a function, by the name of its type."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """A pointer to data; `const` says that what it points to is."""

    to: Type
    const: bool = False


@dataclass(frozen=True, kw_only=True)
class Array:
    """A fixed number of elements in a row."""

    of: Type
    length: int


Type: TypeAlias = Void | Scalar | EnumRef | RecordRef | CallbackRef | Pointer | Array


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter; `name` is empty if the header has none."""

    name: str
    type: Type


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function with external linkage."""

    name: str
    header: str
    result: Type
    parameters: Sequence[Parameter]
    variadic: bool = False
    deprecated: bool = False
    place: str = field(default="", compare=False)


@dataclass(frozen=True, kw_only=True)
class Callback:
    """A function pointer type; `of_field` names the structure whose field it is, if it has no name of its own."""

    name: str
    header: str
    result: Type
    parameters: Sequence[Parameter]
    of_field: bool = False


@dataclass(frozen=True, kw_only=True)
class Field:
    """A member of a record; `anonymous` ones lend their members to the record around them."""

    name: str
    type: Type
    bits: int | None = None
    anonymous: bool = False


@dataclass(frozen=True, kw_only=True)
class Record:
    """A structure or union; without fields where only its name is known.

    `spelling` is how C++ names the type; it is empty for a type that cannot be named.
    """

    name: str
    header: str
    union: bool
    fields: Sequence[Field] | None
    spelling: str = ""

    @property
    def opaque(self) -> bool:
        """True if the header does not define its fields."""
        return self.fields is None


@dataclass(frozen=True, kw_only=True)
class Enum:
    """An enumeration with its constants as upstream spells them; `name` is empty for one without."""

    name: str
    header: str
    constants: Mapping[str, int]


Value: TypeAlias = int | float | str


@dataclass(frozen=True, kw_only=True)
class Declarations:
    """Everything of a set of headers, in the order in which C declares it."""

    constants: Mapping[str, Value]
    records: Mapping[str, Record]
    enums: Mapping[str, Enum]
    callbacks: Mapping[str, Callback]
    functions: Mapping[str, Function]


def walk(type_: Type) -> Iterator[Type]:
    """Yield a type and everything it is made of by pointing or repeating."""
    yield type_
    if isinstance(type_, Pointer):
        yield from walk(type_.to)
    elif isinstance(type_, Array):
        yield from walk(type_.of)


TypeUser: TypeAlias = Function | Callback | Record


def type_users(declarations: Declarations) -> Iterator[TypeUser]:
    """Yield the declarations that are made of types."""
    yield from declarations.records.values()
    yield from declarations.callbacks.values()
    yield from declarations.functions.values()


def types_of(declaration: TypeUser) -> Iterator[Type]:
    """Yield the types that a declaration names directly."""
    if isinstance(declaration, Record):
        for member in declaration.fields or ():
            yield member.type
    else:
        yield declaration.result
        for parameter in declaration.parameters:
            yield parameter.type
