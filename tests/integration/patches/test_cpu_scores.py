"""The patch that makes x86 scores respect what the operating system saves, with registers given by the test."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.native_programs import compile_program, compiler, source_tree

LEVELS = {
    "x64": (),
    "sandybridge": ("SSE42", "AVX"),
    "haswell": ("SSE42", "AVX", "F16C", "FMA", "BMI2", "AVX2"),
    "alderlake": ("SSE42", "AVX", "F16C", "FMA", "BMI2", "AVX2", "AVX_VNNI"),
    "skylakex": ("SSE42", "AVX", "F16C", "FMA", "BMI2", "AVX2", "AVX512"),
    "sapphirerapids": (
        *("SSE42", "AVX", "F16C", "FMA", "BMI2", "AVX2", "AVX512", "AVX512_VBMI", "AVX512_VNNI", "AVX512_BF16"),
        *("AMX_TILE", "AMX_INT8"),
    ),
}
AVX = ("sandybridge", "haswell", "alderlake")
STATES = {
    0x602E7: ("x64", *AVX, "skylakex", "sapphirerapids"),
    0xE7: ("x64", *AVX, "skylakex"),
    0x67: ("x64", *AVX),
    0xC7: ("x64", *AVX),
    0x27: ("x64", *AVX),
    0x60007: ("x64", *AVX),
    0x7: ("x64", *AVX),
    0x5: ("x64",),
    0x3: ("x64",),
}
"""What XCR0 holds, and the levels that can run then on a processor that has everything."""

# Compiled as for MSVC, whose intrinsics are functions that can be given.
GIVEN = r"""
#include <array>
#include <bitset>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>
#include "ggml-backend-impl.h"
static bool osxsave;
static unsigned long long xcr0;
static void __cpuidex(int out[4], int leaf, int) {
    for (int i = 0; i < 4; i++) out[i] = -1;
    if (leaf == 0) { out[0] = 7; std::memcpy(&out[1], "Genu", 4); std::memcpy(&out[3], "ineI", 4);
                     std::memcpy(&out[2], "ntel", 4); }
    if (leaf == 1 && !osxsave) out[2] &= ~(1 << 27);
    if (leaf == (int) 0x80000000) out[0] = (int) 0x80000001;
}
static void __cpuid(int out[4], int leaf) { __cpuidex(out, leaf, 0); }
static unsigned long long _xgetbv(unsigned) {
    if (!osxsave) { std::puts("fault"); std::exit(3); }
    return xcr0;
}
#undef __clang__
#define _MSC_VER 1930
#define _M_AMD64 1
#include "ggml-cpu/arch/x86/cpu-feats.cpp"
int main(int, char ** argv) {
    osxsave = argv[1][0] == '1';
    xcr0 = std::strtoull(argv[2], nullptr, 16);
    std::printf("%d\n", ggml_backend_cpu_x86_score());
}
"""
REAL = r"""
#include <cstdio>
#include "ggml-cpu/arch/x86/cpu-feats.cpp"
int main() { std::printf("%d\n", ggml_backend_cpu_x86_score()); }
"""


class Scores:
    """One program for each level."""

    def __init__(self, tree: str, text: str, folder: Path) -> None:
        cxx = compiler()
        (folder / "intrin.h").touch()
        (folder / "main.cpp").write_text(text, encoding="utf-8")
        source = source_tree(tree, folder)
        self.programs = {
            level: compile_program(
                [cxx, "-O0", "-DGGML_BACKEND_DL", f"-I{folder}", *(f"-DGGML_{name}" for name in flags)],
                [folder / "main.cpp"],
                folder / level,
                source,
            )
            for level, flags in LEVELS.items()
        }

    def of(self, level: str, *words: str) -> int:
        """Return the score of `level`."""
        done = subprocess.run([self.programs[level], *words], capture_output=True, encoding="utf-8", check=True)
        return int(done.stdout)

    def supported(self, *words: str) -> tuple[str, ...]:
        """Return the levels whose score is not 0."""
        return tuple(level for level in LEVELS if self.of(level, *words) > 0)


pytestmark = pytest.mark.skipif(
    platform.machine().lower() not in {"x86_64", "amd64"}, reason="the scores of x86 levels are compiled for x86"
)


@pytest.fixture(scope="module")
def patched(tmp_path_factory: pytest.TempPathFactory) -> Scores:
    return Scores("patched", GIVEN, tmp_path_factory.mktemp("patched"))


@pytest.mark.parametrize("xcr0", STATES, ids=hex)
def test_level_needs_the_state_that_its_registers_need(patched: Scores, xcr0: int) -> None:
    assert patched.supported("1", hex(xcr0)) == STATES[xcr0]


def test_state_is_not_asked_for_where_asking_would_fault(patched: Scores) -> None:
    assert patched.supported("0", "0xffffffff") == ("x64",)


def test_scores_of_supported_levels_are_upstreams(patched: Scores, tmp_path: Path) -> None:
    upstream = Scores("upstream", GIVEN, tmp_path)
    for level in LEVELS:
        assert patched.of(level, "1", "0x602e7") == upstream.of(level, "1", "0x602e7")
    assert upstream.supported("1", "0x3") == tuple(LEVELS), "upstream respects the state itself now: drop the patch"


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/cpuinfo says what Linux saves")
def test_this_machine_gets_the_levels_that_its_kernel_names(tmp_path: Path) -> None:
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("flags")[2].partition("\n")[0].split()
    needed = {"sandybridge": "avx", "haswell": "avx2", "skylakex": "avx512bw", "sapphirerapids": "amx_int8"}
    scores = Scores("patched", REAL, tmp_path)
    for level, flag in needed.items():
        assert (scores.of(level) > 0) == (flag in flags), level
