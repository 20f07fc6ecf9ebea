"""Libraries of a few lines, compiled by the tests: one that complies with every audit rule, and ways to break each."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tools.audit.library import Expected, Library
from tools.audit.reading import read_library
from tools.audit.rules import broken_rules
from tools.compilers.toolchains import find_toolchain

ABI_ID = "0a1b2c3d"
BASE, NAME, LEVEL = (f"lib{stem}.so" for stem in (f"ggml-base-{ABI_ID}", f"good-{ABI_ID}", "ggml-cpu-haswell"))
EXPECTED = Expected(
    abi_id=ABI_ID,
    own=frozenset((BASE, NAME, LEVEL)),
    exports={
        "ggml-base": frozenset(["ggml_init"]),
        "good": frozenset(["good_text"]),
        "ggml-cpu": frozenset(["ggml_backend_score"]),
    },
    levels={LEVEL: ("SSE42", "AVX", "AVX2")},
)

SHOWN = '#define SHOWN __attribute__((visibility("default")))\n'
BASE_SOURCE = SHOWN + "SHOWN int ggml_init(void) { return 1; }\n"
SOURCE = (
    SHOWN
    + """
#include <stdio.h>
#include <string.h>
int ggml_init(void);
SHOWN int good_text(char * out, const char * name) {
    char text[64];
    snprintf(text, sizeof text, "%s %d", name, ggml_init());
    strcpy(out, text);
    return puts(text);
}
"""
)
LEVEL_SOURCE = (
    SOURCE.replace("SHOWN int good_text", "static int text")
    + """
SHOWN int ggml_backend_score(char * out) { IN_SCORE return text(out, out); }
__attribute__((constructor)) static void begin(void) { AT_LOAD }
__attribute__((used)) int ggml_work(void) { AFTER return 0; }
"""
)
COMPILER = (
    "-O2",
    "-fPIC",
    "-fvisibility=hidden",
    "-fstack-protector-strong",
    "-U_FORTIFY_SOURCE",
    "-D_FORTIFY_SOURCE=2",
)
LINKER = ("-shared", "-Wl,-s", "-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack", "-Wl,-rpath,$ORIGIN")


def build(
    folder: Path, name: str, source: str, *options: str, soname: str | None = None, neighbours: Sequence[Path] = ()
) -> Library:
    """Compile `source` into the library `name`; `options` come last, so that they override earlier ones."""
    toolchain = find_toolchain()
    if sys.platform != "linux" or not toolchain.c or toolchain.is_zig:
        pytest.skip("this machine has no C compiler for Linux")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.c"
    file.write_text(source, encoding="utf-8")
    command = [*toolchain.c, *COMPILER, *LINKER, f"-ffile-prefix-map={folder}=src", str(file), "-o", str(folder / name)]
    command += [f"-Wl,-soname,{soname}"] if soname else []
    done = subprocess.run([*command, *map(str, neighbours), *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return read_library(folder / name)


def build_base(folder: Path) -> Path:
    """Compile the library from which all others import a symbol."""
    return build(folder, BASE, BASE_SOURCE, soname=BASE).path


def build_good(folder: Path, *options: str, source: str = SOURCE, soname: str | None = NAME) -> Library:
    """Compile the library that complies with every rule, unless `options` or another `source` break one."""
    return build(folder, NAME, source, *options, soname=soname, neighbours=[build_base(folder)])


def build_level(folder: Path, *, in_score: str = "", at_load: str = "", after: str = "") -> Library:
    """Compile a CPU level with assembly in its score function, in code that runs on load, or in another function."""
    source = level_source(in_score=in_score, at_load=at_load, after=after)
    return build(folder, LEVEL, source, "-msse2", neighbours=[build_base(folder)])


def complaints(library: Library, expected: Expected = EXPECTED) -> dict[str, list[str]]:
    """Return the findings for `library`, by the name of the rule."""
    found: dict[str, list[str]] = {}
    for finding in broken_rules(library, expected):
        found.setdefault(finding.rule, []).append(finding.what)
    return found


def level_source(**places: str) -> str:
    """Return the source of a CPU level, with assembly `in_score`, `at_load` and `after`."""
    source = LEVEL_SOURCE
    for place, text in places.items():
        source = source.replace(place.upper(), assembly(text))
    return source


def assembly(text: str) -> str:
    """Return a C statement that contains the assembly `text`."""
    return f'__asm__ volatile("{text}");' if text else ""
