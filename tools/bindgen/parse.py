"""Read C headers with libclang.

A construct that is not supported stops the run with its place and source text; nothing is guessed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tools.bindgen.headers import STANDARD_HEADERS
from tools.bindgen.macros import evaluate
from tools.bindgen.model import (
    Callback,
    Declarations,
    Enum,
    Field,
    Function,
    Parameter,
    Record,
    RecordRef,
    type_users,
    types_of,
    walk,
)
from tools.bindgen.types import TypeReader, is_function_pointer
from tools.errors import ToolError

try:
    from clang import cindex
except ModuleNotFoundError as _error:
    raise ToolError(
        "libclang is not installed.",
        why="The bindings are generated from what it reads in the headers.",
        fix="Run: python -m pip install -r requirements/bindgen.txt",
    ) from _error

_KIND = cindex.CursorKind
_TARGET = ("-x", "c", "-std=c11", "--target=x86_64-unknown-linux-gnu", "-nostdinc", "-ffreestanding")


def parse(headers: Sequence[Path]) -> Declarations:
    """Read everything that `headers` declare; each may include the others and the standard headers.

    Raises ToolError, with file, line and source text, for what ctypes cannot express or the generator does not know.
    """
    reader = _Reader(headers)
    with tempfile.TemporaryDirectory(prefix="llamapack-bindgen-") as folder:
        unit = _translate(headers, Path(folder))
        for cursor in unit.cursor.get_children():
            reader.read(cursor)
    return reader.declarations()


def _translate(headers: Sequence[Path], folder: Path) -> Any:
    for name, text in STANDARD_HEADERS.items():
        (folder / name).write_text(text, encoding="utf-8")
    main = folder / "all.h"
    main.write_text("".join(f'#include "{path.name}"\n' for path in headers), encoding="utf-8")
    includes = list(dict.fromkeys(f"-I{path.parent}" for path in headers))
    unit = cindex.Index.create().parse(
        str(main),
        args=[*_TARGET, f"-I{folder}", *includes],
        options=cindex.TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD,
    )
    for problem in unit.diagnostics:
        if problem.severity >= cindex.Diagnostic.Error:
            where = problem.location
            raise ToolError(
                f"{_name(where.file)}:{where.line}: {problem.spelling}",
                why="The header does not compile as C with the standard headers that the generator knows.",
                fix="If it includes a new standard header, declare what it needs in tools/bindgen/headers.py.",
            )
    return unit


def _name(file: Any) -> str:
    return Path(file.name).name if file else "<unknown>"


def place(cursor: Any) -> str:
    """Return the place of a cursor, as file:line."""
    return f"{_name(cursor.location.file)}:{cursor.location.line}"


def not_understood(cursor: Any, what: str) -> ToolError:
    """Return the error for a construct that the generator does not support."""
    tokens = " ".join(token.spelling for token in cursor.get_tokens())
    return ToolError(
        f"{place(cursor)}: {what} is not understood: {tokens[:200] or cursor.spelling}",
        why="A binding that is guessed would read or write the wrong memory.",
        fix="Teach tools/bindgen/ the construct, with a test in tests/unit/tools/bindgen/test_bindgen.py.",
    )


class _Reader:
    """Collects the declarations of one translation unit."""

    def __init__(self, headers: Iterable[Path]) -> None:
        self._headers = {path.name for path in headers}
        self._constants: dict[str, int | float | str] = {}
        self._records: dict[str, Record] = {}
        self._enums: dict[str, Enum] = {}
        self._callbacks: dict[str, Callback] = {}
        self._functions: dict[str, Function] = {}
        self._types = TypeReader(self._add_callback, not_understood)

    def declarations(self) -> Declarations:
        """Return what was read; a record that is only ever pointed to is declared at its first use."""
        known = Declarations(
            constants=self._constants,
            records=self._records,
            enums=self._enums,
            callbacks=self._callbacks,
            functions=self._functions,
        )
        parts = ((user.header, part) for user in type_users(known) for type_ in types_of(user) for part in walk(type_))
        pointed_to = {
            part.name: Record(name=part.name, header=header, union=False, fields=None)
            for header, part in parts
            if isinstance(part, RecordRef) and part.name not in self._records
        }
        return replace(known, records=pointed_to | self._records)

    def read(self, cursor: Any) -> None:
        """Read one declaration at the top of a file."""
        header = _name(cursor.location.file)
        if header == "<unknown>" or header in STANDARD_HEADERS or header == "all.h":
            return
        if header not in self._headers:
            raise not_understood(cursor, f"the header {header}, which is included but not listed,")
        match cursor.kind:
            case _KIND.FUNCTION_DECL:
                self._read_function(cursor, header)
            case _KIND.STRUCT_DECL | _KIND.UNION_DECL:
                self._read_record(cursor, header)
            case _KIND.ENUM_DECL:
                self._read_enum(cursor, header)
            case _KIND.TYPEDEF_DECL:
                self._read_typedef(cursor, header)
            case _KIND.MACRO_DEFINITION:
                self._read_macro(cursor)
            case _KIND.MACRO_INSTANTIATION | _KIND.INCLUSION_DIRECTIVE | _KIND.STATIC_ASSERT:
                pass
            case _KIND.VAR_DECL if cursor.storage_class == cindex.StorageClass.STATIC:
                pass  # a constant for C code, without a symbol
            case _:
                raise not_understood(cursor, f"a {cursor.kind.name.lower().replace('_', ' ')}")

    def _read_macro(self, cursor: Any) -> None:
        name, *words = (token.spelling for token in cursor.get_tokens())
        value = evaluate(words, self._constants)
        if value is not None:
            self._constants[name] = value

    def _read_function(self, cursor: Any, header: str) -> None:
        if cursor.storage_class == cindex.StorageClass.STATIC or cursor.is_definition():
            return  # inline, so there is no symbol to call
        if cursor.type.kind == cindex.TypeKind.FUNCTIONNOPROTO:
            raise not_understood(cursor, "a function without a prototype")
        name = cursor.spelling
        if name in self._functions and self._functions[name].header == header:
            return
        self._functions[name] = Function(
            name=name,
            header=header,
            result=self._types.read(cursor.result_type, cursor, name),
            parameters=self._parameters(cursor.get_arguments(), name),
            variadic=cursor.type.is_function_variadic(),
            deprecated=cursor.availability == cindex.AvailabilityKind.DEPRECATED,
            place=place(cursor),
        )

    def _parameters(self, cursors: Iterable[Any], owner: str) -> Sequence[Parameter]:
        return tuple(
            Parameter(name=cursor.spelling, type=self._types.read(cursor.type, cursor, f"{owner}_{cursor.spelling}"))
            for cursor in cursors
        )

    def _read_typedef(self, cursor: Any, header: str) -> None:
        underlying = cursor.underlying_typedef_type
        if underlying.kind == cindex.TypeKind.POINTER and is_function_pointer(underlying):
            self._add_callback(cursor, underlying, cursor.spelling, header, False)
        elif underlying.get_canonical().kind in (cindex.TypeKind.FUNCTIONPROTO, cindex.TypeKind.FUNCTIONNOPROTO):
            raise not_understood(cursor, "a name for a function type that is no pointer")

    def _add_callback(self, cursor: Any, pointer: Any, name: str, header: str, of_field: bool) -> None:
        function = pointer.get_pointee()
        if function.get_canonical().kind != cindex.TypeKind.FUNCTIONPROTO or function.is_function_variadic():
            raise not_understood(cursor, "a pointer to a function without fixed parameters")
        names = [child.spelling for child in cursor.get_children() if child.kind == _KIND.PARM_DECL]
        types = list(function.argument_types())
        names += [""] * (len(types) - len(names))
        self._callbacks[name] = Callback(
            name=name,
            header=header or _name(cursor.location.file),
            result=self._types.read(function.get_result(), cursor, name),
            parameters=tuple(
                Parameter(name=parameter, type=self._types.read(type_, cursor, f"{name}_{index}"))
                for index, (parameter, type_) in enumerate(zip(names, types, strict=True))
            ),
            of_field=of_field,
        )

    def _read_enum(self, cursor: Any, header: str) -> None:
        children = [child for child in cursor.get_children() if child.kind == _KIND.ENUM_CONSTANT_DECL]
        constants = {child.spelling: child.enum_value for child in children}
        for name, value in constants.items():
            if not -(2**31) <= value < 2**31:
                raise not_understood(cursor, f"an enumeration that needs more than an int ({name} is {value})")
        if not constants:
            return
        if _is_unnamed(cursor):
            self._constants.update(constants)
        else:
            self._enums[cursor.spelling] = Enum(name=cursor.spelling, header=header, constants=constants)

    def _read_record(self, cursor: Any, header: str, name: str = "", spelling: str = "") -> None:
        union = cursor.kind == _KIND.UNION_DECL
        if not name:
            if _is_unnamed(cursor):
                raise not_understood(cursor, "a record without a name")
            tagged = cursor.type.spelling != cursor.spelling
            name, spelling = cursor.spelling, cursor.type.spelling if tagged else cursor.spelling
        self._types.name_record(cursor, name)
        if not cursor.is_definition():
            known = Record(name=name, header=header, union=union, fields=None, spelling=spelling)
            self._records.setdefault(name, known)
            return
        members = list(cursor.type.get_fields())
        if cursor.type.get_align() != max((member.type.get_align() for member in members), default=1):
            raise not_understood(cursor, "a record with a layout of its own")
        fields = tuple(self._field(member, index, header, name, spelling) for index, member in enumerate(members))
        self._records.pop(name, None)  # so that it comes after the records it contains
        self._records[name] = Record(name=name, header=header, union=union, fields=fields, spelling=spelling)

    def _field(self, cursor: Any, index: int, header: str, owner: str, spelling: str) -> Field:
        anonymous = _is_unnamed(cursor)
        if anonymous and cursor.is_bitfield():
            raise not_understood(cursor, "padding made of bits")
        name = f"anonymous{index}" if anonymous else cursor.spelling
        inner = _inner_record(cursor)
        if inner is not None:
            # C++ can name the type of a member; members of an anonymous record count as its owner's.
            path = "" if anonymous or not spelling else f"decltype({spelling.split()[-1]}::{name})"
            self._read_record(inner, header, f"{owner}_{name}", path)
        return Field(
            name=name,
            type=self._types.read(cursor.type, cursor, f"{owner}_{name}", of_field=True),
            bits=cursor.get_bitfield_width() if cursor.is_bitfield() else None,
            anonymous=anonymous,
        )


def _is_unnamed(cursor: Any) -> bool:
    return not cursor.spelling or "(" in cursor.spelling


def _inner_record(field: Any) -> Any | None:
    """Return the unnamed record that is the type of a field, or of the elements of an array field; None otherwise."""
    type_ = field.type
    while type_.get_canonical().kind == cindex.TypeKind.CONSTANTARRAY:
        type_ = type_.get_array_element_type()
    declaration = type_.get_canonical().get_declaration()
    is_record = declaration.kind in (_KIND.STRUCT_DECL, _KIND.UNION_DECL)
    return declaration if is_record and _is_unnamed(declaration) else None
