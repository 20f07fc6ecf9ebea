"""Translate libclang's types to ours, but keep typedefs: `int64_t` must stay 64 bits wide where `long` is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tools.bindgen.model import Array, CallbackRef, EnumRef, Pointer, RecordRef, Scalar, Type, Void
from tools.errors import ToolError

_NAMED = {
    "size_t": "c_size_t",
    "ssize_t": "c_ssize_t",
    "ptrdiff_t": "c_ssize_t",
    "intptr_t": "c_ssize_t",
    "uintptr_t": "c_size_t",
} | {f"{kind}{bits}_t": f"c_{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)}

_BUILTIN = {
    "BOOL": "c_bool",
    "CHAR_S": "c_char",
    "SCHAR": "c_int8",
    "UCHAR": "c_uint8",
    "SHORT": "c_short",
    "USHORT": "c_ushort",
    "INT": "c_int",
    "UINT": "c_uint",
    "LONG": "c_long",
    "ULONG": "c_ulong",
    "LONGLONG": "c_longlong",
    "ULONGLONG": "c_ulonglong",
    "FLOAT": "c_float",
    "DOUBLE": "c_double",
}

AddCallback = Callable[[Any, Any, str, str, bool], None]


def is_function_pointer(type_: Any) -> bool:
    """Return True for a pointer to a function, under any name."""
    canonical = type_.get_canonical()
    return canonical.kind.name == "POINTER" and canonical.get_pointee().kind.name in (
        "FUNCTIONPROTO",
        "FUNCTIONNOPROTO",
    )


def _key(record: Any) -> tuple[str, int]:
    return (record.location.file.name if record.location.file else "", record.location.offset)


class TypeReader:
    """Translates types, and keeps the names given to unnamed records."""

    def __init__(self, add_callback: AddCallback, not_understood: Callable[[Any, str], ToolError]) -> None:
        """`add_callback` declares an unnamed function pointer type; `not_understood` makes the error."""
        self._add_callback = add_callback
        self._not_understood = not_understood
        self._records: dict[tuple[str, int], str] = {}

    def name_record(self, cursor: Any, name: str) -> None:
        """Record the name of an unnamed record."""
        self._records[_key(cursor)] = name

    def read(self, type_: Any, cursor: Any, owner: str, *, of_field: bool = False) -> Type:
        """Translate a type; `cursor` is its place, and `owner` names a function pointer without a name."""
        kind = type_.kind.name
        if kind == "ELABORATED":
            return self.read(type_.get_named_type(), cursor, owner, of_field=of_field)
        if kind == "TYPEDEF":
            return self._read_typedef(type_, cursor, owner)
        if kind == "VOID":
            return Void()
        if kind in _BUILTIN:
            return Scalar(name=_BUILTIN[kind])
        if kind == "POINTER":
            return self._read_pointer(type_, cursor, owner, of_field)
        if kind == "CONSTANTARRAY" and cursor.kind.name != "PARM_DECL":
            return Array(of=self.read(type_.element_type, cursor, owner), length=type_.element_count)
        if kind in ("CONSTANTARRAY", "INCOMPLETEARRAY") and cursor.kind.name == "PARM_DECL":
            return self._pointer_to(type_.element_type, cursor, owner)
        if kind == "ENUM":
            return self._read_enum(type_, cursor)
        if kind == "RECORD":
            return self._read_record(type_, cursor)
        raise self._not_understood(cursor, f"the type {type_.spelling}")

    def _read_typedef(self, type_: Any, cursor: Any, owner: str) -> Type:
        declaration = type_.get_declaration()
        if declaration.spelling in _NAMED:
            return Scalar(name=_NAMED[declaration.spelling])
        if is_function_pointer(type_):
            underlying = declaration.underlying_typedef_type
            if underlying.kind.name in ("TYPEDEF", "ELABORATED"):
                return self.read(underlying, cursor, owner)
            return CallbackRef(name=declaration.spelling)
        return self.read(declaration.underlying_typedef_type, cursor, owner)

    def _read_pointer(self, type_: Any, cursor: Any, owner: str, of_field: bool) -> Type:
        if is_function_pointer(type_):
            name = f"{owner}_t"
            self._add_callback(cursor, type_, name, "", of_field)
            return CallbackRef(name=name)
        return self._pointer_to(type_.get_pointee(), cursor, owner)

    def _pointer_to(self, target: Any, cursor: Any, owner: str) -> Pointer:
        return Pointer(to=self.read(target, cursor, owner), const=target.is_const_qualified())

    def _read_enum(self, type_: Any, cursor: Any) -> EnumRef:
        name = type_.get_declaration().spelling
        if not name or "(" in name:
            raise self._not_understood(cursor, "a value of an enumeration without a name")
        return EnumRef(name=name)

    def _read_record(self, type_: Any, cursor: Any) -> RecordRef:
        declaration = type_.get_declaration()
        name = self._records.get(_key(declaration), declaration.spelling)
        if "(" in name or name.startswith("__"):
            raise self._not_understood(cursor, f"the type {type_.spelling}")
        return RecordRef(name=name)
