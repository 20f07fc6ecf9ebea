"""Libraries for Windows and macOS are judged as those for Linux are: each rule finds the one that breaks it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import lief
import pytest

from tests.support.libraries.foreign_libraries import (
    ARM,
    INTEL_MAC,
    LINUX,
    MACOS,
    WINDOWS,
    Format,
    build,
    build_good,
    build_level,
    complaints,
    linked,
)
from tests.support.libraries.small_libraries import ABI_ID, SHOWN, SOURCE
from tools.audit import judges, macho, report
from tools.audit.arm import Arm
from tools.audit.library import Expected, Library
from tools.audit.plugin import plugin_expectation
from tools.audit.reading import read_library
from tools.audit.report import audited
from tools.audit.wheel import Report, floors_of, not_looked_at

Good = Callable[[Format], Library]
AVX2, AVX512 = "vpaddd %ymm0, %ymm1, %ymm2", "vpaddd %zmm0, %zmm1, %zmm2"
APPLE = 3
"""How Apple's linker signs. Where this is taken for zig's sign, what zig has linked is held to the list."""
FORMS = pytest.mark.parametrize("form", [WINDOWS, MACOS], ids=lambda form: form.target)
PLACE = 'static const char place[] __attribute__((used)) = "/srv/llama/src/model.cpp";'
DIVISION = """
unsigned __int128 divide(unsigned __int128 one, unsigned __int128 other) { return one / other; }
unsigned __int128 (*const divided)(unsigned __int128, unsigned __int128) __attribute__((used)) = divide;
"""
"""What takes a function of zig's own runtime, and so the whole of it."""
MORE = "SHOWN int good_more(void) { return 0; }"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Good:
    """Give the good library of a format, compiled once."""
    made: dict[str, Library] = {}

    def give(form: Format) -> Library:
        if form.target not in made:
            made[form.target] = build_good(form, tmp_path_factory.mktemp("good"))
        return made[form.target]

    return give


@FORMS
def test_good_library_breaks_no_rule(good: Good, form: Format) -> None:
    assert complaints(good(form), form) == {}
    assert good(form).exports == {"good_text"}
    assert "ggml_init" in good(form).imports


@FORMS
def test_level_breaks_no_rule(form: Format, tmp_path: Path) -> None:
    assert complaints(build_level(form, tmp_path), form) == {}


@FORMS
@pytest.mark.parametrize(
    ("rule", "added", "what"),
    [
        ("paths of the machine", PLACE, "names /srv/llama/src/model.cpp"),
        ("exports", MORE, "shows good_more, which its list does not have"),
    ],
)
def test_source_that_breaks_a_rule_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Format, rule: str, added: str, what: str
) -> None:
    monkeypatch.setattr(macho, "ZIG", APPLE)
    assert complaints(build_good(form, tmp_path, source=f"{SOURCE}{added}\n"), form) == {rule: [what]}


def shown(kind: str, name: str) -> str:
    """Return the good source with one more function, which has a name of C++ and is shown."""
    function = "void *own(unsigned long n) { return (void *) n; }"
    return f'{SOURCE}SHOWN {kind} void *own(unsigned long) __asm__("{name}");\n{function}\n'


@pytest.mark.parametrize(
    ("kind", "name", "rules"),
    [
        ("", "__Znwm", {}),
        ("__attribute__((weak))", "__Znwm", {}),
        ("__attribute__((weak))", "__ZTIPFbcE", {}),
        ("__attribute__((weak))", "__ZTI4More", {"exports": ["shows _ZTI4More, which its list does not have"]}),
        ("", "__Z4moreii", {}),
        ("__attribute__((weak))", "__Z4moreii", {"exports": ["shows _Z4moreii, which its list does not have"]}),
    ],
)
def test_a_mac_library_of_zig_may_show_what_no_other_takes(
    tmp_path: Path, kind: str, name: str, rules: dict[str, list[str]]
) -> None:
    assert complaints(build_good(MACOS, tmp_path, source=shown(kind, name)), MACOS) == rules


def test_apples_linker_is_held_to_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(macho, "ZIG", APPLE)
    assert complaints(build_good(MACOS, tmp_path, source=shown("", "__Znwm")), MACOS) == {
        "exports": ["shows _Znwm, which its list does not have"]
    }


@pytest.mark.parametrize(
    ("options", "rules"),
    [((), {}), (("-fno-stack-protector",), {"stack protector": ["has no canaries on the stack"]})],
)
def test_canaries_are_found_where_zig_has_linked_in_what_they_call(
    tmp_path: Path, options: tuple[str, ...], rules: dict[str, list[str]]
) -> None:
    library = build_good(LINUX, tmp_path, *options, source=f"{SOURCE}{DIVISION}")
    assert "__stack_chk_fail" not in library.imports
    assert complaints(library, LINUX) == rules


def test_a_table_of_texts_is_no_list_of_what_runs_at_load(tmp_path: Path) -> None:
    table = 'const char * const table[] __attribute__((used)) = {(const char *) -1, "a", "b", 0};'
    library = build_good(WINDOWS, tmp_path, source=f"{SOURCE}{table}\n")
    assert complaints(library, WINDOWS) == {}


@FORMS
def test_what_runs_at_load_must_be_code_that_is_looked_at(good: Good, form: Format) -> None:
    library = replace(good(form), entries={"its initialiser 1": 0x10})
    assert complaints(library, form) == {
        "before the choice": [
            "its initialiser 1 runs before a level is chosen, and where it is, at 0x10, no code was found"
        ]
    }


@FORMS
def test_library_from_elsewhere_is_found(tmp_path: Path, form: Format) -> None:
    name = f"{form.prefix}foreign{form.suffix}"
    foreign = build(form, tmp_path, name, f"{SHOWN}SHOWN int foreign(void) {{ return 1; }}")
    source = SOURCE + "int foreign(void);\nSHOWN int good_use(void) { return foreign(); }\n"
    (what,) = complaints(build_good(form, tmp_path, linked(foreign), source=source), form)["needed libraries"]
    assert what.replace("@rpath/", "") == f"needs {name}, which is neither of the system nor in the wheel"


@pytest.mark.parametrize("backend", ["vulkan", "cuda"])
def test_what_comes_with_a_driver_is_foreign_to_other_backends(tmp_path: Path, backend: str) -> None:
    loader = build(WINDOWS, tmp_path, "vulkan-1.dll", f"{SHOWN}SHOWN int foreign(void) {{ return 1; }}")
    source = SOURCE + "int foreign(void);\nSHOWN int good_use(void) { return foreign(); }\n"
    library = build_good(WINDOWS, tmp_path, linked(loader), source=source)
    stated = {"abi_id": ABI_ID, "name": backend, "preload": [], "library": library.name}
    found = _needed(library, plugin_expectation(stated, WINDOWS.expected, frozenset()))
    what = "needs vulkan-1.dll, which is neither of the system nor in the wheel"
    assert found == ([] if backend == "vulkan" else [what])


@pytest.mark.parametrize("backend", ["metal", "vulkan"])
def test_frameworks_of_metal_are_foreign_to_other_backends(backend: str) -> None:
    stated = {"abi_id": ABI_ID, "name": backend, "preload": [], "library": "libggml-metal.so"}
    expected = plugin_expectation(stated, MACOS.expected, frozenset())
    metal = "/System/Library/Frameworks/Metal.framework/Versions/A/Metal"
    assert (metal in expected.own) is (backend == "metal")


def _needed(library: Library, expected: Expected) -> list[str]:
    return complaints(library, WINDOWS, expected).get("needed libraries", [])


@FORMS
def test_library_that_calls_itself_otherwise_is_found(tmp_path: Path, form: Format) -> None:
    other = form.shared("other")
    assert complaints(build_good(form, tmp_path, called=other), form) == {"own name": [f"calls itself {other}"]}


@FORMS
def test_ggml_base_inside_another_library_is_found(tmp_path: Path, form: Format) -> None:
    inside = SOURCE.replace("int ggml_init(void);", "static int ggml_init(void) { return 1; }")
    assert complaints(build_good(form, tmp_path, source=inside), form) == {
        "one ggml-base": ["takes nothing from ggml-base, so that it must have one inside"]
    }


def test_instructions_of_libraries_for_windows_are_found(tmp_path: Path) -> None:
    assert complaints(build_level(WINDOWS, tmp_path / "its own", after=AVX2), WINDOWS) == {}
    (beyond,) = complaints(build_level(WINDOWS, tmp_path / "beyond", after=AVX512), WINDOWS)["instructions"]
    assert beyond.startswith("uses AVX512F 1 times, and its score asks for SSE42 AVX AVX2: first vpaddd zmm2,zmm1,zmm0")
    (score,) = complaints(build_level(WINDOWS, tmp_path / "score", in_score=AVX2), WINDOWS)["before the choice"]
    assert score.startswith("ggml_backend_score runs before a level is chosen, and uses AVX2: vpaddd ymm2,ymm1,ymm0")


def test_the_baseline_of_intels_macs_is_the_first_of_them(tmp_path: Path) -> None:
    assert complaints(build_good(INTEL_MAC, tmp_path / "good"), INTEL_MAC) == {}
    form = replace(INTEL_MAC, flags=())
    assert complaints(build_level(form, tmp_path / "its own", after="pshufb %xmm0, %xmm1"), form) == {}
    (beyond,) = complaints(build_level(form, tmp_path, after="pcmpgtq %xmm0, %xmm1"), form)["instructions"]
    assert beyond.startswith("uses SSE4_2 1 times, and its score asks for nothing: first pcmpgtq xmm1,xmm0")


def test_a_table_in_the_code_of_a_mac_is_no_code(tmp_path: Path) -> None:
    table = ".byte 0xc6, 0xf8, 0xff"
    (what,) = complaints(build_level(INTEL_MAC, tmp_path / "code", after=table), INTEL_MAC)["instructions"]
    assert what.startswith("uses RTM 1 times")
    listed = f".data_region jt32\\n{table}\\n.end_data_region"
    assert complaints(build_level(INTEL_MAC, tmp_path, after=listed), INTEL_MAC) == {}


@pytest.mark.parametrize("form", [LINUX, WINDOWS, INTEL_MAC], ids=lambda form: form.target)
def test_instructions_are_found_in_what_zig_has_run_when_the_library_is_loaded(tmp_path: Path, form: Format) -> None:
    (load,) = complaints(build_level(form, tmp_path, at_load=AVX2), form)["before the choice"]
    assert re.match(r"its initialiser \d runs before a level is chosen, and uses AVX2: vpaddd ymm2,ymm1,ymm0", load)


@pytest.mark.parametrize(
    ("flag", "rule", "what"),
    [
        ("NX_COMPAT", "NX", "has, or asks for, memory that can be written and executed"),
        ("DYNAMIC_BASE", "moved when loaded", "is always loaded to one place in memory"),
    ],
)
def test_dll_without_a_protection_is_found(good: Good, tmp_path: Path, flag: str, rule: str, what: str) -> None:
    binary = lief.PE.parse(str(good(WINDOWS).path))
    assert binary is not None
    binary.optional_header.remove(getattr(lief.PE.OptionalHeader.DLL_CHARACTERISTICS, flag))
    binary.write(str(tmp_path / WINDOWS.good))
    assert complaints(read_library(tmp_path / WINDOWS.good), WINDOWS) == {rule: [what]}


@pytest.mark.parametrize("name", ["msvcrt.dll", "MSVCR120.dll"])
def test_dll_with_an_older_c_library_is_found(good: Good, name: str) -> None:
    library = replace(good(WINDOWS), needed=(*good(WINDOWS).needed, name))
    assert complaints(library, WINDOWS)["one C runtime"] == [
        f"needs {name}, another C library than the UCRT of the others"
    ]


def changed(library: Library, folder: Path, change: Callable[[lief.MachO.Binary], object]) -> Library:
    binaries = lief.MachO.parse(str(library.path))
    binary = binaries.at(0) if binaries else None
    assert binary is not None
    change(binary)
    binary.write(str(folder / library.name))
    return read_library(folder / library.name)


def flat(binary: lief.MachO.Binary) -> None:
    binary.header.remove(lief.MachO.Header.FLAGS.TWOLEVEL)


def elsewhere(binary: lief.MachO.Binary) -> None:
    next(iter(binary.rpaths)).path = "/opt/lib"


def unsigned(binary: lief.MachO.Binary) -> None:
    binary.remove_signature()


@pytest.mark.parametrize(
    ("change", "rule", "what"),
    [
        (flat, "two-level names", "looks for its symbols in every library of the process"),
        (elsewhere, "run paths", "looks for libraries in /opt/lib"),
        (unsigned, "signed", "is not signed, and macOS on Arm loads nothing unsigned"),
    ],
)
def test_load_commands_that_break_a_rule_are_found(
    good: Good, tmp_path: Path, change: Callable[[lief.MachO.Binary], object], rule: str, what: str
) -> None:
    assert complaints(changed(good(MACOS), tmp_path, change), MACOS)[rule] == [what]


def test_library_without_canaries_is_found(tmp_path: Path) -> None:
    assert complaints(build_good(MACOS, tmp_path, "-fno-stack-protector"), MACOS) == {
        "stack protector": ["has no canaries on the stack"]
    }


def test_macos_newer_than_the_tag_promises_is_found(good: Good) -> None:
    library = good(MACOS)
    assert library.minimum_os == "14.0.0"
    promised = replace(MACOS.expected, floors=floors_of("llamapack-1-py3-none-macosx_13_0_arm64.whl"))
    assert complaints(library, MACOS, promised) == {
        "minimum OS": ["needs macOS 14.0.0; the tag of the wheel promises 13.0"]
    }
    kept = replace(MACOS.expected, floors=floors_of("llamapack-1-py3-none-macosx_14_0_arm64.whl"))
    assert complaints(library, MACOS, kept) == {}
    assert complaints(replace(library, minimum_os=""), MACOS) == {"minimum OS": ["does not say which macOS it needs"]}


def test_a_report_says_if_not_all_was_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Report(wheel=tmp_path / "a.whl", libraries=(), findings=(), needs={})
    monkeypatch.setattr(report, "audit_wheel", lambda wheel: found)
    assert audited("a.whl", whole=True).endswith("Nothing is wrong with it.")
    found = replace(found, not_looked_at=("instructions of arm64: nobody is here",))
    assert audited("a.whl").splitlines()[1:] == [
        "Not looked at: instructions of arm64: nobody is here.",
        "Nothing is wrong with what was looked at.",
    ]
    with pytest.raises(SystemExit, match="Only a complete audit is recorded"):
        audited("a.whl", whole=True)


def test_without_llvm_arm_is_not_judged_and_the_report_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = build_level(ARM, tmp_path, after=".inst 0xffffffff")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(judges, "JUDGES", {"aarch64": Arm()})
    assert complaints(library, ARM) == {}
    assert list(not_looked_at([library])) == [f"instructions of aarch64: {Arm().unavailable()}"]
