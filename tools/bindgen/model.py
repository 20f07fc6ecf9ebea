"""What a C header declares, as plain data: the parser makes it, the writers read it.

Types are references by name; `c_int32` and the like are ctypes' names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True)
class Void:
    """No value; behind a pointer, untyped data."""


@dataclass(frozen=True, kw_only=True)
class Scalar:
    """A number, a bool or a character, by the name of its ctypes class."""

    name: str


@dataclass(frozen=True, kw_only=True)
class EnumRef:
    """A value of an enumeration; an int in the ABI."""

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
    """A pointer to data; `const` is True if the data is const."""

    to: Type
    const: bool = False


@dataclass(frozen=True, kw_only=True)
class Array:
    """An array with a fixed number of elements."""

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
    """A function pointer type; `of_field` names the structure whose field it is, if the type has no name of its own."""

    name: str
    header: str
    result: Type
    parameters: Sequence[Parameter]
    of_field: bool = False


@dataclass(frozen=True, kw_only=True)
class Field:
    """A member of a record; the members of an `anonymous` one belong to the surrounding record."""

    name: str
    type: Type
    bits: int | None = None
    anonymous: bool = False


@dataclass(frozen=True, kw_only=True)
class Record:
    """A structure or union; without fields if only its name is known.

    `spelling` is its type in C++, empty for a type without a name.
    """

    name: str
    header: str
    union: bool
    fields: Sequence[Field] | None
    spelling: str = ""

    @property
    def opaque(self) -> bool:
        """True if the header does not define the record's fields."""
        return self.fields is None


@dataclass(frozen=True, kw_only=True)
class Enum:
    """An enumeration with its constants as upstream names them; `name` is empty if it has none."""

    name: str
    header: str
    constants: Mapping[str, int]


Value: TypeAlias = int | float | str


@dataclass(frozen=True, kw_only=True)
class Declarations:
    """Everything that a set of headers declares, in C's order."""

    constants: Mapping[str, Value]
    records: Mapping[str, Record]
    enums: Mapping[str, Enum]
    callbacks: Mapping[str, Callback]
    functions: Mapping[str, Function]


def walk(type_: Type) -> Iterator[Type]:
    """Yield a type and, recursively, the types that it points to or repeats."""
    yield type_
    if isinstance(type_, Pointer):
        yield from walk(type_.to)
    elif isinstance(type_, Array):
        yield from walk(type_.of)


TypeUser: TypeAlias = Function | Callback | Record


def type_users(declarations: Declarations) -> Iterator[TypeUser]:
    """Yield the declarations that refer to types."""
    yield from declarations.records.values()
    yield from declarations.callbacks.values()
    yield from declarations.functions.values()


def types_of(declaration: TypeUser) -> Iterator[Type]:
    """Yield the types that a declaration directly refers to."""
    if isinstance(declaration, Record):
        for member in declaration.fields or ():
            yield member.type
    else:
        yield declaration.result
        for parameter in declaration.parameters:
            yield parameter.type
