"""What the CUDA plug-in is compiled with: NVIDIA's wheels, and architectures from the matrix or a developer."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools.compilers.toolchain import Toolchain
from tools.errors import ToolError, UnavailableError
from tools.matrix import GpuArch, load_matrix
from tools.toolkits import cuda
from tools.toolkits.cuda import complete, cuda_kit, nvcc, spell, wanted_archs
from tools.util.venv import Environment

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


@pytest.mark.skipif(sys.platform == "win32", reason="the compiler's name is another")
def test_kit_names_the_compiler_and_changes_with_the_architectures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuda, "ensure_toolkit", lambda: tmp_path)
    monkeypatch.setattr(cuda, "find_toolchain", lambda variables: GCC)
    monkeypatch.setattr(cuda, "licence", lambda environment: tmp_path / "License.txt")
    kit = cuda_kit(variables={VARIABLE: "90-real"})
    assert kit.defines == {
        "CUDAToolkit_ROOT": str(tmp_path),
        "CMAKE_CUDA_COMPILER": str(tmp_path / "bin" / "nvcc"),
        "CMAKE_CUDA_HOST_COMPILER": "/usr/bin/g++",
        "LLAMAPACK_LICENCES": f"nvidia-cuda.txt={tmp_path / 'License.txt'}",
        VARIABLE: "90-real",
    }
    assert kit.languages == ("CUDA",)
    assert set(kit.inputs) == {"CUDA toolkit", "CUDA architectures"}
    assert cuda_kit(variables={VARIABLE: "80-real"}).inputs["CUDA architectures"] != kit.inputs["CUDA architectures"]


def test_zig_is_no_compiler_for_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "ensure_toolkit", pytest.fail)
    monkeypatch.setattr(cuda, "find_toolchain", lambda variables: Toolchain(description="zig", needs=("zig",)))
    with pytest.raises(UnavailableError, match=r"^CUDA's compiler works with gcc or clang, and none was found\."):
        cuda_kit(variables={})


def test_a_matrix_entry_is_spelled_as_cmake_does() -> None:
    assert spell(GpuArch(arch="75", kind="ptx", reason="")) == "75-virtual"
    assert spell(GpuArch(arch="120f", kind="real", reason="")) == "120f-real"
