"""What a machine can do for a cell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.made_matrix import made_matrix
from tools.matrix import Matrix, load_matrix
from tools.platforms.host import Host, Method, Way, features_of, host_features, skip_reason, strongest_way, ways

NEHALEM = frozenset(("sse2", "sse4_2", "popcnt"))
HASWELL = NEHALEM | {"avx", "f16c", "fma", "avx2", "bmi2"}
SKYLAKEX = HASWELL | {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}
ICELAKE = SKYLAKEX | {"avx512vbmi", "avx512_vnni"}
ZEN4 = ICELAKE | {"avx512_bf16"}
SAPPHIRERAPIDS = ZEN4 | {"amx_tile", "amx_int8", "avx_vnni"}
ALDERLAKE = HASWELL | {"avx_vnni"}

TO_SSE42 = {"x64", "sse42"}
TO_HASWELL = TO_SSE42 | {"sandybridge", "ivybridge", "piledriver", "haswell"}
TO_ICELAKE = TO_HASWELL | {"skylakex", "cannonlake", "cascadelake", "icelake"}
ALL_X86 = TO_ICELAKE | {"cooperlake", "zen4", "alderlake", "sapphirerapids"}

GRAVITON3 = frozenset(("asimd", "asimddp", "fphp", "asimdhp", "sve", "i8mm"))


@pytest.mark.parametrize(
    ("target", "features", "levels"),
    [
        ("linux-x86_64", frozenset(), {"x64"}),
        ("linux-x86_64", NEHALEM, TO_SSE42),
        ("linux-x86_64", HASWELL, TO_HASWELL),
        ("linux-x86_64", ALDERLAKE, TO_HASWELL | {"alderlake"}),
        ("linux-x86_64", SKYLAKEX, TO_HASWELL | {"skylakex"}),
        ("linux-x86_64", SKYLAKEX - {"avx512vl"}, TO_HASWELL),
        ("linux-x86_64", ICELAKE, TO_ICELAKE),
        ("linux-x86_64", ZEN4, TO_ICELAKE | {"cooperlake", "zen4"}),
        ("linux-x86_64", SAPPHIRERAPIDS, ALL_X86),
        ("linux-x86_64", SAPPHIRERAPIDS - {"amx_int8"}, ALL_X86 - {"sapphirerapids"}),
        ("linux-aarch64", frozenset(("asimd",)), {"armv8.0_1"}),
        ("linux-aarch64", GRAVITON3 - {"fphp", "sve", "i8mm"}, {"armv8.0_1", "armv8.2_1"}),
        ("linux-aarch64", GRAVITON3, {"armv8.0_1", "armv8.2_1", "armv8.2_2", "armv8.2_3", "armv8.6_1"}),
        ("windows-arm64", GRAVITON3, {"armv8.2_1"}),
    ],
)
def test_levels_a_processor_runs(target: str, features: frozenset[str], levels: set[str]) -> None:
    assert {level for level, reason in reasons(target, features).items() if not reason} == levels


def reasons(target: str, features: frozenset[str] | None) -> dict[str, str]:
    """Say of each level of `target` why a machine of `features` does not run it."""
    matrix, host = load_matrix(), Host(target=target, features=features)
    found = {}
    for level in matrix.levels_of(target):
        cell = matrix.cell(f"cpu-{target}-{level.name}")
        (native,) = (way for way in ways(matrix, cell, target) if way.how is Method.NATIVE)
        found[level.name] = skip_reason(matrix, host, cell, native)
    return found


def test_a_level_that_does_not_run_says_what_is_missing() -> None:
    found = reasons("linux-x86_64", SKYLAKEX)
    assert found["haswell"] == ""
    assert found["icelake"] == "it needs AVX512_VBMI, AVX512_VNNI, which this processor lacks"


def test_unknown_features_leave_only_the_plainest_level_certain() -> None:
    found = reasons("windows-x86_64", None)
    assert found.pop("x64") == ""
    assert set(found.values()) == {"what this processor has is not known on this system"}


@pytest.mark.parametrize(
    ("cpuinfo", "features"),
    [
        ("processor\t: 0\nflags\t\t: sse2 avx2\n\nprocessor\t: 1\nflags\t\t: sse2 avx2\n", {"sse2", "avx2"}),
        ("flags : sse2 avx2\nvmx flags : ept\n\nflags : sse2 avx512f\n", {"sse2"}),
        ("processor\t: 0\nFeatures\t: fp asimd asimddp\nCPU part : 0xd0c\n", {"fp", "asimd", "asimddp"}),
    ],
)
def test_features_are_those_that_all_processors_share(cpuinfo: str, features: set[str]) -> None:
    assert features_of(cpuinfo) == frozenset(features)


@pytest.mark.parametrize("cpuinfo", ["", "processor : 0\nmodel name : something\n"])
def test_a_list_without_features_means_unknown(cpuinfo: str) -> None:
    assert features_of(cpuinfo) is None


def test_features_are_read_on_linux_and_unknown_elsewhere(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    assert host_features("linux", cpuinfo) is None
    cpuinfo.write_text("flags : sse4_2\n", encoding="utf-8")
    assert host_features("linux", cpuinfo) == frozenset(["sse4_2"])
    assert host_features("darwin", cpuinfo) is None


def native(*flags: str) -> Way:
    return Way(how=Method.NATIVE, flags=flags)


def emulated(by: str, *flags: str) -> Way:
    return Way(how=Method.EMULATED, by=by, flags=flags)


COMPILED = Way(how=Method.COMPILED)
LOADED = Way(how=Method.LOADED)


@pytest.mark.parametrize(
    ("cell", "host", "expected"),
    [
        ("cpu-linux-x86_64", "linux-x86_64", (native(), emulated("qemu-x86_64 -cpu Conroe"), COMPILED)),
        ("cpu-linux-x86_64-haswell", "linux-x86_64",
         (native("AVX2"), emulated("qemu-x86_64 -cpu Haswell"), COMPILED)),
        ("cpu-linux-x86_64-zen4", "linux-x86_64", (native("AVX2", "AVX512"), COMPILED)),
        ("cpu-linux-x86_64-zen4", "macos-arm64", ()),
        ("cpu-windows-x86_64-haswell", "linux-x86_64", (emulated("wine", "AVX2"), COMPILED)),
        ("cpu-windows-x86_64-haswell", "windows-x86_64", (native("AVX2"), COMPILED)),
        ("cpu-macos-arm64", "linux-x86_64", ()),
        ("vulkan-linux-x86_64", "linux-x86_64",
         (Way(how=Method.NATIVE, device="a GPU"), emulated("lavapipe"), COMPILED)),
        ("vulkan-windows-x86_64", "windows-x86_64", (Way(how=Method.NATIVE, device="a GPU"), COMPILED)),
        ("cuda-linux-x86_64", "linux-x86_64", (Way(how=Method.NATIVE, device="an NVIDIA GPU"), LOADED, COMPILED)),
        ("vulkan-windows-x86_64", "linux-x86_64", (emulated("lavapipe in wine"), COMPILED)),
        ("vulkan-windows-x86_64", "macos-arm64", ()),
        ("cuda-windows-x86_64", "linux-x86_64", (LOADED, COMPILED)),
    ],
)  # fmt: skip
def test_ways_to_prove_a_cell_strongest_first(tmp_path: Path, cell: str, host: str, expected: tuple[Way, ...]) -> None:
    matrix = made_matrix(tmp_path)
    assert ways(matrix, matrix.cell(cell), host) == expected


ALL = frozenset(("qemu-x86_64", "wine"))


def how(
    matrix: Matrix, cell: str, *features: str, devices: tuple[str, ...] = (), emulators: frozenset[str] = ALL
) -> Method:
    host = Host(target="linux-x86_64", features=frozenset(features), devices=frozenset(devices), emulators=emulators)
    return strongest_way(matrix, matrix.cell(cell), host).how


def test_the_strongest_way_this_machine_has_is_taken(tmp_path: Path) -> None:
    matrix = made_matrix(tmp_path)
    assert how(matrix, "cpu-linux-x86_64-haswell", "avx2") is Method.NATIVE
    assert how(matrix, "cpu-linux-x86_64-haswell") is Method.EMULATED
    assert how(matrix, "cpu-linux-x86_64-zen4", "avx2", "avx512f") is Method.COMPILED
    assert how(matrix, "cpu-windows-x86_64-haswell", "avx2") is Method.EMULATED
    assert how(matrix, "cpu-windows-x86_64-haswell") is Method.COMPILED
    assert how(matrix, "cpu-macos-arm64") is Method.NOT
    assert how(matrix, "vulkan-linux-x86_64", devices=("vulkan",)) is Method.NATIVE
    assert how(matrix, "vulkan-linux-x86_64", devices=("cuda",)) is Method.EMULATED
    assert how(matrix, "cuda-linux-x86_64") is Method.LOADED
    assert how(matrix, "cpu-linux-x86_64-haswell", emulators=frozenset(["wine"])) is Method.COMPILED


@pytest.mark.parametrize(
    ("cell", "host", "number", "reason"),
    [
        ("cpu-linux-x86_64-haswell", Host(target="linux-x86_64", features=frozenset(["avx2"])), 0, ""),
        ("cpu-linux-x86_64-zen4", Host(target="linux-x86_64", features=frozenset(["avx2"])), 0,
         "it needs AVX512, which this processor lacks"),
        ("cpu-linux-x86_64-zen4", Host(target="linux-x86_64", features=None), 0,
         "what this processor has is not known on this system"),
        ("cpu-linux-x86_64-haswell", Host(target="linux-x86_64", features=frozenset()), 1,
         "qemu-x86_64 is not on this machine: apt install qemu-user-static"),
        ("cuda-linux-x86_64", Host(target="linux-x86_64", features=frozenset()), 0, "it needs an NVIDIA GPU"),
        ("vulkan-linux-x86_64", Host(target="linux-x86_64", features=frozenset()), 2, ""),
    ],
)  # fmt: skip
def test_a_way_that_cannot_be_taken_says_what_is_missing(
    tmp_path: Path, cell: str, host: Host, number: int, reason: str
) -> None:
    matrix = made_matrix(tmp_path)
    way = ways(matrix, matrix.cell(cell), host.target)[number]
    assert skip_reason(matrix, host, matrix.cell(cell), way) == reason
