"""The order in which declarations are written, and which of them the library is asked about."""

from __future__ import annotations

from collections.abc import Sequence

from tools.bindgen.model import (
    Array,
    Callback,
    CallbackRef,
    Declarations,
    Pointer,
    Record,
    RecordRef,
    Type,
    type_users,
    types_of,
)
from tools.bindgen.naming import is_builtin_pointer, pointer_name


def pointers_and_callbacks(declarations: Declarations) -> Sequence[Pointer | Callback]:
    """Return every pointer type that needs a name and every callback, each after those that it refers to."""
    ordered: dict[str, Pointer | Callback] = {}

    def add(type_: Type) -> None:
        if isinstance(type_, Pointer):
            add(type_.to)
            if not is_builtin_pointer(type_):
                ordered.setdefault(pointer_name(type_), type_)
        elif isinstance(type_, Array):
            add(type_.of)
        elif isinstance(type_, CallbackRef) and type_.name not in ordered:
            callback = declarations.callbacks[type_.name]
            for part in types_of(callback):
                add(part)
            ordered[type_.name] = callback

    for user in type_users(declarations):
        for type_ in types_of(user):
            add(type_)
    for name in declarations.callbacks:
        add(CallbackRef(name=name))
    return list(ordered.values())


def sized_records(declarations: Declarations) -> Sequence[Record]:
    """Return the records whose size C++ can measure, in the order of STRUCTS."""
    return [record for record in declarations.records.values() if not record.opaque and record.spelling]


def default_functions(declarations: Declarations) -> Sequence[str]:
    """Return the functions without parameters that return a structure of default parameters."""
    return [
        function.name
        for function in declarations.functions.values()
        if "default" in function.name and not function.parameters and isinstance(function.result, RecordRef)
    ]
