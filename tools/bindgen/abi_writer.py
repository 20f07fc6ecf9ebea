"""Write `abi_table.cpp`: what the compiler makes of the same declarations, to compare with the bindings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from tools.bindgen.model import Array, CallbackRef, Enum, Field, Pointer, Record, RecordRef, Scalar, Type
from tools.bindgen.naming import ctype, members, safe
from tools.bindgen.python_writer import default_functions, layout_hash, sized_records
from tools.bindgen.select import Bindings

_START = """
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <locale>
#include <sstream>
#include <string>

#include "abi_table.hpp"
#include "llamapack.h"
#include "mtmd-helper.h"
#include "mtmd.h"

namespace llamapack {
namespace {

struct Offset {
    const char * name;
    std::size_t  value;
};

struct Constant {
    const char * name;
    long long    value;
};

struct Layout {
    const char *   name;
    std::size_t    size;
    std::size_t    align;
    const Offset * fields;
    std::size_t    count;
};

struct Enumeration {
    const char *     name;
    const Constant * constants;
    std::size_t      count;
};

std::string number(double value) {
    if (!std::isfinite(value)) {
        return std::isnan(value) ? "\\"nan\\"" : value > 0 ? "\\"inf\\"" : "\\"-inf\\"";
    }
    std::ostringstream out;
    out.imbue(std::locale::classic());
    out.precision(17);
    out << value;
    return out.str();
}

template <typename T> std::string json(T value) { return std::to_string(static_cast<long long>(value)); }
template <> std::string json(unsigned long value) { return std::to_string(value); }
template <> std::string json(unsigned long long value) { return std::to_string(value); }
template <> std::string json(bool value) { return value ? "true" : "false"; }
template <> std::string json(float value) { return number(value); }
template <> std::string json(double value) { return number(value); }

template <typename T> std::string address(T * value) { return value ? "\\"set\\"" : "null"; }
"""

_END = """
template <typename T> void members(std::ostringstream & out, const T * items, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        out << (i ? ", " : "") << '"' << items[i].name << "\\": " << items[i].value;
    }
}

} // namespace

std::string build_abi_json() {
    std::ostringstream out;
    out.imbue(std::locale::classic());
    out << "{\\"structs\\": {";
    const char * between = "";
    for (const Layout & layout : layouts) {
        out << between << '"' << layout.name << "\\": {\\"size\\": " << layout.size << ", \\"align\\": " << layout.align
            << ", \\"fields\\": {";
        members(out, layout.fields, layout.count);
        out << "}}";
        between = ",\\n";
    }
    out << "},\\n\\"enums\\": {";
    between = "";
    for (const Enumeration & enumeration : enumerations) {
        out << between << '"' << enumeration.name << "\\": {";
        members(out, enumeration.constants, enumeration.count);
        out << "}";
        between = ",\\n";
    }
    out << "},\\n\\"constants\\": {";
    members(out, constants, sizeof(constants) / sizeof(constants[0]));
    out << "},\\n\\"defaults\\": {";
    defaults(out);
    out << "}}\\n";
    return out.str();
}

} // namespace llamapack
"""


def write_abi(bindings: Bindings, headline: str) -> str:
    """Return the text of `abi_table.cpp`."""
    return (
        "\n".join([headline, *_START.splitlines(), *_tables(bindings), *_defaults(bindings), *_END.splitlines()]) + "\n"
    )


def _tables(bindings: Bindings) -> Iterator[str]:
    declarations = bindings.declarations
    records = sized_records(declarations)
    for index, record in enumerate(records):
        offsets = [
            f'{{"{safe(name)}", offsetof(T{index}, {name})}}' for name in _offset_names(record, declarations.records)
        ]
        yield f"using T{index} = {record.spelling};"
        yield f"const Offset fields_{index}[] = {{{', '.join(offsets)}}};"
    yield from _array("const Layout layouts[]", [_layout(index, record) for index, record in enumerate(records)])
    for index, enum in enumerate(declarations.enums.values()):
        yield from _array(f"const Constant enum_{index}[]", _constants(enum))
    yield from _array(
        "const Enumeration enumerations[]",
        [
            f'{{"{enum.name}", enum_{index}, {len(enum.constants)}}}'
            for index, enum in enumerate(declarations.enums.values())
        ],
    )
    numbers = [name for name, value in declarations.constants.items() if isinstance(value, int)]
    yield from _array(
        "const Constant constants[]", [f'{{"{name}", static_cast<long long>({name})}}' for name in numbers]
    )
    yield "} // namespace"
    yield ""
    yield f"const char layout_hash[] = {json.dumps(layout_hash(bindings))};"
    yield from _array("const std::uint32_t struct_sizes[]", [f"sizeof(T{index})" for index in range(len(records))])
    yield f"const std::size_t struct_count = {len(records)};"
    yield ""
    yield "namespace {"


def _constants(enum: Enum) -> list[str]:
    return [f'{{"{ours}", {name}}}' for ours, name in zip(members(enum), enum.constants, strict=True)]


def _layout(index: int, record: Record) -> str:
    return f'{{"{record.name}", sizeof(T{index}), alignof(T{index}), fields_{index}, std::size(fields_{index})}}'


def _offset_names(record: Record, records: Mapping[str, Record]) -> Iterator[str]:
    for field in record.fields or ():
        if field.anonymous:
            assert isinstance(field.type, RecordRef)
            yield from _offset_names(records[field.type.name], records)
        elif field.bits is None:
            yield field.name


def _defaults(bindings: Bindings) -> Iterator[str]:
    yield "void defaults(std::ostringstream & out) {"
    for position, name in enumerate(default_functions(bindings)):
        record = ctype(bindings.declarations.functions[name].result)
        yield "    {"
        yield f"        const auto value = {name}();"
        yield f'        out << "{", " if position else ""}\\"{name}\\": {{";'
        for index, line in enumerate(_values(bindings.declarations.records[record], "value", bindings)):
            yield f'        out << "{", " if index else ""}{line};'
        yield '        out << "}";'
        yield "    }"
    yield "}"


def _values(record: Record, path: str, bindings: Bindings) -> Iterator[str]:
    for field in record.fields or ():
        yield from _value(field, f"{path}.{field.name}", safe(field.name), bindings)


def _value(field: Field, path: str, label: str, bindings: Bindings) -> Iterator[str]:
    type_: Type = field.type
    if isinstance(type_, RecordRef):
        inner = bindings.declarations.records[type_.name]
        for member in inner.fields or ():
            yield from _value(member, f"{path}.{member.name}", f"{label}.{safe(member.name)}", bindings)
    elif isinstance(type_, Array):
        for index in range(type_.length):
            element = Field(name="", type=type_.of)
            yield from _value(element, f"{path}[{index}]", f"{label}[{index}]", bindings)
    else:
        call = "address" if isinstance(type_, Pointer | CallbackRef) else "json"
        yield f'\\"{label}\\": " << {call}({_argument(type_, path)})'


def _argument(type_: Type, path: str) -> str:
    if isinstance(type_, Scalar) and type_.name == "c_char":
        return f"static_cast<int>({path})"
    return path


def _array(head: str, items: Sequence[str]) -> Iterator[str]:
    yield f"{head} = {{"
    yield from (f"    {item}," for item in items)
    yield "};"
