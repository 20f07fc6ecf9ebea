"""Which compilers are compared, on what, and how their rates become a table."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import compilers
from benchmarks.compilers import FORMATS, KINDS, Series, Setup, measure, order, table
from tools.building import compiler_variants
from tools.building.compiler_variants import CLANG, LEVELS, Compiler, Variant, build_all, levels_here
from tools.compilers.zig import version as zig_version
from tools.errors import UnavailableError
from tools.paths import REQUIREMENTS
from tools.platforms import apt
from tools.platforms.host import Host

RATES = {"gcc": 100.0, "zig": 110.0}


@pytest.fixture
def setup() -> Setup:
    modules = {name: {level: Path(name, level) for level in ("haswell", "zen4", "sapphirerapids")} for name in RATES}
    models = {name: Path(f"{name}.gguf") for name in FORMATS}
    return Setup(reference=Path("reference"), models=models, modules=modules, n_threads=2, n_prompt=128, n_generated=48)


def test_every_compiler_is_compared_plain_and_with_what_it_can_have() -> None:
    assert [variant.id for variant in compiler_variants.variants()] == [
        *("gcc-12", "clang-19", "zig", "gcc-12+lto", "clang-19+lto", "zig+lto"),
        *("gcc-12+openmp", "clang-19+openmp", "gcc-12+lto+openmp", "clang-19+lto+openmp"),
    ]
    assert f"ziglang=={zig_version()}" in (REQUIREMENTS / "zig.in").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        (("avx2",), ("sse42", "sandybridge")),
        (("avx2", "avx512"), ("zen4", "sse42")),
        (("avx2", "avx512", "amx"), ("zen4", "sapphirerapids")),
    ],
    ids=["AVX2", "AVX-512", "AMX"],
)
def test_levels_are_those_that_this_processor_runs(
    features: tuple[str, ...], expected: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {
        "avx2": "sse4_2 avx f16c fma avx2 bmi2",
        "avx512": "avx512f avx512cd avx512bw avx512dq avx512vl avx512vbmi avx512_vnni avx512_bf16",
        "amx": "amx_tile amx_int8",
    }
    has = frozenset(" ".join(words[name] for name in features).split())
    monkeypatch.setattr(compiler_variants, "this_host", lambda: Host(target="linux-x86_64", features=has))
    assert levels_here() == ("haswell", *expected)


def test_processor_and_system_that_run_none_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler_variants, "this_host", lambda: Host(target="linux-x86_64", features=frozenset()))
    with pytest.raises(UnavailableError, match=r"runs none of the compared levels\.\nhaswell: it needs SSE42, "):
        levels_here()
    monkeypatch.setattr(compiler_variants, "this_host", lambda: Host(target="macos-arm64", features=None))
    with pytest.raises(UnavailableError, match="this machine is macos-arm64"):
        levels_here()


def test_compiler_that_cannot_be_had_is_left_out_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    def build(variant: Variant, levels: tuple[str, ...]) -> dict[str, Path]:
        if variant.compiler is CLANG:
            raise UnavailableError("clang++-19 is not on PATH.", fix="Install it to have it compared.")
        return {level: Path(variant.id, level) for level in levels}

    monkeypatch.setattr(compiler_variants, "FOLDER", tmp_path)
    monkeypatch.setattr(compiler_variants, "levels_here", lambda: LEVELS[:1])
    monkeypatch.setattr(compiler_variants, "build_levels", build)
    modules = json.loads(build_all().read_text(encoding="utf-8"))
    assert modules["zig"] == {"haswell": "zig/haswell"}
    assert [name for name in modules if name.startswith("clang")] == []
    why = "is left out: clang++-19 is not on PATH. Install it to have it compared."
    clangs = ("clang-19", "clang-19+lto", "clang-19+openmp", "clang-19+lto+openmp")
    assert said == [f"{name} {why}" for name in clangs]


def test_missing_compiler_is_lacking_where_there_is_no_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt, "is_here", lambda: False)
    with pytest.raises(UnavailableError, match=r"^none\+\+ is not on PATH\."):
        compiler_variants.find(Compiler(name="none", c="none", cxx="none++"))


def test_each_round_takes_all_once_in_another_order(setup: Setup) -> None:
    rounds = [order(setup, number) for number in range(4)]
    pairs = {(level, name) for level in setup.levels for name in setup.modules}
    assert [Counter(each) for each in rounds] == [Counter(pairs)] * 4
    assert len({tuple(each) for each in rounds}) == 4
    assert rounds == [order(setup, number) for number in range(4)]


def test_ratios_are_those_of_one_round(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that gets slower from round to round does not change them."""
    slower = {"now": 1.0}

    def rates(self: Setup, variant: str, level: str) -> dict[tuple[str, str], float]:
        slower["now"] *= 0.999
        return {(format, kind): RATES[variant] * slower["now"] for format in FORMATS for kind in KINDS}

    monkeypatch.setattr(Setup, "rates", rates)
    series = measure(setup, 6)
    for level in setup.levels:
        assert series.ratios(level, "zig", "gcc", "F16", "prompt") == pytest.approx([1.1] * 6, rel=0.01)
        assert series.together(level, "zig", "gcc", KINDS) == pytest.approx([1.1] * 6, rel=0.01)


def test_rates_are_read_by_format_and_kind(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    def bench(reference: Path, library: Path, *words: object) -> list[dict[str, object]]:
        asked.append((reference, library, *words))
        tests = ((128, 0, 50.0), (0, 48, 5.0))
        return [
            {"model_filename": f"{name}.gguf", "n_prompt": p, "n_gen": n, "avg_ts": rate + number}
            for number, name in enumerate(FORMATS)
            for p, n, rate in tests
        ]

    monkeypatch.setattr(compilers, "llama_bench", bench)
    found = setup.rates("zig", "zen4")
    assert found["F16", "prompt"] == 50.0
    assert found["Q4_K_M", "generation"] == 8.0
    assert len(found) == 8
    models = [word for name in FORMATS for word in ("-m", Path(f"{name}.gguf"))]
    assert asked == [(Path("reference"), Path("zig", "zen4"), *models, "-t", 2, "-p", 128, "-n", 48)]


def test_table_has_rates_of_the_first_and_ratios_of_the_others(setup: Setup) -> None:
    series = Series()
    for factor in (1.0, 0.5, 2.0, 1.0, 1.0, 1.0):
        for name, rate in RATES.items():
            series.add("zen4", name, {(f, k): rate * factor for f in FORMATS for k in KINDS})
    head, _, first, second = table(setup, series, "zen4").splitlines()
    assert head.split(" | ")[1:5] == [f"{name} prompt" for name in FORMATS]
    assert first == f"| gcc | {' | '.join(['100 tokens/s'] * 8)} | 1 | 1 | 1 |"
    assert second == f"| zig | {' | '.join(['1.100 (1.100 … 1.100)'] * 11)} |"
