"""The other files that the bindings generator writes: type stub, ABI table and export lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.made_headers import bind, write_tree
from tools.bindgen import generate
from tools.bindgen.abi_writer import write_abi
from tools.bindgen.exports import check_exported, exported_names, find_exports
from tools.bindgen.python_writer import layout_hash
from tools.bindgen.sources import find_libraries
from tools.bindgen.stub_writer import write_stub
from tools.errors import ToolError


def test_the_stub_types_handles_numbers_text_and_fields(tmp_path: Path) -> None:
    stub = write_stub(
        bind(
            tmp_path,
            "struct model;\nstruct batch { int32_t n; float * embd; char name[8]; int64_t ne[4]; };\n"
            "typedef bool (*progress)(float done, const char * text, void * user);\n"
            "int32_t decode(struct model * m, struct batch b, const float * x, progress p, double, bool lambda);\n"
            "const char * name(const struct model * m);\nvoid * base(void);",
        ),
        "# made",
    )
    wanted = [
        "class model(Structure): ...",
        "class model_p(Ptr[model]): ...",
        "    n: ctypes._CField[c_int32, int, int]",
        "    embd: ctypes._CField[c_float_p, c_float_p, ctypes._Pointer[c_float] | Array[c_float] | None]",
        "    name: ctypes._CField[Array[c_char], bytes, bytes]",
        "    ne: ctypes._CField[Array[c_int64], Array[c_int64], Array[c_int64] | tuple[Any, ...]]",
        "    def __new__(cls, function: Callable[[float, bytes, int | None], bool], /) -> Self: ...",
        "    def decode(self, m: model_p | None, b: batch, x: To[c_float], p: progress, arg4: float, lambda_: bool, /)"
        " -> int: ...",
        "    def name(self, m: model_p | None, /) -> bytes | None: ...",
        "    def base(self) -> int | None: ...",
    ]
    assert [line for line in wanted if line not in stub.splitlines()] == []


def test_a_type_hidden_by_a_function_of_its_name_is_reached_by_an_alias(tmp_path: Path) -> None:
    stub = write_stub(
        bind(tmp_path, "struct copy { int n; };\nstruct copy copy(int n);\nvoid drop(struct copy c);"), "# made"
    )
    assert "_copy: TypeAlias = copy\n" in stub
    assert "    def copy(self, n: int, /) -> _copy: ...\n    def drop(self, c: _copy, /) -> None: ...\n" in stub


def test_the_abi_table_asks_for_defaults_offsets_and_members(tmp_path: Path) -> None:
    abi = write_abi(
        bind(
            tmp_path,
            "enum mode { MODE_A = 1 };\n#define LIMIT 9\nstruct inner { float f; };\n"
            "struct params { enum mode mode; void * user; struct inner in; bool on[2]; };\n"
            "struct params params_default(void);",
        ),
        "// made",
    )
    wanted = [
        "using T1 = struct params;",
        '    {"user", offsetof(T1, user)},',
        '    {"params", sizeof(T1), alignof(T1), fields_1, std::size(fields_1)},',
        '    {"A", MODE_A},',
        '    {"LIMIT", static_cast<long long>(LIMIT)},',
        "        const auto value = params_default();",
        '        out << "\\"mode\\": " << json(value.mode);',
        '        out << ", \\"in_.f\\": " << json(value.in.f);',
        '        out << ", \\"on[1]\\": " << json(value.on[1]);',
        "    sizeof(T0),",
    ]
    assert [line for line in wanted if line not in abi.splitlines()] == []


def test_the_hash_follows_the_layout_and_nothing_else(tmp_path: Path) -> None:
    text = "struct s { int a; int b; };\nvoid f(struct s * x);"
    first = layout_hash(bind(tmp_path, text))
    assert layout_hash(bind(tmp_path, text.replace("int a;", "int a; /* said differently */\n"))) == first
    assert layout_hash(bind(tmp_path, text.replace("int b", "float b"))) != first
    assert layout_hash(bind(tmp_path, text.replace("int a; int b;", "int b; int a;"))) != first
    assert layout_hash(bind(tmp_path, text.replace("void f", "int f"))) != first


# Exports and libraries, on text alone.


def test_only_c_functions_with_the_export_mark_are_exported() -> None:
    header = """
    #define GGML_API extern
    GGML_API void plain(int x); // GGML_API void commented(void);
    GGML_DEPRECATED(GGML_API double old(int type), "use GGML_API new(x)");
    LLAMA_API DEPRECATED(size_t older(void), "gone");
    GGML_BACKEND_API struct thing * const * several_words (
        int a, int b);
    void unmarked(void);
    #ifdef __cplusplus
    GGML_API void cpp(const std::vector<int> & v);
    #else
    GGML_API void only_c(void);
    #endif
    #ifndef __cplusplus
    GGML_API void also_c(void);
    #endif
    """
    assert exported_names(header) == ["plain", "old", "older", "several_words", "only_c", "also_c"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "llama.cpp")


def test_the_library_of_a_function_is_where_it_is_defined(tree: Path) -> None:
    assert find_libraries(tree) == {
        "ggml_add": "ggml-base",
        "ggml_mul_mat": "ggml-base",
        "ggml_inner": "ggml-base",
        "ggml_opt_run": "ggml-base",
        "ggml_backend_count": "ggml",
        "ggml_cpu_has_avx": "module",
        "llama_default_params": "llamapack",
    }


def test_exports_leave_out_modules_other_backends_and_what_is_defined_nowhere(tree: Path) -> None:
    exports = find_exports(tree, find_libraries(tree))
    assert exports["ggml-base"] == ["ggml_add", "ggml_inner", "ggml_mul_mat", "ggml_opt_run"]
    assert exports["ggml"] == ["ggml_backend_count"]
    assert [name for name in exports["llamapack"] if not name.startswith("llamapack_")] == ["llama_default_params"]


def test_a_bound_function_that_is_not_exported_is_refused() -> None:
    with pytest.raises(ToolError) as caught:
        check_exported({"seen": "ggml", "hidden": "ggml"}, {"ggml": ["seen"]})
    assert caught.value.what == "Functions are bound that their library does not export: hidden."


def test_generating_twice_gives_the_same_files(tree: Path) -> None:
    files = generate(tree)
    assert sorted(path.name for path in files) == [
        "_generated.py",
        "_generated.pyi",
        "abi_table.cpp",
        "ggml-base-exports.txt",
        "ggml.txt",
        "llamapack.txt",
    ]
    assert generate(tree) == files
    text = {path.name: content for path, content in files.items()}
    assert all("tools/bindgen: run `nox -t gen`" in content.splitlines()[0] for content in text.values())
    names = [line.split("'")[1] for line in text["_generated.py"].splitlines() if line.startswith("    'ggml_")]
    assert names == ["ggml_tensor_flag", "ggml_mul_mat", "ggml_backend_count"]
    assert "Declared by upstream but defined nowhere: ggml_nowhere.\n" in text["_generated.py"]
    hash_line = next(line for line in text["_generated.py"].splitlines() if line.startswith("LAYOUT_HASH"))
    assert f'const char layout_hash[] = "{hash_line.split()[-1][1:-1]}";' in text["abi_table.cpp"]
