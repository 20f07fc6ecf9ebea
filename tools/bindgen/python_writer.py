"""Write `_generated.py`: the declarations for ctypes.

Importing that file must be cheap. Structures, pointer types and callbacks are created on import, because they need each
other; enumerations and functions are in tables until they are first used.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence

from tools.bindgen.model import Array, Callback, Enum, Field, Function, Pointer, Record
from tools.bindgen.naming import CTYPES, ctype, is_flag, members, pointer_name, safe
from tools.bindgen.order import default_functions, pointers_and_callbacks, sized_records
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

    return globals().setdefault(name, getattr(enum, base)(name, members, module=__name__))
'''


def write_python(bindings: Bindings, headline: str) -> str:
    """Return the text of `_generated.py`."""
    body = "\n".join(_body(bindings))
    head = [
        headline,
        "# fmt: off",
        _docstring(bindings),
        _imports(body),
        "",
        f"LAYOUT_HASH = {layout_hash(bindings)!r}",
    ]
    return "\n".join([*head, "", body, _NATIVE.lstrip("\n")])


def layout_hash(bindings: Bindings) -> str:
    """Return a hash of everything that Python and the libraries must agree on."""
    return hashlib.sha256("\n".join(_body(bindings)).encode()).hexdigest()


def _docstring(bindings: Bindings) -> str:
    lines = [
        '"""ctypes declarations of llama.h, ggml, gguf.h, mtmd.h and llamapack.h.',
        "",
        "Names are C's; members of enumerations lose the prefix they share. `x_p` is a pointer to `x`, and an opaque",
        "type is an empty structure, only ever pointed to. A field whose name is a Python keyword has an underscore",
        "behind it. A field that does not exist cannot be set.",
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
    names = _wrap(", ".join(["CFUNCTYPE", "POINTER", "Structure", "Union", *used]), 112)
    return "\n".join(["from ctypes import (", *(f"    {line}" for line in names), ")"])


def _body(bindings: Bindings) -> Iterator[str]:
    declarations = bindings.declarations
    yield from (f"{name} = {json.dumps(value)}" for name, value in declarations.constants.items())
    yield ""
    yield from _classes(declarations.records.values())
    yield ""
    yield from (_pointer_or_callback(declared) for declared in pointers_and_callbacks(declarations))
    yield ""
    for record in declarations.records.values():
        yield from _fields(record)
    yield ""
    yield from _table("STRUCTS", "()", [record.name for record in sized_records(declarations)])
    yield from _table("DEFAULTS", "()", [repr(name) for name in default_functions(declarations)])
    yield from _table("ENUMS", "{}", [_enum(enum) for enum in declarations.enums.values()])
    yield "# library, result, parameters"
    yield from _table(
        "FUNCTIONS", "{}", [_function(function, bindings) for function in declarations.functions.values()]
    )


def _classes(records: Iterable[Record]) -> Iterator[str]:
    for record in records:
        yield f"class {record.name}({'Union' if record.union else 'Structure'}): __slots__ = ()"


def _pointer_or_callback(declared: Pointer | Callback) -> str:
    if isinstance(declared, Callback):
        return f"{declared.name} = {_callback(declared)}"
    return f"{pointer_name(declared)} = POINTER({ctype(declared.to).strip('()')})"


def _callback(callback: Callback) -> str:
    result = ctype(callback.result)
    if callback.of_field and isinstance(callback.result, Pointer):
        result = "c_void_p"  # such a function is implemented in Python, which can return no other pointer by ctypes
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


def _enum(enum: Enum) -> str:
    base = "IntFlag" if is_flag(enum) else "IntEnum"
    return f"{enum.name!r}: ({base!r}, {dict(members(enum))!r})"


def _function(function: Function, bindings: Bindings) -> str:
    parameters = [ctype(parameter.type) for parameter in function.parameters] + ["..."] * function.variadic
    words = [bindings.libraries[function.name], ctype(function.result), *parameters]
    return f"{function.name!r}: {' '.join(words)!r}"


def _table(name: str, brackets: str, items: Sequence[str]) -> Iterator[str]:
    yield f"{name} = {brackets[0]}"
    yield from (f"    {item}," for item in items)
    yield brackets[1]
    yield ""
