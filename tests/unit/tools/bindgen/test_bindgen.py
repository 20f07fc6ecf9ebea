"""The bindings generator on small made-up headers: what it understands, what it writes for Python, what stops it."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import pytest

from tests.support.made_headers import bind, load
from tools.bindgen.abi_writer import write_abi
from tools.bindgen.parse import parse
from tools.bindgen.python_writer import write_python
from tools.bindgen.stub_writer import write_stub
from tools.errors import ToolError


def offsets(record: Any) -> dict[str, int]:
    return {name: getattr(record, name).offset for name, *_ in record._fields_}


def test_a_structure_has_cs_layout_and_crosses_calls_by_value(tmp_path: Path) -> None:
    made = load(
        tmp_path, "struct point { int8_t tag; double x; int32_t n; };\nstruct point move(struct point from, float by);"
    )
    assert offsets(made.point) == {"tag": 0, "x": 8, "n": 16}
    assert ctypes.sizeof(made.point) == 24
    assert made.FUNCTIONS == {"move": "llamapack point point c_float"}
    assert (made.point,) == made.STRUCTS


def test_a_field_that_does_not_exist_cannot_be_set(tmp_path: Path) -> None:
    params = load(tmp_path, "struct params { int n_ctx; };").params()
    params.n_ctx = 5
    with pytest.raises(AttributeError, match="'params' object has no attribute 'n_ctxx'"):
        params.n_ctxx = 5


def test_a_union_overlays_its_members(tmp_path: Path) -> None:
    made = load(tmp_path, "union either { int64_t whole; double part; char text[12]; };")
    assert issubclass(made.either, ctypes.Union)
    assert offsets(made.either) == {"whole": 0, "part": 0, "text": 0}
    assert ctypes.sizeof(made.either) == 16


def test_members_of_anonymous_records_belong_to_their_owner(tmp_path: Path) -> None:
    made = load(tmp_path, "struct value { int tag; union { int64_t i; struct { float lo; float hi; }; }; };")
    value = made.value(tag=1)
    value.lo, value.hi = 1.0, 2.0
    assert (made.value.i.offset, made.value.lo.offset, made.value.hi.offset) == (8, 8, 12)
    assert value.i == 0x40000000_3F800000
    assert [struct.__name__ for struct in made.STRUCTS] == ["value"]


def test_a_nested_record_is_named_after_its_field_and_measured(tmp_path: Path) -> None:
    bindings = bind(tmp_path, "struct params { struct { float alpha; float beta; } adam; int steps[3]; };")
    text = write_python(bindings, "# made")
    assert "params._fields_ = [\n    ('adam', params_adam),\n    ('steps', c_int * 3),\n]" in text
    abi = write_abi(bindings, "// made")
    assert "using T0 = decltype(params::adam);" in abi
    assert '{"beta", offsetof(T0, beta)}' in abi


def test_structures_may_point_at_each_other(tmp_path: Path) -> None:
    made = load(
        tmp_path, "struct b;\nstruct a { struct b * other; struct a * next[2]; };\nstruct b { struct a inside; };"
    )
    assert offsets(made.a) == {"other": 0, "next": 8}
    assert ctypes.sizeof(made.b) == 24
    assert made.a_p is ctypes.POINTER(made.a)


def test_bit_fields_keep_their_width(tmp_path: Path) -> None:
    made = load(tmp_path, "struct flags { unsigned low : 3; unsigned high : 5; };")
    flags = made.flags(low=7, high=17)
    assert bytes(flags) == bytes([7 | 17 << 3, 0, 0, 0])


def test_fixed_width_types_keep_their_width_and_keywords_get_an_underscore(tmp_path: Path) -> None:
    made = load(tmp_path, "typedef int64_t pos;\nstruct caps { bool async; pos at; size_t n; unsigned char * data; };")
    assert made.caps._fields_ == [
        ("async_", ctypes.c_bool),
        ("at", ctypes.c_int64),
        ("n", ctypes.c_size_t),
        ("data", ctypes.POINTER(ctypes.c_uint8)),
    ]


def test_opaque_types_are_distinct(tmp_path: Path) -> None:
    made = load(
        tmp_path, "struct model;\ntypedef struct context * context_t;\nvoid use(struct model * m, context_t c);"
    )
    assert made.FUNCTIONS == {"use": "llamapack None model_p context_p"}
    assert made.STRUCTS == ()
    take_model = ctypes.CFUNCTYPE(None, made.model_p)(lambda model: None)
    take_model(made.model_p())
    with pytest.raises(ctypes.ArgumentError, match="expected LP_model instance instead of LP_context"):
        take_model(made.context_p())


def test_text_buffers_and_addresses_are_told_apart(tmp_path: Path) -> None:
    made = load(
        tmp_path, "int f(const char * text, char * out, char ** made, const char ** list, void * any, float * x);"
    )
    assert made.FUNCTIONS["f"] == "llamapack c_int c_char_p char_p char_pp c_char_pp c_void_p c_float_p"
    assert made.char_pp is ctypes.POINTER(ctypes.POINTER(ctypes.c_char))
    assert made.c_char_pp is ctypes.POINTER(ctypes.c_char_p)


def test_a_callback_is_called_with_python_values(tmp_path: Path) -> None:
    made = load(
        tmp_path,
        "struct item { int n; };\ntypedef bool (*visit)(struct item * it, float x, void * user);\nvoid each(visit v);",
    )
    seen: list[tuple[int, float, object]] = []

    def on_item(it: Any, x: float, user: object) -> bool:
        seen.append((it.contents.n, x, user))
        return True

    visit = made.visit(on_item)
    assert visit(made.item(n=3), 0.5, None) is True
    assert seen == [(3, 0.5, None)]
    assert made.FUNCTIONS == {"each": "llamapack None visit"}
    assert not made.visit()


def test_callbacks_of_a_field_are_named_after_it_and_can_return_addresses(tmp_path: Path) -> None:
    made = load(
        tmp_path,
        "struct item;\n"
        "struct iface { const char * (*name)(const struct item *); struct item * (*clone)(struct item *); };\n"
        "typedef struct item * (*make)(int);",
    )
    assert [name for name, *_ in made.iface._fields_] == ["name", "clone"]
    clone = made.iface_clone_t(lambda item: 4096)
    assert clone(None) == 4096
    assert made.make._restype_ is made.item_p


def test_a_pointer_to_a_callback_is_made_after_it(tmp_path: Path) -> None:
    made = load(tmp_path, "typedef void (*log)(int level);\nvoid get(log * out);\ntypedef void (*later)(log * given);")
    assert made.log_p is ctypes.POINTER(made.log)
    assert made.FUNCTIONS == {"get": "llamapack None log_p"}


def test_an_enumeration_keeps_gaps_negatives_and_doubles(tmp_path: Path) -> None:
    made = load(
        tmp_path,
        "enum pool { POOL_UNKNOWN = -1, POOL_NONE, POOL_MEAN, POOL_LAST = 7, POOL_MAX = POOL_LAST };\n"
        "enum pool get(void);",
    )
    assert {name: int(value) for name, value in made.pool.__members__.items()} == {
        "UNKNOWN": -1,
        "NONE": 0,
        "MEAN": 1,
        "LAST": 7,
        "MAX": 7,
    }
    assert made.pool.__mro__[1].__name__ == "IntEnum"
    assert made.FUNCTIONS == {"get": "llamapack c_int"}
    assert made.pool is made.pool


@pytest.mark.parametrize(
    ("body", "base", "members"),
    [
        ("ATTR_NONE = 0, ATTR_A = 1, ATTR_B = 2, ATTR_C = 1 << 4", "IntFlag", {"NONE": 0, "A": 1, "B": 2, "C": 16}),
        ("ATTR_A = 1, ATTR_B = 2, ATTR_C = 3", "IntEnum", {"A": 1, "B": 2, "C": 3}),
        ("ATTR_A = 1, ATTR_B = 2", "IntEnum", {"A": 1, "B": 2}),
        ("X_AXIS_0 = 5, X_AXIS_1 = 6", "IntEnum", {"AXIS_0": 5, "AXIS_1": 6}),
        ("X_TYPE_CPU = 1, X_TYPE_GPU = 9", "IntEnum", {"CPU": 1, "GPU": 9}),
        ("ALONE = 3", "IntEnum", {"ALONE": 3}),
        ("ONE = 1, TWO = 2", "IntEnum", {"ONE": 1, "TWO": 2}),
    ],
)
def test_members_lose_the_prefix_they_share_and_single_bits_make_flags(
    tmp_path: Path, body: str, base: str, members: dict[str, int]
) -> None:
    assert {"attr": (base, members)} == load(tmp_path, f"enum attr {{ {body} }};").ENUMS


def test_deprecated_functions_are_left_out_and_named(tmp_path: Path) -> None:
    bindings = bind(tmp_path, '__attribute__((deprecated("use fresh"))) void stale(void);\nvoid fresh(void);')
    assert list(bindings.declarations.functions) == ["fresh"]
    assert "Deprecated by upstream and left out: stale.\n" in write_python(bindings, "# made")


def test_a_variadic_function_has_types_for_its_fixed_part(tmp_path: Path) -> None:
    bindings = bind(tmp_path, "int say(const char * format, ...);")
    assert "'say': 'llamapack c_int c_char_p ...'," in write_python(bindings, "# made")
    assert "    def say(self, format: Text, /, *rest: Any) -> int: ...\n" in write_stub(bindings, "# made")


def test_inline_functions_and_static_constants_have_no_symbol(tmp_path: Path) -> None:
    bindings = bind(
        tmp_path,
        "static const size_t SIZE = sizeof(int);\nstatic inline int twice(int x) { return 2 * x; }\nint real(int);",
    )
    assert list(bindings.declarations.functions) == ["real"]


def test_constants_are_evaluated_and_other_macros_ignored(tmp_path: Path) -> None:
    made = load(
        tmp_path,
        "#define SEED 0xFFFFFFFFu\n#define NONE -1\n#define ALL (-1)\n#define OTHER SEED\n#define HALF 0.5f\n"
        "#define BIT (1 << 3)\n"
        '#define MAGIC "MADE"\n#define EMPTY\n#define CALL(x) ((x) + 1)\n#define WORD __inline\nenum { LOOSE = 4 };',
    )
    found = {
        name: value for name, value in vars(made).items() if name.isupper() and isinstance(value, int | float | str)
    }
    found.pop("LAYOUT_HASH")
    assert found == {
        "SEED": 0xFFFFFFFF,
        "NONE": -1,
        "ALL": -1,
        "OTHER": 0xFFFFFFFF,
        "HALF": 0.5,
        "BIT": 8,
        "MAGIC": "MADE",
        "LOOSE": 4,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("void f(long double x);", "made.h:4: the type long double is not understood: long double x"),
        ("int f();", "made.h:4: a function without a prototype is not understood: int f ( )"),
        ("extern int counter;", "made.h:4: a var decl is not understood: extern int counter"),
        (
            "\nstruct s { int n; int rest[]; };",
            "made.h:5: the type int[] is not understood: int rest [ ]",
        ),
        (
            "enum wide { WIDE_A = 0x80000000 };",
            "made.h:4: an enumeration that needs more than an int (WIDE_A is 2147483648) is not understood: "
            "enum wide { WIDE_A = 0x80000000 }",
        ),
        (
            "#pragma pack(1)\nstruct tight { char c; int n; };",
            "made.h:5: a record with a layout of its own is not understood: struct tight { char c ; int n ; }",
        ),
        (
            "struct wide { int n; } __attribute__((aligned(32)));",
            "made.h:4: a record with a layout of its own is not understood: struct wide { int n ; }",
        ),
        (
            "typedef float v4 __attribute__((vector_size(16)));\nv4 f(void);",
            "made.h:5: the type __attribute__((__vector_size__(4 * sizeof(float)))) float is not understood: v4 f",
        ),
        ("typedef void callback(int);", "made.h:4: a name for a function type that is no pointer is not understood: "),
        ("enum { A } f(void);", "made.h:4: a value of an enumeration without a name is not understood: "),
        ("void f(__builtin_va_list list);", "made.h:4: the type "),
        ("void f(unknown_t x);", "made.h:4: unknown type name 'unknown_t'"),
        ("#include <math.h>", "made.h:4: 'math.h' file not found"),
    ],
)
def test_what_is_not_understood_stops_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ToolError) as caught:
        bind(tmp_path, text)
    assert caught.value.what.startswith(message)
    assert "tools/bindgen/" in caught.value.fix


def test_an_include_that_is_not_listed_stops_the_run(tmp_path: Path) -> None:
    (tmp_path / "extra.h").write_text("void more(void);\n", encoding="utf-8")
    (tmp_path / "made.h").write_text('#include "extra.h"\n', encoding="utf-8")
    with pytest.raises(ToolError) as caught:
        parse([tmp_path / "made.h"])
    assert caught.value.what == (
        "extra.h:1: the header extra.h, which is included but not listed, is not understood: void more ( void )"
    )


def test_a_union_by_value_is_refused_with_the_place(tmp_path: Path) -> None:
    with pytest.raises(ToolError) as caught:
        bind(tmp_path, "struct v { union { int i; float f; }; };\nvoid take(struct v value);")
    assert caught.value.what == "made.h:5: take passes v by value, which holds a union or a bit-field."


def test_a_function_gets_its_types_when_it_is_first_used(tmp_path: Path) -> None:
    made = load(tmp_path, "int Py_IsInitialized(void);\nint missing(const char * text);")
    native = made.Native({"llamapack": ctypes.pythonapi})
    assert native.Py_IsInitialized() == 1
    assert native.Py_IsInitialized is native.Py_IsInitialized
    assert native.Py_IsInitialized.argtypes == []
    assert {"Py_IsInitialized", "missing"} <= set(dir(native))
    with pytest.raises(AttributeError, match="missing"):
        _ = native.missing
    with pytest.raises(AttributeError, match=r"llama\.cpp has no function 'nonsense' in this build's bindings\."):
        _ = native.nonsense
