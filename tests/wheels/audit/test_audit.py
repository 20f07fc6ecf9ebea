"""The wheel passes the audit, and each rule finds the library that breaks it and says what to do."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.libraries.small_libraries import (
    ABI_ID,
    BASE,
    EXPECTED,
    LEVEL,
    NAME,
    SHOWN,
    SOURCE,
    assembly,
    build,
    build_base,
    build_good,
    build_level,
    complaints,
)
from tools.audit.library import Finding, Library
from tools.audit.report import text
from tools.audit.rules import RULES, broken_rules
from tools.audit.wheel import audit_wheel, floors_of, licences, one_base, read_libraries
from tools.audit.x86 import FLAGS
from tools.errors import ToolError
from tools.matrix import host_target, load_matrix

X86 = pytest.mark.skipif(not host_target().endswith("x86_64"), reason="the assembly is for x86-64")


def test_wheel_passes_the_audit(wheel: Path) -> None:
    report = audit_wheel(wheel)
    assert [str(finding) for finding in report.findings] == []
    levels = len(load_matrix().levels_of(host_target()))
    programs = [library.path.stem for library in report.libraries if library.is_program]
    assert (len(report.libraries) - len(programs), programs) == (levels + 3, ["llamapack-runner"])
    assert text(report).splitlines()[-1] == "Nothing is wrong with it."


def test_the_instructions_of_every_flag_are_known() -> None:
    assert {flag for level in load_matrix().levels["x86"] for flag in level.flags} == set(FLAGS)


def test_good_libraries_break_no_rule(tmp_path: Path) -> None:
    assert complaints(build_good(tmp_path)) == {}
    assert complaints(build_level(tmp_path, after="nop")) == {}


ABSOLUTE = 'extern int ggml_init(void); __asm__(".text\\n.globl holder\\nholder: .quad ggml_init\\n");'
WRITTEN_CODE = "has text relocations: its code is written to when it is loaded"
PLACE = 'SHOWN const char * good_text_place(void); static const char place[] __attribute__((used)) = "%s";'


@pytest.mark.parametrize(
    ("rule", "options", "added", "what"),
    [
        ("run paths", ["-Wl,-rpath,/opt/lib"], "", ["looks for libraries in /opt/lib"]),
        ("RELRO", ["-Wl,-z,norelro"], "", ["has no RELRO segment"]),
        ("bound at once", ["-Wl,-z,lazy"], "", ["binds its symbols late"]),
        ("NX", ["-Wl,-z,execstack"], "", ["has, or asks for, memory that can be written and executed"]),
        ("text relocations", ["-Wl,-z,notext"], ABSOLUTE, [WRITTEN_CODE]),
        ("stack protector", ["-fno-stack-protector"], "", ["has no canaries on the stack"]),
        ("fortify", ["-U_FORTIFY_SOURCE"], "", ["calls snprintf, and none of the C library's checked functions"]),
        ("stripped", ["-Wl,--strip-debug"], "", ["still has .symtab"]),
        ("paths of the machine", [], PLACE % "/srv/llama/src/model.cpp", ["names /srv/llama/src/model.cpp"]),
        ("exports", [], "SHOWN int good_more(void) { return 0; }", ["shows good_more, which its list does not have"]),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)  # fmt: skip
def test_a_library_that_breaks_one_rule_is_found(
    tmp_path: Path, rule: str, options: Sequence[str], added: str, what: list[str]
) -> None:
    assert complaints(build_good(tmp_path, *options, source=f"{SOURCE}{added}\n")) == {rule: what}


@pytest.mark.parametrize("path", ["/etc/llama.cpp/config.ini", "/etc/llama.cpp/ca.cpp/config.ini"])
def test_a_folder_called_like_a_source_file_is_no_path_of_the_machine(tmp_path: Path, path: str) -> None:
    assert complaints(build_good(tmp_path, source=f"{SOURCE}{PLACE % path}\n")) == {}


def test_a_library_from_elsewhere_is_found(tmp_path: Path) -> None:
    foreign = build(
        tmp_path, "libforeign.so", f"{SHOWN}SHOWN int foreign(void) {{ return 1; }}", soname="libforeign.so.3"
    )
    source = SOURCE + "int foreign(void);\nint (* const good_use)(void) __attribute__((used)) = foreign;\n"
    library = build_good(tmp_path, str(foreign.path), source=source)
    assert complaints(library) == {
        "needed libraries": ["needs libforeign.so.3, which is neither of the system nor in the wheel"]
    }


@pytest.mark.parametrize(
    ("soname", "what"),
    [
        (None, "calls itself nothing"),
        ("libgood.so.1", "calls itself libgood.so.1"),
    ],
)
def test_a_library_of_another_name_is_found(tmp_path: Path, soname: str | None, what: str) -> None:
    assert complaints(build_good(tmp_path, soname=soname)) == {"own name": [what]}


def test_a_level_that_others_could_link_with_is_found(tmp_path: Path) -> None:
    library = replace(build_level(tmp_path), soname=LEVEL)
    what = f"is a module that nobody links with, and still is called {LEVEL}"
    assert complaints(library) == {"own name": [what]}


def test_a_name_without_the_abi_id_is_found(tmp_path: Path) -> None:
    expected = replace(EXPECTED, abi_id="99999999", exports={**EXPECTED.exports, NAME[3:-3]: frozenset(["good_text"])})
    assert complaints(build_good(tmp_path), expected)["own name"] == ["lacks the ABI id 99999999 in its name"]


def test_a_symbol_newer_than_the_tag_promises_is_found(tmp_path: Path) -> None:
    library, expected = build_good(tmp_path), replace(EXPECTED, floors={"GLIBC": (2, 2)})
    assert {"GLIBC_2.4", "GLIBC_2.2.5"} <= library.versions
    what = "needs GLIBC_{}; the tag of the wheel promises GLIBC_2.2"
    assert complaints(library, expected) == {
        "floors": [what.format(version) for version in sorted(numbers(library)) if version != "2.2"]
    }
    assert complaints(library, replace(EXPECTED, floors={"GLIBC": (9, 0)})) == {}


def test_a_newer_cxx_library_than_the_tag_promises_is_found(tmp_path: Path) -> None:
    library = replace(build_good(tmp_path), versions=frozenset(["GLIBCXX_3.4.24", "GLIBCXX_3.4.30", "CXXABI_1.3.13"]))
    expected = replace(EXPECTED, floors=floors_of("llamapack-1-py3-none-manylinux_2_28_x86_64.whl"))
    assert complaints(library, expected) == {
        "floors": [
            "needs CXXABI_1.3.13; the tag of the wheel promises CXXABI_1.3.11",
            "needs GLIBCXX_3.4.30; the tag of the wheel promises GLIBCXX_3.4.24",
        ]
    }


def numbers(library: Library) -> set[str]:
    return {version.removeprefix("GLIBC_") for version in library.versions if version.startswith("GLIBC_")}


@pytest.mark.parametrize(
    ("name", "inside", "what"),
    [
        (f"libggml-{ABI_ID}.so", True, []),
        (f"libggml-{ABI_ID}.so", False, ["calls fprintf, and none of the C library's checked functions"]),
        (NAME, True, ["calls fprintf, and none of the C library's checked functions"]),
    ],
)
def test_what_libcxx_prints_is_not_asked_of_the_library_that_prints_nothing(
    tmp_path: Path, name: str, inside: bool, what: list[str]
) -> None:
    library = build_good(tmp_path)
    marks, imports = library.marks | ({"libc++ inside"} if inside else set()), frozenset(["fprintf"])
    other = replace(library, path=library.path.rename(library.path.with_name(name)), marks=marks, imports=imports)
    assert [finding.what for finding in broken_rules(other, EXPECTED) if finding.rule == "fortify"] == what


def test_a_folder_of_this_machine_is_found(tmp_path: Path) -> None:
    library = build_good(tmp_path, source=SOURCE + PLACE % "at /srv/llama/build today" + "\n")
    assert complaints(library) == {}
    found = complaints(library, replace(EXPECTED, places=("/srv/llama",)))
    assert found == {"paths of the machine": ["names /srv/llama, a folder of the machine that built it"]}


def test_a_library_without_a_list_of_exports_is_found(tmp_path: Path) -> None:
    lists = {stem: names for stem, names in EXPECTED.exports.items() if stem != "good"}
    found = complaints(build_good(tmp_path), replace(EXPECTED, exports=lists))
    assert found == {"exports": ["has no list of exports"]}


def test_a_missing_export_is_found(tmp_path: Path) -> None:
    library = build_good(tmp_path, source=SOURCE.replace("good_text", "other_text"))
    assert complaints(library) == {
        "exports": ["shows other_text, which its list does not have", "does not show good_text of its list"]
    }


@X86
def test_instructions_above_the_baseline_are_found_where_no_level_is_chosen(tmp_path: Path) -> None:
    library = build_good(
        tmp_path, source=SOURCE.replace("char text[64];", "char text[64];" + assembly(AVX2) + assembly(SSE42))
    )
    (first, second) = complaints(library)["instructions"]
    assert first.startswith("uses AVX2 1 times, and no one chose it: first vpaddd ymm2,ymm1,ymm0 at 0x")
    assert second.startswith("uses SSE4_2 1 times, and no one chose it: first pcmpgtq xmm1,xmm0 at 0x")


@X86
def test_instructions_beyond_the_score_are_found_in_a_level(tmp_path: Path) -> None:
    assert complaints(build_level(tmp_path / "its own", after=AVX2)) == {}
    (what,) = complaints(build_level(tmp_path, after=AVX512))["instructions"]
    assert what.startswith(
        "uses AVX512F 1 times, and its score asks for SSE42 AVX AVX2: first vpaddd zmm2,zmm1,zmm0 at 0x"
    )


@X86
def test_instructions_of_a_level_are_found_in_its_score_and_in_what_runs_when_it_is_loaded(tmp_path: Path) -> None:
    (score,) = complaints(build_level(tmp_path / "score", in_score=AVX2))["before the choice"]
    assert score.startswith(
        "ggml_backend_score runs before a level is chosen, and uses AVX2: vpaddd ymm2,ymm1,ymm0 at 0x"
    )
    (load,) = complaints(build_level(tmp_path / "load", at_load=AVX2))["before the choice"]
    assert load.startswith("its initialiser ")
    assert " runs before a level is chosen, and uses AVX2: vpaddd ymm2,ymm1,ymm0 at 0x" in load


@X86
@pytest.mark.parametrize("harmless", ["rep bsf %eax, %eax", "lzcnt %eax, %eax", "xgetbv", "endbr64", "pause"])
def test_instructions_that_old_processors_survive_are_no_finding(tmp_path: Path, harmless: str) -> None:
    assert complaints(build_level(tmp_path, in_score=harmless)) == {}


AVX2, AVX512, SSE42 = "vpaddd %ymm0, %ymm1, %ymm2", "vpaddd %zmm0, %zmm1, %zmm2", "pcmpgtq %xmm0, %xmm1"


def test_a_ggml_base_inside_another_library_is_found(tmp_path: Path) -> None:
    inside = SOURCE.replace("int ggml_init(void);", "static int ggml_init(void) { return 1; }")
    assert complaints(build_good(tmp_path / "hidden", source=inside)) == {
        "one ggml-base": ["takes nothing from ggml-base, so that it must have one inside"]
    }
    shown = SOURCE.replace("int ggml_init(void);", "SHOWN int ggml_init(void) { return 1; }")
    assert complaints(build_good(tmp_path / "shown", source=shown))["one ggml-base"] == [
        "shows ggml_init of ggml-base: a second one would be loaded",
        "takes nothing from ggml-base, so that it must have one inside",
    ]


@pytest.mark.parametrize("name", [BASE.replace("-0", "-more-0"), ""])
def test_a_wheel_with_two_or_no_ggml_base_is_found(tmp_path: Path, name: str) -> None:
    base = build_base(tmp_path)
    shutil.copy(base, tmp_path / name) if name else base.rename(tmp_path / NAME)
    (finding,) = one_base(read_libraries(tmp_path), EXPECTED)
    assert finding.what == (
        f"it has 2 libraries of ggml-base: {BASE}, {name}" if name else "it has 0 libraries of ggml-base: none"
    )


def test_a_licence_that_is_missing_or_different_is_found(contents: Path, tmp_path: Path) -> None:
    copy = tmp_path / "contents"
    shutil.copytree(contents, copy, ignore=shutil.ignore_patterns("*.so"))
    assert list(licences(copy)) == []
    (folder,) = copy.glob("*.dist-info")
    (folder / "licenses" / "LICENSE").write_text("Do what you like.", encoding="utf-8")
    (folder / "licenses" / "native" / "llama.cpp" / "LICENSE").unlink()
    assert [finding.what for finding in licences(copy)] == [
        "it lacks LICENSE, or has another text for it",
        "it lacks native/llama.cpp/LICENSE, or has another text for it",
    ]


def test_every_finding_says_what_to_do() -> None:
    assert all(rule.fix.endswith(("?", ".")) for rule in RULES)
    finding = Finding(rule="RELRO", file=LEVEL, what="has no RELRO segment", fix="Link it again.")
    assert str(finding) == f"{LEVEL}: has no RELRO segment (RELRO)\n    Link it again."


def test_floors_are_those_of_the_tag() -> None:
    assert floors_of("llamapack-1-py3-none-linux_x86_64.whl") == {}
    assert floors_of("llamapack-1-py3-none-manylinux_2_28_x86_64.whl")["GLIBC"] == (2, 28)
    assert floors_of("llamapack_rocm-1-py3-none-manylinux_2_43_x86_64.whl") == {"GLIBC": (2, 43)}
    with pytest.raises(ToolError, match="tagged manylinux_2_99, for which the audit has no symbol versions"):
        floors_of("llamapack-1-py3-none-manylinux_2_99_x86_64.whl")


def test_what_is_no_library_is_refused(tmp_path: Path) -> None:
    (tmp_path / "libtext.so").write_text("hello", encoding="utf-8")
    with pytest.raises(ToolError, match=r"libtext\.so is not a library that the audit can read"):
        read_libraries(tmp_path)
    with pytest.raises(ToolError, match="There is no library in"):
        read_libraries(tmp_path / "empty")
