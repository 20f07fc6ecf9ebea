"""What the CUDA plug-in is compiled with: NVIDIA's wheels, and architectures from the matrix or a developer."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools import cuda
from tools.cuda import complete, cuda_kit, nvcc, spell, wanted_archs
from tools.environments import Environment
from tools.errors import LackingError, ToolError
from tools.matrix import GpuArch, load_matrix
from tools.toolchains import Toolchain

VARIABLE = "LLAMAPACK_CUDA_ARCHS"
GCC = Toolchain(cxx=("/usr/bin/g++",), c=("/usr/bin/gcc",), description="g++ 12")


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """NVIDIA's wheels as they are installed."""
    library = tmp_path / "lib" / "python3.11" / "site-packages" / "nvidia" / "cu13" / "lib"
    library.mkdir(parents=True)
    for name in ("libcudart.so.13", "libcublas.so.13", "libcublasLt.so.13", "libcudart_static.a"):
        (library / name).write_text(name, encoding="utf-8")
    return Environment(folder=tmp_path)


def test_architectures_are_those_of_the_matrix_in_its_order() -> None:
    assert wanted_archs({}) == "75-virtual,80-real,86-real,89-real,90-real,90-virtual,120f-real"
    assert [spell(arch) for arch in load_matrix().gpu_archs("cuda")] == wanted_archs({}).split(",")


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        ("90-real", "90-real"),
        ("90;80-virtual", "90,80-virtual"),
        (" 120f-real, 75 ", "120f-real,75"),
        ("native", "native"),
        ("", "75-virtual,80-real,86-real,89-real,90-real,90-virtual,120f-real"),
    ],
)
def test_a_developer_names_fewer(named: str, meant: str) -> None:
    assert wanted_archs({VARIABLE: named}) == meant


@pytest.mark.parametrize("named", ["sm_90", "hopper", "9", "90-ptx", "all;90"])
def test_a_word_that_is_no_architecture_is_refused(named: str) -> None:
    with pytest.raises(ToolError) as caught:
        wanted_archs({VARIABLE: named})
    wrong = named.partition(";")[0]
    assert caught.value.what == f"{VARIABLE} names {wrong!r}, which is no architecture."
    assert caught.value.fix.startswith("Use CMake's words, with commas: 90-real is machine code")


def test_newest_machine_code_is_no_older_than_what_ptx_falls_back_to() -> None:
    """What ggml thinks runs is the newest target that is not newer than the GPU: that one must be what does run."""
    archs = load_matrix().gpu_archs("cuda")
    ptx = max(int(arch.arch) for arch in archs if arch.kind == "ptx")
    newer = [arch.arch for arch in archs if arch.kind == "real" and int(arch.arch.rstrip("af")) > ptx]
    assert all(arch.endswith("f") for arch in newer), "10.0 and 11.0 would run older PTX than ggml expects"
    assert any((arch.arch, arch.kind) == (str(ptx), "real") for arch in archs)


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


@pytest.mark.skipif(sys.platform == "win32", reason="the compiler's name is another")
def test_kit_names_the_compiler_and_changes_with_the_architectures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuda, "ensure_toolkit", lambda say: tmp_path)
    monkeypatch.setattr(cuda, "find_toolchain", lambda variables: GCC)
    kit = cuda_kit(variables={VARIABLE: "90-real"})
    assert kit.defines == {
        "CUDAToolkit_ROOT": str(tmp_path),
        "CMAKE_CUDA_COMPILER": str(tmp_path / "bin" / "nvcc"),
        "CMAKE_CUDA_HOST_COMPILER": "/usr/bin/g++",
        VARIABLE: "90-real",
    }
    assert kit.languages == ("CUDA",)
    assert set(kit.inputs) == {"CUDA toolkit", "CUDA architectures"}
    assert cuda_kit(variables={VARIABLE: "80-real"}).inputs["CUDA architectures"] != kit.inputs["CUDA architectures"]


def test_zig_is_no_compiler_for_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "ensure_toolkit", pytest.fail)
    monkeypatch.setattr(cuda, "find_toolchain", lambda variables: Toolchain(description="zig", needs=("zig",)))
    with pytest.raises(LackingError, match=r"^CUDA's compiler works with gcc or clang, and none was found\."):
        cuda_kit(variables={})


def test_a_matrix_entry_is_spelled_as_cmake_does() -> None:
    assert spell(GpuArch(arch="75", kind="ptx", reason="")) == "75-virtual"
    assert spell(GpuArch(arch="120f", kind="real", reason="")) == "120f-real"
