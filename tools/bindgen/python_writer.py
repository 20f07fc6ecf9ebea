"""Write `_generated.py`: the declarations as ctypes sees them.

Importing that file must be cheap. Structures, pointer types and callbacks are made at import, because they need each other;
enumerations and functions wait in tables until they are first used.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence

from tools.bindgen.model import Array, Callback, CallbackRef, Declarations, Field, Pointer, Record, Type, types_of, walk
from tools.bindgen.naming import CTYPES, ctype, is_builtin_pointer, is_flag, members, pointer_name, safe
from tools.bindgen.select import Bindings

_NATIVE = '''
class Native:
    """The functions of the loaded libraries; each is looked up and given its types when it is first used."""

    def __init__(self, libraries):
        self._libraries = libraries

    def __getattr__(self, name):
        try:
            library, result, *arguments = FUNCTIONS[name].split()
        except KeyError:
            raise AttributeError(f"llama.cpp has no function {name!r} in this build's bindings.", name=name) from None
        if arguments and arguments[-1] == "...":
            arguments.pop()
        types = globals()
        function = self._libraries[library][name]
        function.restype = types.get(result)
        function.argtypes = [types[argument] for argument in arguments]
        self.__dict__[name] = function
        return function

    def __dir__(self):
        return sorted({*super().__dir__(), *FUNCTIONS})


def __getattr__(name):
    try:
        base, members = ENUMS[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name) from None
    import enum

    made = globals()[name] = getattr(enum, base)(name, members, module=__name__)
    return made
'''


def write_python(bindings: Bindings, headline: str) -> str:
    """Return the text of `_generated.py`."""
    body = "\n".join(_body(bindings))
    docstring = _docstring(bindings)
    imports = _imports(body)
    return (
        f"{headline}\n# fmt: off\n{docstring}\n{imports}\n\nLAYOUT_HASH = {layout_hash(bindings)!r}\n{body}\n{_NATIVE}"
    )


def layout_hash(bindings: Bindings) -> str:
    """Return a hash of everything that Python and the libraries must agree on."""
    return hashlib.sha256("\n".join(_body(bindings)).encode()).hexdigest()


def sized_records(declarations: Declarations) -> Sequence[Record]:
    """Return the records that C++ can name and measure, in the order of STRUCTS."""
    return [record for record in declarations.records.values() if not record.opaque and record.spelling]


def _docstring(bindings: Bindings) -> str:
    lines = [
        '"""ctypes declarations of llama.h, ggml, gguf.h, mtmd.h and llamapack.h.',
        "",
        "Names are C's. `x_p` is a pointer to `x`; an opaque type is an empty structure, only ever pointed to. A field or",
        "parameter whose name is a Python keyword has an underscore behind it. Fields that do not exist cannot be set.",
        "",
        f"Deprecated by upstream and left out: {', '.join(bindings.deprecated) or 'nothing'}.",
        f"Declared by upstream but defined nowhere: {', '.join(bindings.undefined) or 'nothing'}.",
        '"""',
    ]
    return "\n".join(part for line in lines for part in _wrap(line))


def _wrap(text: str, width: int = 118) -> Iterator[str]:
    while len(text) > width:
        cut = text.rfind(" ", 0, width)
        yield text[:cut]
        text = text[cut + 1 :]
    yield text


def _imports(body: str) -> str:
    used = sorted(set(re.findall(r"\bc_[a-z0-9_]+\b", body)) & CTYPES)
    lines = "\n".join(
        f"    {line}" for line in _wrap(", ".join(["CFUNCTYPE", "POINTER", "Structure", "Union", *used]), 112)
    )
    return f"from ctypes import (\n{lines},\n)"


def _body(bindings: Bindings) -> Iterator[str]:
    declarations = bindings.declarations
    yield ""
    for name, value in declarations.constants.items():
        yield f"{name} = {json.dumps(value)}"
    yield ""
    yield from _classes(declarations.records.values())
    yield ""
    for pointer in pointers(declarations):
        yield f"{pointer_name(pointer)} = POINTER({ctype(pointer.to).strip('()')})"
    yield ""
    for callback in declarations.callbacks.values():
        yield f"{callback.name} = {_callback(callback)}"
    for pointer in callback_pointers(declarations):
        yield f"{pointer_name(pointer)} = POINTER({ctype(pointer.to)})"
    yield ""
    for record in declarations.records.values():
        yield from _fields(record)
    yield ""
    yield "STRUCTS = ("
    yield from (f"    {record.name}," for record in sized_records(declarations))
    yield ")"
    yield ""
    yield from _table("DEFAULTS", default_functions(bindings))
    yield ""
    yield "ENUMS = {"
    for enum in declarations.enums.values():
        base = "IntFlag" if is_flag(enum) else "IntEnum"
        yield f"    {enum.name!r}: ({base!r}, {json.dumps(dict(members(enum)))}),"
    yield "}"
    yield ""
    yield "# library, result, parameters"
    yield "FUNCTIONS = {"
    for function in declarations.functions.values():
        parameters = [ctype(parameter.type) for parameter in function.parameters] + ["..."] * function.variadic
        yield f"    {function.name!r}: {' '.join([bindings.libraries[function.name], ctype(function.result), *parameters])!r},"
    yield "}"


def default_functions(bindings: Bindings) -> Sequence[str]:
    """Return the functions that take nothing and return a structure of default parameters."""
    declarations = bindings.declarations
    return [
        function.name
        for function in declarations.functions.values()
        if "default" in function.name and not function.parameters and ctype(function.result) in declarations.records
    ]


def pointers(declarations: Declarations) -> Sequence[Pointer]:
    """Return every pointer type that needs a name of ours, each after the ones it is made of."""
    return [pointer for pointer in _pointers(declarations) if not _leads_to_callback(pointer)]


def callback_pointers(declarations: Declarations) -> Sequence[Pointer]:
    """Return the pointer types that can only be made after the callbacks."""
    return [pointer for pointer in _pointers(declarations) if _leads_to_callback(pointer)]


def _leads_to_callback(pointer: Pointer) -> bool:
    return any(isinstance(part, CallbackRef) for part in walk(pointer.to))


def _pointers(declarations: Declarations) -> Iterable[Pointer]:
    found: dict[str, Pointer] = {}
    for type_ in _all_types(declarations):
        for part in reversed(list(walk(type_))):
            if isinstance(part, Pointer) and not is_builtin_pointer(part):
                found.setdefault(pointer_name(part), part)
    return found.values()


def _all_types(declarations: Declarations) -> Iterator[Type]:
    for declared in (
        *declarations.records.values(),
        *declarations.callbacks.values(),
        *declarations.functions.values(),
    ):
        yield from types_of(declared)


def _classes(records: Iterable[Record]) -> Iterator[str]:
    for record in records:
        yield f"class {record.name}({'Union' if record.union else 'Structure'}): __slots__ = ()"


def _callback(callback: Callback) -> str:
    result = ctype(callback.result)
    if callback.of_field and isinstance(callback.result, Pointer):
        result = "c_void_p"  # such a function is written in Python, and ctypes lets it return no other pointer
    return f"CFUNCTYPE({', '.join([result, *(ctype(parameter.type) for parameter in callback.parameters)])})"


def _fields(record: Record) -> Iterator[str]:
    if record.fields is None:
        return
    anonymous = [field.name for field in record.fields if field.anonymous]
    if anonymous:
        yield f"{record.name}._anonymous_ = ({', '.join(map(repr, anonymous))},)"
    yield f"{record.name}._fields_ = ["
    yield from (f"    {_field(field)}," for field in record.fields)
    yield "]"


def _field(field: Field) -> str:
    type_ = ctype(field.type)
    if isinstance(field.type, Array):
        type_ = type_[1:-1]
    bits = "" if field.bits is None else f", {field.bits}"
    return f"({safe(field.name)!r}, {type_}{bits})"


def _table(name: str, values: Sequence[str]) -> Iterator[str]:
    yield f"{name} = ("
    yield from (f"    {value!r}," for value in values)
    yield ")"
