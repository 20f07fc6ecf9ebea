"""How C's names are spelled in Python."""

from __future__ import annotations

import keyword
from collections.abc import Mapping, Sequence

from tools.bindgen.model import Array, CallbackRef, Enum, EnumRef, Pointer, RecordRef, Scalar, Type, Void

_INTEGERS = {f"c_{sign}int{bits}" for sign in ("", "u") for bits in ("", 8, 16, 32, 64)}
_LONG = {f"c_{sign}{size}" for sign in ("", "u") for size in ("short", "long", "longlong")}
CTYPES = (
    _INTEGERS | _LONG | {"c_bool", "c_char", "c_char_p", "c_double", "c_float", "c_size_t", "c_ssize_t", "c_void_p"}
)


def safe(name: str) -> str:
    """Return a name that is valid in Python: keywords get a trailing underscore."""
    return f"{name}_" if keyword.iskeyword(name) else name


def members(enum: Enum) -> Mapping[str, int]:
    """Return an enumeration's members without the prefix that upstream gives all of them.

    The prefix is the enumeration's own name, or else the words that all members share. One word is kept if otherwise a
    number or a keyword would remain.
    """
    prefix = f"{enum.name.upper()}_"
    if not all(name.startswith(prefix) for name in enum.constants):
        prefix = _shared_words(list(enum.constants))
    while prefix and not all(_is_name(name.removeprefix(prefix)) for name in enum.constants):
        prefix = prefix[: prefix.rstrip("_").rfind("_") + 1]
    return {name.removeprefix(prefix): value for name, value in enum.constants.items()}


def is_flag(enum: Enum) -> bool:
    """Return True if there are at least three members besides zero, each of them a power of two."""
    values = {value for value in enum.constants.values() if value}
    return len(values) >= 3 and all(value > 0 and value.bit_count() == 1 for value in values)


def ctype(type_: Type) -> str:
    """Return the Python expression of a type: a name, or an array of one."""
    match type_:
        case Void():
            return "None"
        case Scalar(name=name) | RecordRef(name=name) | CallbackRef(name=name):
            return name
        case EnumRef():
            return "c_int"
        case Array(of=of, length=length):
            return f"({ctype(of)} * {length})"
        case Pointer():
            return pointer_name(type_)


def pointer_name(pointer: Pointer) -> str:
    """Return the name of a pointer type, such as `llama_model_p` or `c_char_pp`.

    Text that the callee only reads is ctypes' own `c_char_p`. A buffer that it writes, or text that must be freed, is
    `char_p`, which keeps the address.
    """
    match pointer.to:
        case Void():
            return "c_void_p"
        case Scalar(name="c_char"):
            return "c_char_p" if pointer.const else "char_p"
        case Pointer():
            return f"{pointer_name(pointer.to)}p"
        case Array(of=of, length=length):
            return f"{ctype(of)}_{length}_p"
        case _:
            return f"{ctype(pointer.to)}_p"


def is_builtin_pointer(pointer: Pointer) -> bool:
    """Return True for the pointers that ctypes has a name for."""
    return pointer_name(pointer) in ("c_void_p", "c_char_p")


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def _shared_words(names: Sequence[str]) -> str:
    first, last = min(names), max(names)
    common = 0
    while common < min(len(first), len(last)) and first[common] == last[common]:
        common += 1
    return "" if first == last else first[: first.rfind("_", 0, common) + 1]
