"""Instructions of 64-bit Arm are judged: what loads first stays within the baseline, a level within its score."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.libraries.foreign_libraries import ARM, MACOS, Format, build_good, build_level, complaints
from tests.support.libraries.small_libraries import SOURCE, assembly
from tools.audit.arm import Arm

pytestmark = pytest.mark.skipif(bool(Arm().unavailable()), reason=Arm().unavailable() or "llvm-mc is here")


def of(extension: str, instruction: str) -> str:
    """Return assembly with an instruction of an extension that is not switched on."""
    return f".arch_extension {extension}\\n{instruction}\\n.arch_extension no{extension}"


DOT = of("dotprod", "sdot v0.4s, v1.16b, v2.16b")
HALF = of("fp16", "fadd v0.8h, v1.8h, v2.8h")
SVE = of("sve", "fadd z0.s, z1.s, z2.s")
SVE2 = of("sve2", "smlalb z0.s, z1.h, z2.h")
INT8 = of("i8mm", "smmla v0.4s, v1.16b, v2.16b")
MATRIX = of("sme", "smopa za0.s, p0/m, p1/m, z0.b, z1.b")
BRAIN = of("bf16", "bfdot v0.4s, v1.8h, v2.8h")
ATOMIC = of("lse", "ldadd x0, x1, [x2]")


def test_a_level_may_use_what_its_score_asks_for(tmp_path: Path) -> None:
    assert complaints(build_level(ARM, tmp_path, after=f"{DOT}\\n{HALF}"), ARM) == {}


@pytest.mark.parametrize(
    ("after", "feature", "first"),
    [
        (SVE, "sve", "fadd z0.s, z1.s, z2.s"),
        (SVE2, "sve2", "smlalb z0.s, z1.h, z2.h"),
        (INT8, "i8mm", "smmla v0.4s, v1.16b, v2.16b"),
        (MATRIX, "sme", "smopa za0.s, p0/m, p1/m, z0.b, z1.b"),
        (".inst 0xffffffff", "another extension", "the word 0xffffffff, which llvm-mc does not know"),
    ],
    ids=lambda value: value if value.isalnum() else "",
)
def test_instructions_beyond_the_score_are_found(tmp_path: Path, after: str, feature: str, first: str) -> None:
    (what,) = complaints(build_level(ARM, tmp_path, after=after), ARM)["instructions"]
    asked = "and its score asks for DOTPROD FP16_VECTOR_ARITHMETIC"
    assert re.fullmatch(rf"uses {feature} 1 times, {asked}: first {re.escape(first)} at 0x[0-9a-f]+", what)


@pytest.mark.parametrize("flag", ["SVE", "SVE2", "MATMUL_INT8", "SME"])
def test_a_flag_of_the_score_allows_its_instructions(tmp_path: Path, flag: str) -> None:
    allowed = {"SVE": SVE, "SVE2": SVE2, "MATMUL_INT8": INT8, "SME": MATRIX}
    flags = ("DOTPROD", "FP16_VECTOR_ARITHMETIC", *(["SVE"] if flag == "SVE2" else []), flag)
    form = replace(ARM, flags=flags)
    assert complaints(build_level(form, tmp_path, after=allowed[flag]), form) == {}


def test_instructions_above_the_baseline_are_found_where_no_level_is_chosen(tmp_path: Path) -> None:
    inside = assembly(DOT) + assembly(ATOMIC)
    library = build_good(ARM, tmp_path, source=SOURCE.replace("char text[64];", f"char text[64];{inside}"))
    first, second = complaints(library, ARM)["instructions"]
    assert first.startswith("uses dotprod 1 times, and no one chose it: first sdot v0.4s, v1.16b, v2.16b at 0x")
    assert second.startswith("uses lse 1 times, and no one chose it: first ldadd x0, x1, [x2] at 0x")


def test_the_baseline_of_a_mac_is_its_first_processor(tmp_path: Path) -> None:
    inside = assembly(DOT) + assembly(ATOMIC)
    source = SOURCE.replace("char text[64];", f"char text[64];{inside}")
    assert complaints(build_good(MACOS, tmp_path / "first", source=source), MACOS) == {}
    (what,) = complaints(build_level(MACOS, tmp_path / "second", after=INT8), MACOS)["instructions"]
    assert what.startswith("uses i8mm 1 times, and its score asks for DOTPROD: first smmla")


@pytest.mark.parametrize("form", [ARM, MACOS], ids=lambda form: form.target)
def test_what_runs_when_a_level_is_loaded_stays_within_the_baseline(tmp_path: Path, form: Format) -> None:
    form = replace(form, flags=("DOTPROD", "FP16_VECTOR_ARITHMETIC", "MATMUL_INT8"))
    (load,) = complaints(build_level(form, tmp_path, at_load=INT8), form)["before the choice"]
    assert re.match(r"its initialiser \d runs before a level is chosen, and uses i8mm: smmla v0\.4s", load)


@pytest.mark.parametrize(
    "branch", ["bl", "b", "b.eq", "cbz x0,", "cbnz w0,", "tbz w0, #3,", "tbnz x0, #40,"], ids=lambda word: word[:4]
)
def test_a_score_is_followed_to_where_it_branches(tmp_path: Path, branch: str) -> None:
    assert complaints(build_level(ARM, tmp_path / "not reached", after=HALF), ARM) == {}
    library = build_level(ARM, tmp_path, in_score=f"{branch} ggml_work", after=HALF)
    (what,) = complaints(library, ARM)["before the choice"]
    start = "ggml_backend_score runs before a level is chosen, and uses fullfp16: fadd v0.8h, v1.8h, v2.8h at 0x"
    assert what.startswith(start)


def test_a_branch_back_is_followed(tmp_path: Path) -> None:
    library = build_level(ARM, tmp_path, in_score=f".Lthere:\\n{HALF}", at_load="b .Lthere")
    assert len(complaints(library, ARM)["before the choice"]) == 2


@pytest.mark.parametrize(
    "asked_before",
    [
        of("sve", "cntd x0"),
        of("memtag", "stg x8, [x8]"),
        of("sme", "str za[w15, 0], [x16]"),
        of("sme", "addsvl x16, x16, #1"),
    ],
)
def test_what_zigs_runtime_asks_for_before_it_runs_is_no_finding(tmp_path: Path, asked_before: str) -> None:
    assert complaints(build_level(ARM, tmp_path, in_score=asked_before), ARM) == {}
    other = asked_before.replace("x0", "x1").replace("stg", "st2g").replace("w15", "w14").replace("#1", "#2")
    assert "instructions" in complaints(build_level(ARM, tmp_path / "other", in_score=other), ARM)


def test_brain_floats_are_asked_for_by_no_score(tmp_path: Path) -> None:
    form = replace(ARM, flags=("DOTPROD", "FP16_VECTOR_ARITHMETIC", "SVE", "MATMUL_INT8"))
    (what,) = complaints(build_level(form, tmp_path, after=BRAIN), form)["instructions"]
    assert what.startswith("uses bf16 1 times, ")


@pytest.mark.parametrize(("after", "feature"), [(SVE, "sve"), (SVE2, "sve2")], ids=["SVE", "SVE2"])
def test_the_matrix_extension_alone_does_not_bring_sve(tmp_path: Path, after: str, feature: str) -> None:
    flags = ("DOTPROD", "MATMUL_INT8", "NOSVE", "SME")
    form = replace(MACOS, flags=flags)
    assert complaints(build_level(form, tmp_path / "its own", after=MATRIX), form) == {}
    (what,) = complaints(build_level(form, tmp_path, after=after), form)["instructions"]
    assert what.startswith(f"uses {feature} 1 times, and its score asks for {' '.join(flags)}: first ")


def test_the_matrix_extension_and_sve_bring_sve2(tmp_path: Path) -> None:
    form = replace(ARM, flags=("DOTPROD", "FP16_VECTOR_ARITHMETIC", "SVE", "SME"))
    assert complaints(build_level(form, tmp_path, after=SVE2), form) == {}
