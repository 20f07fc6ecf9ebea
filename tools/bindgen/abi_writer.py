"""Write `abi_table.cpp`: the layouts that the compiler uses, to compare with the bindings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tools.bindgen.model import Array, Declarations, Enum, Record, RecordRef, Type
from tools.bindgen.naming import members, safe
from tools.bindgen.order import default_functions, sized_records
from tools.bindgen.python_writer import layout_hash
from tools.bindgen.select import Bindings

_START = """
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <locale>
#include <sstream>
#include <string>
#include <type_traits>

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

template <typename T> std::string json(T value) {
    if constexpr (std::is_pointer_v<T>) {
        return value ? "\\"set\\"" : "null";
    } else if constexpr (std::is_same_v<T, bool>) {
        return value ? "true" : "false";
    } else if constexpr (std::is_floating_point_v<T>) {
        return number(value);
    } else if constexpr (std::is_unsigned_v<T>) {
        return std::to_string(static_cast<unsigned long long>(value));
    } else {
        return std::to_string(static_cast<long long>(value));
    }
}
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
    middle = [*_tables(bindings), *_defaults(bindings.declarations)]
    return "\n".join([headline, *_START.splitlines(), "", *middle, *_END.splitlines()]) + "\n"


def _tables(bindings: Bindings) -> Iterator[str]:
    declarations = bindings.declarations
    records = sized_records(declarations)
    for index, record in enumerate(records):
        names = _offset_names(record, declarations.records)
        yield f"using T{index} = {record.spelling};"
        yield from _array(
            f"const Offset fields_{index}[]", [f'{{"{safe(name)}", offsetof(T{index}, {name})}}' for name in names]
        )
    yield from _array("const Layout layouts[]", [_layout(index, record) for index, record in enumerate(records)])
    yield from _enumerations(list(declarations.enums.values()))
    yield from _array("const Constant constants[]", _constants(declarations))
    yield "} // namespace"
    yield ""
    yield f'const char layout_hash[] = "{layout_hash(bindings)}";'
    yield from _array("const std::uint32_t struct_sizes[]", [f"sizeof(T{index})" for index in range(len(records))])
    yield "const std::size_t struct_count = std::size(struct_sizes);"
    yield ""
    yield "namespace {"


def _layout(index: int, record: Record) -> str:
    return f'{{"{record.name}", sizeof(T{index}), alignof(T{index}), fields_{index}, std::size(fields_{index})}}'


def _offset_names(record: Record, records: Mapping[str, Record]) -> Iterator[str]:
    for field in record.fields or ():
        if field.anonymous and isinstance(field.type, RecordRef):
            yield from _offset_names(records[field.type.name], records)
        elif field.bits is None:
            yield field.name


def _enumerations(enums: Sequence[Enum]) -> Iterator[str]:
    for index, enum in enumerate(enums):
        pairs = zip(members(enum), enum.constants, strict=True)
        yield from _array(f"const Constant enum_{index}[]", [f'{{"{ours}", {name}}}' for ours, name in pairs])
    items = [f'{{"{enum.name}", enum_{index}, std::size(enum_{index})}}' for index, enum in enumerate(enums)]
    yield from _array("const Enumeration enumerations[]", items)


def _constants(declarations: Declarations) -> list[str]:
    whole = [name for name, value in declarations.constants.items() if isinstance(value, int)]
    return [f'{{"{name}", static_cast<long long>({name})}}' for name in whole]


def _defaults(declarations: Declarations) -> Iterator[str]:
    yield "void defaults(std::ostringstream & out) {"
    for position, name in enumerate(default_functions(declarations)):
        values = _values("value", "", declarations.functions[name].result, declarations.records)
        yield "    {"
        yield f"        const auto value = {name}();"
        yield f'        out << "{", " if position else ""}\\"{name}\\": {{";'
        for index, (label, path) in enumerate(values):
            yield f'        out << "{", " if index else ""}\\"{label}\\": " << json({path});'
        yield '        out << "}";'
        yield "    }"
    yield "}"


def _values(path: str, label: str, type_: Type, records: Mapping[str, Record]) -> Iterator[tuple[str, str]]:
    """Yield a label such as `video.fps` and the C++ expression of every scalar value inside a value of `type_`."""
    if isinstance(type_, RecordRef):
        for field in records[type_.name].fields or ():
            inner = f"{label}.{safe(field.name)}" if label else safe(field.name)
            yield from _values(f"{path}.{field.name}", inner, field.type, records)
    elif isinstance(type_, Array):
        for index in range(type_.length):
            yield from _values(f"{path}[{index}]", f"{label}[{index}]", type_.of, records)
    else:
        yield label, path


def _array(head: str, items: Sequence[str]) -> Iterator[str]:
    yield f"{head} = {{"
    yield from (f"    {item}," for item in items)
    yield "};"
