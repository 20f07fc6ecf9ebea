"""What the CUDA plug-in is compiled with: NVIDIA's wheels, and architectures from the matrix or a developer."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from tools.compilers.toolchain import Toolchain
from tools.errors import ToolError, UnavailableError
from tools.matrix import GpuArch, load_matrix
from tools.paths import REQUIREMENTS
from tools.platforms import apt
from tools.toolkits.cuda import host_compilers, kit, nvidia_wheels
from tools.toolkits.cuda.host_compilers import cross_compilers
from tools.toolkits.cuda.kit import cuda_kit, spell, wanted_archs
from tools.toolkits.cuda.nvidia_wheels import complete, lay_out, nvcc
from tools.util.venv import Environment

VARIABLE = "LLAMAPACK_CUDA_ARCHS"
GCC = Toolchain(cxx=("/usr/bin/g++",), c=("/usr/bin/gcc",), description="g++ 12")
ARM = "linux-aarch64"
ARM_GCC = Toolchain(cxx=("/usr/bin/aarch64-g++",), c=("/usr/bin/aarch64-gcc",), description="g++ 12 for Arm")


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """NVIDIA's wheels as they are installed."""
    library = tmp_path / "lib" / "python3.11" / "site-packages" / "nvidia" / "cu13" / "lib"
    library.mkdir(parents=True)
    for name in ("libcudart.so.13", "libcublas.so.13", "libcublasLt.so.13", "libcudart_static.a"):
        (library / name).write_text(name, encoding="utf-8")
    return Environment(folder=tmp_path)


def test_architectures_are_those_of_the_matrix_in_its_order() -> None:
    assert wanted_archs({}) == "75-real,80-real,90-virtual,120f-real"
    assert [spell(arch) for arch in load_matrix().gpu_archs("cuda")] == wanted_archs({}).split(",")


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        ("90-real", "90-real"),
        ("90;80-virtual", "90,80-virtual"),
        (" 120f-real, 75 ", "120f-real,75"),
        ("native", "native"),
        ("", "75-real,80-real,90-virtual,120f-real"),
    ],
)
def test_a_developer_names_fewer(named: str, meant: str) -> None:
    assert wanted_archs({VARIABLE: named}) == meant


@pytest.mark.parametrize("named", ["sm_90", "hopper", "9", "90-ptx", "all;90"])
def test_a_word_that_is_no_architecture_is_refused(named: str) -> None:
    with pytest.raises(ToolError) as caught:
        wanted_archs({VARIABLE: named})
    wrong = named.partition(";")[0]
    assert caught.value.what == f"{VARIABLE} names {wrong!r}, which is not an architecture."
    assert caught.value.fix.startswith("Use CMake's words, with commas: 90-real is machine code")


def runs_there(arch: GpuArch, capability: int) -> bool:
    """Tell whether a GPU runs machine code: that of its major version and no newer, with `f` of its family."""
    number = int(arch.arch.rstrip("f"))
    return arch.kind == "real" and number // 10 == capability // 10 and number <= capability


@pytest.mark.parametrize("capability", [75, 80, 86, 87, 89, 90, 100, 103, 110, 120, 121])
def test_what_ggml_takes_a_gpu_for_is_what_runs_on_it(capability: int) -> None:
    """ggml takes it for the newest target that is not newer; the driver takes machine code, or else the newest PTX."""
    archs = load_matrix().gpu_archs("cuda")
    numbers = {arch: int(arch.arch.rstrip("f")) for arch in archs}
    taken_for = max(number for number in numbers.values() if number <= capability)
    code = [numbers[arch] for arch in archs if runs_there(arch, capability)]
    ptx = [numbers[arch] for arch in archs if arch.kind == "ptx" and numbers[arch] <= capability]
    assert max(code or ptx) == taken_for


def test_wheels_get_the_names_that_linkers_look_for(environment: Environment) -> None:
    folder = complete(environment, "linux")
    assert folder == environment.packages / "nvidia" / "cu13"
    found = [path for path in folder.rglob("*") if path.is_symlink()]
    links = {path.relative_to(folder).as_posix(): str(path.readlink()) for path in found}
    assert links == {
        "lib64": "lib",
        "lib/libcudart.so": "libcudart.so.13",
        "lib/libcublas.so": "libcublas.so.13",
        "lib/libcublasLt.so": "libcublasLt.so.13",
    }
    assert complete(environment, "linux") == folder  # again


def test_a_wheel_without_its_library_is_refused(environment: Environment) -> None:
    missing = environment.packages / "nvidia" / "cu13" / "lib" / "libcublas.so.13"
    missing.unlink()
    with pytest.raises(ToolError) as caught:
        complete(environment, "linux")
    assert caught.value.what == f"{missing} is missing."


def test_windows_wheels_need_no_other_names(environment: Environment) -> None:
    folder = complete(environment, "win32")
    assert [path for path in folder.rglob("*") if path.is_symlink()] == []
    assert nvcc(folder, "win32") == folder / "bin" / "nvcc.exe"


@pytest.fixture
def toolkits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Toolkits that nobody has to fetch, on an x86-64 Linux machine with gcc."""
    for module in (kit, host_compilers):
        monkeypatch.setattr(module, "host_target", lambda: "linux-x86_64")
    monkeypatch.setattr(kit, "ensure_toolkit", lambda: tmp_path / "own")
    monkeypatch.setattr(kit, "ensure_toolkit_for", lambda target: tmp_path / target)
    monkeypatch.setattr(kit, "licence", lambda environment: tmp_path / "License.txt")
    monkeypatch.setattr(host_compilers, "find_toolchain", lambda variables: GCC)
    monkeypatch.setattr(host_compilers, "cross_compilers", lambda target, variables: ARM_GCC)


@pytest.mark.skipif(sys.platform == "win32", reason="the compiler's name is another")
@pytest.mark.parametrize(
    ("target", "toolkit", "compilers"), [(None, "own", GCC), ("linux-x86_64", "own", GCC), (ARM, ARM, ARM_GCC)]
)
def test_kit_names_the_compilers_and_links_for_the_oldest_system(
    tmp_path: Path, toolkits: None, target: str | None, toolkit: str, compilers: Toolchain
) -> None:
    found = cuda_kit(target, {VARIABLE: "90-real"})
    assert found.defines == {
        "CUDAToolkit_ROOT": str(tmp_path / toolkit),
        "CMAKE_CUDA_COMPILER": str(tmp_path / toolkit / "bin" / "nvcc"),
        "CMAKE_CUDA_HOST_COMPILER": compilers.cxx[0],
        "LLAMAPACK_LICENCES": f"nvidia-cuda.txt={tmp_path / 'License.txt'}",
        VARIABLE: "90-real",
    }
    assert (found.languages, found.toolchain) == (("CUDA",), compilers)
    assert found.linker is not None
    assert (found.linker.is_zig, found.linker.target) == (True, target or "linux-x86_64")
    other = cuda_kit(target, {VARIABLE: "80-real"})
    changed = {name for name in found.inputs if other.inputs[name] != found.inputs[name]}
    assert changed == {"CUDA architectures"}
    assert ("CUDA libraries" in found.inputs) == (toolkit == ARM)


def test_this_machines_gpu_is_none_of_another_target(toolkits: None) -> None:
    with pytest.raises(ToolError) as caught:
        cuda_kit(ARM, {VARIABLE: "native"})
    assert caught.value.what == f"{VARIABLE} asks for the GPU of this machine, and the build is for {ARM}."


def test_zig_is_no_compiler_for_cuda(toolkits: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kit, "ensure_toolkit", pytest.fail)
    monkeypatch.setattr(host_compilers, "find_toolchain", lambda variables: Toolchain(description="z", needs=("zig",)))
    with pytest.raises(UnavailableError, match=r"^CUDA's compiler works with gcc or clang, and none was found\."):
        cuda_kit(variables={})


def compilers(folder: Path, version: str, ending: str = "") -> None:
    """Put a pair of cross compilers of that version into `folder`."""
    for name in ("gcc", "g++"):
        file = folder / f"aarch64-linux-gnu-{name}{ending}"
        file.write_text(f'#!/bin/sh\n[ "$1" = -dumpversion ] && echo {version} || echo "{name} {version}"\n')
        file.chmod(0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="the compilers are scripts")
@pytest.mark.parametrize(
    ("there", "taken"),
    [
        ({"": "12"}, ""),
        ({"": "14.2.0", "-13": "13"}, ""),
        ({"": "16", "-13": "13", "-15": "15"}, "-15"),
        ({"": "10", "-12": "12"}, "-12"),
    ],
)
def test_cross_compiler_is_one_that_nvcc_accepts(tmp_path: Path, there: dict[str, str], taken: str) -> None:
    for ending, version in there.items():
        compilers(tmp_path, version, ending)
    found = cross_compilers(ARM, {"PATH": str(tmp_path)})
    assert found.cxx == (str(tmp_path / f"aarch64-linux-gnu-g++{taken}"),)
    assert found.c == (str(tmp_path / f"aarch64-linux-gnu-gcc{taken}"),)
    assert found.description == f"g++ {there[taken]}"


@pytest.mark.skipif(sys.platform == "win32", reason="the compilers are scripts")
def test_cross_compiler_that_is_missing_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def install(packages: list[str], *, purpose: str) -> None:
        asked.extend(packages)
        compilers(tmp_path, "15" if "15" in packages[0] else "16", "-15" if "15" in packages[0] else "")

    monkeypatch.setattr(apt, "is_here", lambda: True)
    monkeypatch.setattr(apt, "require", install)
    found = cross_compilers(ARM, {"PATH": str(tmp_path)})
    assert asked == ["g++-aarch64-linux-gnu", "g++-15-aarch64-linux-gnu"]
    assert found.cxx == (str(tmp_path / "aarch64-linux-gnu-g++-15"),)


def test_without_apt_the_missing_compiler_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt, "is_here", lambda: False)
    with pytest.raises(UnavailableError) as caught:
        cross_compilers(ARM, {"PATH": str(tmp_path)})
    assert caught.value.fix == f"Install Debian's or Ubuntu's g++-aarch64-linux-gnu, or build on {ARM} itself."


def test_toolkit_for_another_target_has_its_libraries_and_this_machines_programs(tmp_path: Path) -> None:
    own, house, folder = tmp_path / "own", tmp_path / "house", tmp_path / "toolkit"
    for name in ("bin/nvcc", "bin/crt/link.stub", "include/cuda.h", "nvvm/bin/cicc", "lib/libcudart.so.13"):
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        (own / name).write_text("x86", encoding="utf-8")
    house.mkdir()
    with zipfile.ZipFile(house / "nvidia_cuda_runtime-13.whl", "w") as archive:
        for name in ("libcudart.so.13", "libcublas.so.13", "libcublasLt.so.13", "libcudart_static.a", "cmake/x.cmake"):
            archive.writestr(f"nvidia/cu13/lib/{name}", "arm")
        archive.writestr("nvidia/cu13/include/cuda.h", "arm")
    folder.mkdir()
    lay_out(folder, own, house)
    assert nvcc(folder, "linux").read_text(encoding="utf-8") == "x86"
    assert not (folder / "bin").is_symlink()
    assert (folder / "bin" / "crt" / "link.stub").exists()
    assert [(folder / name).read_text(encoding="utf-8") for name in ("include/cuda.h", "nvvm/bin/cicc")] == ["x86"] * 2
    names = ("cudart.so", "cudart.so.13", "cublas.so", "cublas.so.13", "cublasLt.so", "cublasLt.so.13")
    assert sorted(path.name for path in (folder / "lib").iterdir()) == sorted(
        [*(f"lib{name}" for name in names), "libcudart_static.a"]
    )
    assert {path.read_text(encoding="utf-8") for path in (folder / "lib64").iterdir()} == {"arm"}


def test_both_lists_of_nvidias_wheels_pin_the_same_libraries() -> None:
    def pins(name: str) -> set[str]:
        lines = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        return {line.split()[0] for line in lines if line.startswith(("nvidia-cublas=", "nvidia-cuda-runtime="))}

    assert len(pins(nvidia_wheels.LIBRARIES)) == 2
    assert pins(nvidia_wheels.LIBRARIES) <= pins(nvidia_wheels.REQUIREMENT)


def test_a_matrix_entry_is_spelled_as_cmake_does() -> None:
    assert spell(GpuArch(arch="75", kind="ptx", reason="")) == "75-virtual"
    assert spell(GpuArch(arch="120f", kind="real", reason="")) == "120f-real"
