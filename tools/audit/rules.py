"""The rules for every library; each has a `fix`, which says what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tools.audit.code import part_with
from tools.audit.judges import judge_of
from tools.audit.library import Expected, Finding, Library

# Libraries that each supported system has; all others must be in the wheel, beside the library.
SYSTEM = {
    "linux": r"lib(c|m)\.so\.6|libdl\.so\.2|librt\.so\.1|libpthread\.so\.0|libstdc\+\+\.so\.6|libgcc_s\.so\.1"
    r"|ld-linux-x86-64\.so\.2|ld-linux-aarch64\.so\.1",
    "windows": r"(?i)(kernel32|advapi32|bcrypt|ntdll|shell32|user32|ws2_32|ole32)\.dll|api-ms-win-crt-[a-z0-9-]+\.dll",
    "macos": r"/usr/lib/lib(System\.B|c\+\+\.1|objc\.A)\.dylib"
    r"|/System/Library/Frameworks/(Accelerate|Foundation|CoreFoundation)\.framework/.*",
}
OLDER_RUNTIME = r"(?i)(msvcr(t|\d+)|crtdll)\.dll"
RUN_PATHS = {"linux": {"$ORIGIN"}, "macos": {"@loader_path"}, "windows": set[str]()}
PRINTING = frozenset(("printf", "fprintf", "vfprintf", "sprintf", "vsprintf", "snprintf", "vsnprintf"))
PRINTS_NOTHING = "ggml"  # itself; unchecked calls are from libc++, which zig links into it
CUSTOM = "ggml-cpu-custom"  # its CPU flags are chosen by the person who builds it, and a score cannot check all of them
SYMBOL_TABLES = frozenset((".symtab", ".debug_info", ".debug_line", ".debug_str"))
SOURCE_PATH = re.compile(
    rb"(?<![\w./$-])(?:[A-Za-z]:[\\/]|/)[\w.+-]+(?:[\\/][\w.+-]+)+\.(?:cpp|cc|c|hpp|h|inc)(?![\w/\\])"
)
"""A path that goes on behind the ending is none of a source file: llama.cpp's configuration is in /etc/llama.cpp/."""

Check = Callable[[Library, Expected], Iterator[str]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule: its name, its check, its fix, the systems that it applies to, and whether to programs as well."""

    name: str
    check: Check
    fix: str
    systems: tuple[str, ...] = ("linux", "windows", "macos")
    programs: bool = True


def broken_rules(library: Library, expected: Expected) -> tuple[Finding, ...]:
    """Return the findings for `library`, in the order of the rules."""
    return tuple(
        Finding(rule=rule.name, file=library.name, what=what, fix=rule.fix)
        for rule in RULES
        if library.system in rule.systems and (rule.programs or not library.is_program)
        for what in rule.check(library, expected)
    )


def _needed(library: Library, expected: Expected) -> Iterator[str]:
    for name in library.needed:
        own = name.removeprefix("@rpath/").removeprefix("@loader_path/")
        if own not in expected.own and not re.fullmatch(SYSTEM[library.system], name):
            yield f"needs {name}, which is neither of the system nor in the wheel"


def _soname(library: Library, expected: Expected) -> Iterator[str]:
    own = library.soname.removeprefix("@rpath/")
    if library.name in expected.levels or library.name == expected.module:
        if library.system == "linux" and own:
            yield f"is a module that nobody links with, and still is called {own}"
    elif own != library.name:
        yield f"calls itself {own or 'nothing'}"
    elif not library.name.partition(".")[0].endswith(f"-{expected.abi_id}"):
        yield f"lacks the ABI id {expected.abi_id} in its name"


def _run_paths(library: Library, expected: Expected) -> Iterator[str]:
    origins = RUN_PATHS[library.system]
    allowed = origins | {f"{origin}/{path}" for origin in origins for path in expected.run_paths}
    for path in library.run_paths:
        if path not in allowed:
            yield f"looks for libraries in {path}"


def _floors(library: Library, expected: Expected) -> Iterator[str]:
    for version in sorted(library.versions):
        family, _, number = version.rpartition("_")
        if family in expected.floors and number.replace(".", "").isdigit():
            floor = expected.floors[family]
            if tuple(map(int, number.split("."))) > floor:
                yield f"needs {version}; the tag of the wheel promises {family}_{'.'.join(map(str, floor))}"


def _minimum_os(library: Library, expected: Expected) -> Iterator[str]:
    promised = expected.floors.get("macOS", ())
    needed = tuple(map(int, library.minimum_os.split("."))) if library.minimum_os else ()
    if not needed:
        yield "does not say which macOS it needs"
    elif promised and needed[: len(promised)] > promised:
        words = ".".join(map(str, promised))
        yield f"needs macOS {library.minimum_os}; the tag of the wheel promises {words}"


def _one_runtime(library: Library, expected: Expected) -> Iterator[str]:
    for name in library.needed:
        if re.fullmatch(OLDER_RUNTIME, name):
            yield f"needs {name}, another C library than the UCRT of the others"


def _signed(library: Library, expected: Expected) -> Iterator[str]:
    if library.machine == "arm64" and "signed" not in library.marks:
        yield "is not signed, and macOS on Arm loads nothing unsigned"


def _marked(mark: str, complaint: str) -> Check:
    def check(library: Library, expected: Expected) -> Iterator[str]:
        if mark not in library.marks:
            yield complaint

    return check


def _moved_when_started(library: Library, expected: Expected) -> Iterator[str]:
    if library.is_program and "position-independent" not in library.marks:
        yield "is always started at one place in memory"


def _text_relocations(library: Library, expected: Expected) -> Iterator[str]:
    if "text relocations" in library.marks:
        yield "has text relocations: its code is written to when it is loaded"


def _stack_protector(library: Library, expected: Expected) -> Iterator[str]:
    if "__stack_chk_fail" not in library.imports and "canaries" not in library.marks:
        yield "has no canaries on the stack"


def _fortify(library: Library, expected: Expected) -> Iterator[str]:
    if "libc++ inside" in library.marks and expected.stem(library) == PRINTS_NOTHING:
        return
    unchecked = PRINTING & library.imports
    if unchecked and not any(re.fullmatch(r"__\w+_chk", name) for name in library.imports):
        yield f"calls {', '.join(sorted(unchecked))}, and none of the C library's checked functions"


def _stripped(library: Library, expected: Expected) -> Iterator[str]:
    if left := sorted(library.sections & SYMBOL_TABLES):
        yield f"still has {', '.join(left)}"


def _places(library: Library, expected: Expected) -> Iterator[str]:
    content = library.path.read_bytes()
    for place in expected.places:
        if place.encode() in content:
            yield f"names {place}, a folder of the machine that built it"
    if found := sorted({match.group().decode() for match in SOURCE_PATH.finditer(content)}):
        yield f"names {found[0]}" + (f", and {len(found) - 1} more like it" if found[1:] else "")


def _exports(library: Library, expected: Expected) -> Iterator[str]:
    stem = expected.stem(library)
    if stem not in expected.exports:
        yield "has no list of exports"
        return
    listed = expected.exports[stem]
    if more := sorted(library.exports - listed - library.apart):
        yield f"shows {_few(more)}, which its list does not have"
    if fewer := sorted(listed - library.exports):
        yield f"does not show {_few(fewer)} of its list"


def _instructions(library: Library, expected: Expected) -> Iterator[str]:
    judge = judge_of(library.machine)
    if not judge or CUSTOM in library.name:
        return
    flags = expected.levels.get(library.name, ())
    whose = (
        f"its score asks for {' '.join(flags) or 'nothing'}" if library.name in expected.levels else "no one chose it"
    )
    for found in judge.foreign(library, flags):
        yield f"uses {found.feature} {found.count} times, and {whose}: first {found.first}"


def _before_the_choice(library: Library, expected: Expected) -> Iterator[str]:
    if not (judge := judge_of(library.machine)):
        return
    for name, address in library.entries.items():
        if not part_with(address, library):
            yield f"{name} runs before a level is chosen, and where it is, at {address:#x}, no code was found"
        for found in judge.foreign_from(address, library, ()):
            yield f"{name} runs before a level is chosen, and uses {found.feature}: {found.first}"


def _one_ggml_base(library: Library, expected: Expected) -> Iterator[str]:
    base = expected.exports.get("ggml-base", frozenset())
    if not base or expected.stem(library) == "ggml-base":
        return
    if own := sorted(base & library.exports):
        yield f"shows {_few(own)} of ggml-base: a second one would be loaded"
    if not base & library.imports:
        yield "takes nothing from ggml-base, so that it must have one inside"


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")


LINKED = "LlamapackLibrary.cmake links every library: is this one given to llamapack_library()?"
COMPILED = "LlamapackHardening.cmake has the options; does something after it take them away?"

RULES: tuple[Rule, ...] = (
    Rule(
        name="needed libraries",
        check=_needed,
        fix="Link it statically or do without; what a system has stands in SYSTEM of tools/audit/rules.py.",
    ),
    Rule(name="own name", check=_soname, fix=f"Give it the right STEM, or none. {LINKED}", programs=False),
    Rule(
        name="run paths",
        check=_run_paths,
        fix=f"Right is its own folder; for a plug-in, the core's too. {LINKED}",
    ),
    Rule(
        name="floors",
        check=_floors,
        fix="Build with zig, which has the floor of matrix.toml, or give the wheel a tag that is true.",
        systems=("linux",),
    ),
    Rule(name="RELRO", check=_marked("relro", "has no RELRO segment"), fix=LINKED, systems=("linux",)),
    Rule(name="bound at once", check=_marked("now", "binds its symbols late"), fix=LINKED, systems=("linux",)),
    Rule(
        name="NX",
        check=_marked("nx", "has, or asks for, memory that can be written and executed"),
        fix=f"An assembly file without .note.GNU-stack does that, too. {LINKED}",
        systems=("linux", "windows"),
    ),
    Rule(
        name="moved when loaded",
        check=_marked("moved when loaded", "is always loaded to one place in memory"),
        fix="Leave out --disable-dynamicbase.",
        systems=("windows",),
    ),
    Rule(
        name="one C runtime",
        check=_one_runtime,
        fix="Build it with zig, or with clang for UCRT: memory of one C library must not be freed by another.",
        systems=("windows",),
    ),
    Rule(
        name="minimum OS",
        check=_minimum_os,
        fix="Build with zig for the target of matrix.toml, or with its version as CMAKE_OSX_DEPLOYMENT_TARGET.",
        systems=("macos",),
    ),
    Rule(
        name="signed",
        check=_signed,
        fix="The linker signs by itself; sign again what is changed afterwards: codesign --sign - FILE.",
        systems=("macos",),
    ),
    Rule(
        name="two-level names",
        check=_marked("two-level names", "looks for its symbols in every library of the process"),
        fix="Leave out -flat_namespace.",
        systems=("macos",),
    ),
    Rule(
        name="text relocations",
        check=_text_relocations,
        fix="Compile everything in it with -fPIC; assembly must address its data relative to the instruction.",
        systems=("linux",),
    ),
    Rule(
        name="moved when started",
        check=_moved_when_started,
        fix="Link it with -pie.",
        systems=("linux",),
    ),
    Rule(name="stack protector", check=_stack_protector, fix=COMPILED, systems=("linux", "macos"), programs=False),
    Rule(name="fortify", check=_fortify, fix=COMPILED, systems=("linux",)),
    Rule(name="stripped", check=_stripped, fix=LINKED, systems=("linux",)),
    Rule(
        name="paths of the machine",
        check=_places,
        fix="LlamapackGgml.cmake maps the source folders with -ffile-prefix-map: map this one, too.",
    ),
    Rule(
        name="exports",
        check=_exports,
        fix=f"native/exports has the lists; after a change: nox -t gen. {LINKED}",
        programs=False,
    ),
    Rule(
        name="instructions",
        check=_instructions,
        fix="Compile it without flags for a newer processor; a level takes its flags from ggml, and so does its score.",
    ),
    Rule(
        name="before the choice",
        check=_before_the_choice,
        fix="Such code must be compiled for the baseline: make the object constant, or make it at its first use.",
    ),
    Rule(
        name="one ggml-base",
        check=_one_ggml_base,
        fix="Link with the shared ggml-base of the core, never with a static ggml.",
        programs=False,  # it calls libllamapack, and that alone
    ),
)
