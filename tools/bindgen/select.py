"""Select what is bound: functions that users need and a library defines, and the types they use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.bindgen.headers import Header, is_needed
from tools.bindgen.model import (
    CallbackRef,
    Declarations,
    EnumRef,
    Function,
    Record,
    RecordRef,
    TypeUser,
    type_users,
    types_of,
    walk,
)
from tools.errors import ToolError

_MODULE = "module"  # a function there is reached through ggml_backend_reg_get_proc_address, not by name


@dataclass(frozen=True, kw_only=True)
class Bindings:
    """The input of the writers; `libraries` maps each function to its library."""

    declarations: Declarations
    libraries: Mapping[str, str]
    deprecated: Sequence[str]
    undefined: Sequence[str]


def select(everything: Declarations, headers: Sequence[Header], libraries: Mapping[str, str]) -> Bindings:
    """Select from `everything`, which `headers` declare; `libraries` maps each defined function to its library."""
    share = {header.path.name: header.share for header in headers}
    candidates = [
        function
        for function in everything.functions.values()
        if share[function.header] == "all" or (share[function.header] == "needed" and is_needed(function))
    ]
    current = [function for function in candidates if not function.deprecated]
    bound = {function.name: function for function in current if libraries.get(function.name, _MODULE) != _MODULE}
    for function in bound.values():
        _check_by_value(function, everything.records)
    reached = _reach(everything, list(bound.values()), {name for name, amount in share.items() if amount == "all"})
    # Fields such as ggml_tensor.flags are plain ints, and an enumeration costs nothing until it is used: take them all.
    reached |= {enum.name for enum in everything.enums.values() if share[enum.header] == "needed"}
    return Bindings(
        declarations=Declarations(
            constants=everything.constants,
            records={name: record for name, record in everything.records.items() if name in reached},
            enums={name: enum for name, enum in everything.enums.items() if name in reached},
            callbacks={name: callback for name, callback in everything.callbacks.items() if name in reached},
            functions=bound,
        ),
        libraries={name: libraries[name] for name in bound},
        deprecated=sorted(function.name for function in candidates if function.deprecated),
        undefined=sorted(function.name for function in current if function.name not in bound),
    )


def _reach(everything: Declarations, functions: Sequence[Function], whole: set[str]) -> set[str]:
    """Return the names of the types that the functions use and of those in `whole`, with the types that these use.

    Functions and types share names (`llama_pooling_type` is both), so only types are looked up here.
    """
    types = [user for user in type_users(everything) if not isinstance(user, Function) and user.header in whole]
    reached = {declared.name for declared in (*types, *everything.enums.values()) if declared.header in whole}
    users: list[TypeUser] = [*functions, *types]
    while users:
        for type_ in types_of(users.pop()):
            for part in walk(type_):
                if not isinstance(part, RecordRef | CallbackRef | EnumRef) or part.name in reached:
                    continue
                reached.add(part.name)
                if isinstance(part, RecordRef):
                    users.append(everything.records[part.name])
                elif isinstance(part, CallbackRef):
                    users.append(everything.callbacks[part.name])
    return reached


def _check_by_value(function: Function, records: Mapping[str, Record]) -> None:
    """Raise ToolError for what ctypes cannot pass: a structure by value that contains a union or a bit-field."""
    for type_ in types_of(function):
        if isinstance(type_, RecordRef) and _is_awkward(records[type_.name], records):
            raise ToolError(
                f"{function.place}: {function.name} passes {type_.name} by value, which holds a union or a bit-field.",
                why="ctypes cannot pass such a structure by value.",
                fix="Wrap the function in packages/core/native/include/llamapack.h with a pointer instead.",
            )


def _is_awkward(record: Record, records: Mapping[str, Record]) -> bool:
    if record.union:
        return True
    for member in record.fields or ():
        inner = [part for part in walk(member.type) if isinstance(part, RecordRef)]
        by_value = isinstance(member.type, RecordRef) and _is_awkward(records[inner[0].name], records)
        if member.bits is not None or by_value:
            return True
    return False
