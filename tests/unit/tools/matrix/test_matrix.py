"""What matrix.toml says, and that other files say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tomllib

from tests.support.made_matrix import made_matrix
from tools.errors import ToolError
from tools.matrix import Cell, host_target, load_matrix
from tools.paths import CORE, ROOT, SYNCED

UPSTREAM_LEVELS = SYNCED / "ggml" / "src" / "CMakeLists.txt"

TARGETS = ("linux-x86_64", "linux-aarch64", "windows-x86_64", "windows-arm64", "macos-arm64", "macos-x86_64")
X86 = (
    "x64", "sse42", "sandybridge", "ivybridge", "piledriver", "haswell", "skylakex", "cannonlake", "cascadelake",
    "icelake", "cooperlake", "zen4", "alderlake", "sapphirerapids",
)  # fmt: skip
ARM = ("armv8.0_1", "armv8.2_1", "armv8.2_2", "armv8.2_3", "armv8.6_1", "armv8.6_2", "armv9.2_1", "armv9.2_2")


def test_the_targets_and_backends_are_the_promised_ones() -> None:
    matrix = load_matrix()
    assert tuple(matrix.targets) == TARGETS
    assert {name: set(backend.targets) for name, backend in matrix.backends.items()} == {
        "cpu": set(TARGETS),
        "vulkan": {"linux-x86_64", "linux-aarch64", "windows-x86_64"},
        "cuda": {"linux-x86_64", "linux-aarch64", "windows-x86_64"},
        "rocm": {"linux-x86_64", "windows-x86_64"},
        "metal": {"macos-arm64"},
    }


@pytest.mark.parametrize(
    ("target", "levels"),
    [
        ("linux-x86_64", X86),
        ("windows-x86_64", X86),
        ("macos-x86_64", X86),
        ("linux-aarch64", ARM),
        ("macos-arm64", ("apple_m1", "apple_m2_m3", "apple_m4")),
        ("windows-arm64", ("armv8.2_1",)),
    ],
)
def test_each_target_has_its_levels(target: str, levels: tuple[str, ...]) -> None:
    assert tuple(level.name for level in load_matrix().levels_of(target)) == levels


@pytest.mark.skipif(not UPSTREAM_LEVELS.is_file(), reason="there is no synced llama.cpp source to compare with")
def test_levels_and_flags_are_those_of_ggml() -> None:
    calls = re.findall(r"ggml_add_cpu_backend_variant\(([^()]+)\)", UPSTREAM_LEVELS.read_text(encoding="utf-8"))
    theirs = {name: tuple(flags) for name, *flags in (call.split() for call in calls)}
    wanted = re.compile("|".join(X86) + r"|armv\d.*|apple_.*")
    matrix = load_matrix()
    ours = {level.name: level.flags for group in ("x86", "arm", "apple") for level in matrix.levels[group]}
    assert {name: flags for name, flags in theirs.items() if wanted.fullmatch(name)} == ours


def test_ids_are_unique_and_lead_back_to_their_cell() -> None:
    matrix = load_matrix()
    builds = 6 + 3 + 3 + 2 + 1  # cpu, vulkan, cuda, rocm, metal
    checks = 3 * len(X86) + len(ARM) + 3 + 1  # x86 on three systems, Arm on Linux, macOS, and Windows on Arm
    assert len({cell.id for cell in matrix.cells}) == len(matrix.cells) == builds + checks
    assert [matrix.cell(cell.id) for cell in matrix.cells] == list(matrix.cells)


def test_a_build_and_a_check_are_spelled_backend_target_level() -> None:
    check = Cell(backend="cpu", target="linux-x86_64", level="haswell")
    assert (check.id, check.build.id) == ("cpu-linux-x86_64-haswell", "cpu-linux-x86_64")


@pytest.mark.parametrize(
    ("id_", "what", "fix"),
    [
        ("gpu-linux-x86_64", "'gpu' is no backend.", "Valid backends: cpu, vulkan, cuda."),
        ("cpu-linux-riscv", "'linux-riscv' is no target.", "Valid targets: linux-x86_64, windows-x86_64, macos-arm64."),
        ("cuda-macos-arm64", "cuda does not exist on macos-arm64.", "Valid targets: linux-x86_64, windows-x86_64."),
        (
            "cuda-linux-x86_64-zen4",
            "'cuda-linux-x86_64-zen4' is no cell: only cpu has levels.",
            "Use cuda-linux-x86_64.",
        ),
        ("cpu-linux-x86_64-zen5", "linux-x86_64 has no CPU level 'zen5'.", "Valid levels: x64, haswell, zen4."),
    ],
)
def test_unknown_id_is_refused_with_the_part_that_is_wrong(tmp_path: Path, id_: str, what: str, fix: str) -> None:
    with pytest.raises(ToolError) as caught:
        made_matrix(tmp_path).cell(id_)
    assert (caught.value.what, caught.value.fix) == (what, fix)


def test_floors_reach_wheel_tags_and_zig(tmp_path: Path) -> None:
    matrix = made_matrix(tmp_path)
    assert [matrix.wheel_tag(name) for name in matrix.targets] == [
        "manylinux_2_28_x86_64", "win_amd64", "macosx_14_0_arm64",
    ]  # fmt: skip
    assert [matrix.zig_target(name) for name in matrix.targets] == [
        "x86_64-linux-gnu.2.28", "x86_64-windows-gnu", "aarch64-macos.14.0",
    ]  # fmt: skip


def test_macos_floor_is_one_that_wheel_tags_can_name() -> None:
    assert re.fullmatch(r"\d+\.0", load_matrix().toolchains["macos"].version)


@pytest.mark.parametrize(
    ("platform", "machine", "target"),
    [
        ("linux-x86_64", "x86_64", "linux-x86_64"),
        ("linux-aarch64", "aarch64", "linux-aarch64"),
        ("win-amd64", "ARM64", "windows-x86_64"),
        ("win-arm64", "ARM64", "windows-arm64"),
        ("macosx-11.0-arm64", "arm64", "macos-arm64"),
        ("macosx-10.15-universal2", "arm64", "macos-arm64"),
        ("macosx-10.15-universal2", "x86_64", "macos-x86_64"),
    ],
)
def test_host_target_follows_the_python_that_runs(platform: str, machine: str, target: str) -> None:
    assert host_target(platform, machine) == target
    assert target in load_matrix().targets


@pytest.mark.parametrize("platform", ["win32", "linux-i686", "freebsd-14-amd64", "linux-armv7l"])
def test_host_without_a_target_is_refused(platform: str) -> None:
    with pytest.raises(ToolError) as caught:
        host_target(platform, "x86_64")
    assert caught.value.what == f"This Python is for {platform}, which llamapack is not built for."
    assert caught.value.fix == "Use a 64-bit Python on Linux, Windows or macOS, x86-64 or Arm."


def test_pinned_zig_is_that_of_the_matrix() -> None:
    pins = re.findall(r"(?m)^ziglang==(\S+)", (ROOT / "requirements" / "zig.in").read_text(encoding="utf-8"))
    assert pins == [load_matrix().toolchains["zig"].version]


def test_oldest_python_of_the_wheels_is_that_of_the_package() -> None:
    project = tomllib.loads((CORE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == f">={load_matrix().wheel_pythons[0]}"


def test_every_gpu_architecture_is_named_once_per_kind_with_a_reason() -> None:
    matrix = load_matrix()
    spelled = {name: " ".join(f"{arch.kind}-{arch.arch}" for arch in archs) for name, archs in matrix.gpu.items()}
    assert spelled == {
        "cuda": "real-75 real-80 ptx-90 real-120f",
        "rocm": "gfx-gfx90a gfx-gfx942 gfx-gfx1030 gfx-gfx1100 gfx-gfx1101 gfx-gfx1200 gfx-gfx1201",
    }
    assert matrix.gpu_archs("metal") == ()


def test_what_is_tried_is_not_called_verified() -> None:
    matrix = load_matrix()
    released = ("cpu-linux-x86_64", "cpu-windows-x86_64", "cpu-macos-arm64")
    assert [(row.build, row.session) for row in matrix.tried] == [
        ("metal-macos-arm64", "test-metal"),
        ("vulkan-windows-x86_64", "test-vulkan"),
        ("cuda-linux-aarch64", "test-cuda"),
        ("cuda-windows-x86_64", "test-cuda"),
        *((build, "cibuildwheel") for build in released),
    ]
    assert set(matrix.tried) & set(matrix.verified) == set()


def test_nothing_is_called_verified_but_what_runs_today() -> None:
    assert [(row.build, row.session) for row in load_matrix().verified] == [
        ("cpu-linux-x86_64", "test-cpu"),
        ("vulkan-linux-x86_64", "test-vulkan"),
    ]
