"""Write `_generated.pyi`: the declarations for type checkers.

Handles of different kinds are different types, a number is an int, and text is bytes or None.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence, Set

from tools.bindgen.model import (
    Array,
    Callback,
    CallbackRef,
    Declarations,
    EnumRef,
    Field,
    Function,
    Parameter,
    Pointer,
    Record,
    RecordRef,
    Scalar,
    Type,
    Void,
)
from tools.bindgen.naming import (
    CTYPES,
    ctype,
    is_builtin_pointer,
    is_flag,
    members,
    pointer_name,
    safe,
)
from tools.bindgen.order import pointers_and_callbacks
from tools.bindgen.select import Bindings

_START = '''
import ctypes
from _ctypes import CFuncPtr
from collections.abc import Callable, Mapping
from ctypes import {names}
from enum import IntEnum, IntFlag
from typing import Any, Final, Generic, TypeAlias, TypeVar, overload

from typing_extensions import Self

T = TypeVar("T", bound=ctypes._CData)

class Ptr(ctypes._Pointer[T]):
    """A typed pointer; false when it is NULL."""

    def __bool__(self) -> bool: ...

# What ctypes takes for a pointer to data, to anything, and to text.
To: TypeAlias = T | ctypes._Pointer[T] | Array[T] | ctypes._CArgObject | None
Address: TypeAlias = (
    int | bytes | ctypes._SimpleCData[Any] | ctypes._PointerLike | Array[Any] | ctypes._CArgObject | None
)
Text: TypeAlias = bytes | c_char_p | Array[c_char] | ctypes._Pointer[c_char] | None

LAYOUT_HASH: Final[str]
STRUCTS: Final[tuple[type[Structure], ...]]
DEFAULTS: Final[tuple[str, ...]]
ENUMS: Final[Mapping[str, tuple[str, Mapping[str, int]]]]
FUNCTIONS: Final[Mapping[str, str]]
'''


def write_stub(bindings: Bindings, headline: str) -> str:
    """Return the text of `_generated.pyi`."""
    return "\n".join([headline, "# fmt: off", *_lines(bindings)]) + "\n"


def _lines(bindings: Bindings) -> Iterator[str]:
    declarations = bindings.declarations
    body = list(_body(declarations))
    used = CTYPES & {*re.findall(r"\bc_[a-z0-9_]+\b", "\n".join(body)), "c_char", "c_char_p"}
    yield from _START.format(names=", ".join(["Array", "Structure", "Union", *sorted(used)])).strip().splitlines()
    yield ""
    yield from body


def _body(declarations: Declarations) -> Iterator[str]:
    for name, value in declarations.constants.items():
        yield f"{name}: Final[{type(value).__name__}]"
    yield ""
    for record in declarations.records.values():
        yield from _record(record, declarations)
    yield ""
    for declared in pointers_and_callbacks(declarations):
        if isinstance(declared, Callback):
            yield from _callback(declared)
        else:
            yield f"class {pointer_name(declared)}(Ptr[{_class(declared.to)}]): ..."
    yield ""
    for enum in declarations.enums.values():
        yield f"class {enum.name}({'IntFlag' if is_flag(enum) else 'IntEnum'}):"
        yield from (f"    {name} = {value}" for name, value in members(enum).items())
    yield ""
    # Inside the class, a function hides a type of the same name.
    hidden = declarations.functions.keys() & {*declarations.records, *declarations.callbacks}
    yield from (f"_{name}: TypeAlias = {name}" for name in sorted(hidden))
    yield "class Native:"
    yield "    def __init__(self, libraries: Mapping[str, ctypes.CDLL]) -> None: ..."
    for function in declarations.functions.values():
        yield f"    {_unhide(_function(function, declarations), hidden)}"


def _unhide(line: str, hidden: Set[str]) -> str:
    start, rest = line.split("(", 1)
    return f"{start}({re.sub(r'[A-Za-z_0-9]+', lambda word: '_' * (word[0] in hidden) + word[0], rest)}"


def _record(record: Record, declarations: Declarations) -> Iterator[str]:
    base = "Union" if record.union else "Structure"
    if not record.fields:
        yield f"class {record.name}({base}): ..."
        return
    yield f"class {record.name}({base}):"
    yield from (f"    {line}" for line in _fields(record, declarations))


def _fields(record: Record, declarations: Declarations) -> Iterator[str]:
    for field in record.fields or ():
        yield f"{safe(field.name)}: {_descriptor(field)}"
        if field.anonymous and isinstance(field.type, RecordRef):
            yield from _fields(declarations.records[field.type.name], declarations)


def _descriptor(field: Field) -> str:
    got, given = _result(field.type), _parameter(field.type)
    if isinstance(field.type, Array):
        got = given = "bytes" if _is_text(field.type) else _class(field.type)
        if not _is_text(field.type):
            given = f"{got} | tuple[Any, ...]"
    elif isinstance(field.type, Pointer) and not is_builtin_pointer(field.type):
        given = f"ctypes._Pointer[{_class(field.type.to)}] | Array[{_class(field.type.to)}] | None"
    elif isinstance(field.type, Pointer):
        given = "bytes | int | None" if got == "bytes | None" else "int | c_void_p | None"
    return f"ctypes._CField[{_class(field.type)}, {got}, {given}]"


def _is_text(array: Array) -> bool:
    return array.of == Scalar(name="c_char")


def _callback(callback: Callback) -> Iterator[str]:
    given = [_callback_argument(parameter.type) for parameter in callback.parameters]
    result = _callback_result(callback)
    parameters = _signature(callback.parameters)
    yield f"class {callback.name}(CFuncPtr):"
    yield "    @overload"
    yield "    def __new__(cls) -> Self: ..."
    yield "    @overload"
    yield "    def __new__(cls, address: int, /) -> Self: ..."
    yield "    @overload"
    yield f"    def __new__(cls, function: Callable[[{', '.join(given)}], {result}], /) -> Self: ..."
    yield f"    def __call__({', '.join(['self', *parameters])}) -> {result}: ..."
    yield "    def __bool__(self) -> bool: ..."


def _callback_result(callback: Callback) -> str:
    if callback.of_field and isinstance(callback.result, Pointer):
        return "int | None"
    return _result(callback.result)


def _callback_argument(type_: Type) -> str:
    # NULL becomes None, but upstream passes no NULL as text, so that log callbacks do not have to check for None.
    got = _result(type_)
    return "bytes" if got == "bytes | None" else got


def _function(function: Function, declarations: Declarations) -> str:
    parameters = ["self", *_signature(function.parameters, declarations)]
    if function.variadic:
        parameters.append("*rest: Any")
    return f"def {function.name}({', '.join(parameters)}) -> {_result(function.result)}: ..."


def _signature(parameters: Sequence[Parameter], declarations: Declarations | None = None) -> Iterable[str]:
    if not parameters:
        return []
    typed = (
        f"{safe(parameter.name) or f'arg{index}'}: {_parameter(parameter.type, declarations)}"
        for index, parameter in enumerate(parameters)
    )
    return [*typed, "/"]


def _class(type_: Type) -> str:
    """Return the ctypes class of a type."""
    if isinstance(type_, Void):
        return "Any"
    if isinstance(type_, Array):
        return f"Array[{_class(type_.of)}]"
    return ctype(type_)


def _result(type_: Type) -> str:
    """Return the Python type of a returned value of a type."""
    match type_:
        case Void():
            return "None"
        case EnumRef():
            return "int"
        case Scalar(name="c_bool"):
            return "bool"
        case Scalar(name="c_float" | "c_double"):
            return "float"
        case Scalar(name="c_char"):
            return "bytes"
        case Scalar():
            return "int"
        case RecordRef(name=name) | CallbackRef(name=name):
            return name
        case Array():
            return _class(type_)
        case Pointer():
            return {"c_char_p": "bytes | None", "c_void_p": "int | None"}.get(pointer_name(type_), pointer_name(type_))


def _parameter(type_: Type, declarations: Declarations | None = None) -> str:
    """Return the Python type that is accepted as an argument of a type."""
    if not isinstance(type_, Pointer):
        return _result(type_)
    name = pointer_name(type_)
    if name in ("c_char_p", "c_void_p"):
        return {"c_char_p": "Text", "c_void_p": "Address"}[name]
    if isinstance(type_.to, RecordRef) and declarations is not None and declarations.records[type_.to.name].opaque:
        return f"{name} | None"
    return f"To[{_class(type_.to)}]"
