"""The kit by which the CUDA plug-in for Windows is compiled on Linux."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools.compilers import clang_headers
from tools.compilers.toolchain import Toolchain
from tools.errors import ToolError, UnavailableError
from tools.toolkits.cuda import cuda_kit, windows, windows_libraries
from tools.toolkits.cuda.windows_libraries import definition, make_import_libraries
from tools.util.venv import Environment

GCC = Toolchain(cxx=("/usr/bin/g++",), c=("/usr/bin/gcc",), description="g++ 12")
ANOTHER_GCC = Toolchain(cxx=("/usr/bin/g++",), c=("/usr/bin/gcc",), description="g++ 13")
ZIG = Toolchain(cxx=("/zig/zig-c++",), c=("/zig/zig-cc",), description="zig", needs=("zig",))
ARCHS = {"LLAMAPACK_CUDA_ARCHS": "75-real,90-virtual"}


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A build environment with clang's headers, on a machine that has all that is needed."""
    folder = tmp_path / "environment" / "lib" / "python3.11" / "site-packages"
    (folder / "clang_tidy-22.1.8.dist-info").mkdir(parents=True)
    environment = Environment(folder=tmp_path / "environment")
    monkeypatch.setattr(windows, "FOLDER", tmp_path / "compiler")
    monkeypatch.setattr(windows, "host_target", lambda: "linux-x86_64")
    monkeypatch.setattr(windows, "zig_commands", lambda target: ZIG)
    monkeypatch.setattr(windows, "windows_toolkit", lambda: tmp_path / "toolkit")
    monkeypatch.setattr(clang_headers, "clang_version", lambda zig: "22.1.8")
    monkeypatch.setattr(windows, "licence", lambda environment: tmp_path / "License.txt")
    monkeypatch.setattr(windows, "ensure_environment", lambda names: environment)
    return folder


@pytest.mark.usefixtures("packages")
def test_cmake_is_given_our_compiler_as_clang(tmp_path: Path) -> None:
    kit = windows.windows_kit("75-real,90-virtual", GCC)
    assert kit.defines == {
        "CUDAToolkit_ROOT": str(tmp_path / "toolkit"),
        "CMAKE_CUDA_COMPILER": str(tmp_path / "compiler" / "clang++"),
        "CMAKE_CUDA_COMPILER_TARGET": "x86_64-w64-windows-gnu",
        "LLAMAPACK_CUDA_ARCHS": "75-real,90-virtual",
        "LLAMAPACK_CUDA_JOINED": kit.defines["LLAMAPACK_CUDA_JOINED"],
        "LLAMAPACK_LICENCES": f"nvidia-cuda.txt={tmp_path / 'License.txt'}",
    }
    assert (kit.languages, kit.toolchain, kit.linker) == (("CUDA",), None, None)


@pytest.mark.usefixtures("packages")
def test_the_compilers_version_is_all_that_decides_the_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    kit = windows.windows_kit("90-real", GCC)
    assert set(kit.inputs) == {
        "CUDA architectures",
        "CUDA toolkit",
        "CUDA libraries",
        "clang's headers",
        "C++ compiler of CUDA's",
        "how device code and host part are joined",
    }
    version = kit.defines["LLAMAPACK_CUDA_JOINED"]
    assert re.fullmatch(r"joined-[0-9a-f]{16}", version)
    assert windows.windows_kit("80-real", GCC).defines["LLAMAPACK_CUDA_JOINED"] == version
    assert windows.windows_kit("90-real", ANOTHER_GCC).defines["LLAMAPACK_CUDA_JOINED"] != version
    monkeypatch.setattr("tools.util.stamps.tree_digest", lambda root, files: "other")
    assert windows.windows_kit("90-real", GCC).defines["LLAMAPACK_CUDA_JOINED"] != version
    names = {path.name for path in windows.own_files()}
    assert {"joining.py", "prelude.h", "math_functions.hpp", "clang_for_windows.py"} <= names


@pytest.mark.skipif(sys.platform == "win32", reason="the compiler is a script for a shell")
def test_the_compiler_calls_our_module(packages: Path, tmp_path: Path) -> None:
    program = windows.write_compiler(tmp_path / "compiler", tmp_path / "toolkit", "/usr/bin/g++", "nvcc 13")
    settings = json.loads((tmp_path / "compiler" / "settings.json").read_text(encoding="utf-8"))
    assert settings["clang_headers"] == str(packages / "clang_tidy" / "data" / "lib" / "clang" / "22")
    assert (settings["toolkit"], settings["linker"]) == (str(tmp_path / "toolkit"), "/zig/zig-c++")
    (packages / "ziglang").mkdir()
    zig = packages / "ziglang" / "zig"
    zig.write_text('#!/bin/sh\necho "$@"\n', encoding="utf-8")
    zig.chmod(0o755)
    said = subprocess.run([program, "--version"], capture_output=True, check=True, encoding="utf-8", cwd=tmp_path)
    assert said.stdout == "clang --driver-mode=g++ -target x86_64-w64-windows-gnu --version\n"


@pytest.mark.skipif(sys.platform == "win32", reason="the compiler is a script for a shell")
def test_an_error_of_the_compiler_is_short(packages: Path, tmp_path: Path) -> None:
    program = windows.write_compiler(tmp_path / "compiler", tmp_path / "toolkit", "/usr/bin/g++", "nvcc 13")
    said = subprocess.run([program, "-c", "a.cu"], capture_output=True, check=False, encoding="utf-8", cwd=tmp_path)
    assert said.returncode == 1
    assert said.stderr.startswith("cuda_windows: error: No architecture is named that a.cu is compiled for.\n")


def test_only_linux_compiles_for_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "host_target", lambda: "linux-aarch64")
    with pytest.raises(
        UnavailableError, match=r"^The CUDA plug-in for windows-x86_64 is compiled on linux-x86_64, and"
    ):
        windows.windows_kit("90-real", GCC)


def test_the_gpu_of_this_machine_is_no_architecture_for_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "windows_kit", pytest.fail)
    monkeypatch.setattr("tools.toolkits.cuda.kit.host_target", lambda: "linux-x86_64")
    with pytest.raises(ToolError, match=r"asks for the GPU of this machine, and the build is for windows-x86_64\."):
        cuda_kit("windows-x86_64", {"LLAMAPACK_CUDA_ARCHS": "native"})


def test_import_libraries_are_made_from_the_names_in_the_dlls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cudart", "cublas"):
        with zipfile.ZipFile(tmp_path / f"nvidia_{name}-13-py3-none-win_amd64.whl", "w") as archive:
            archive.writestr(f"nvidia/cu13/bin/x86_64/{name}64_13.dll", name)
    called: list[list[str]] = []
    monkeypatch.setattr(windows_libraries, "exported_names", lambda dll: (f"{dll.read_text(encoding='utf-8')}Create",))
    monkeypatch.setattr(windows_libraries, "run", lambda words: called.append([str(word) for word in words]))
    make_import_libraries(tmp_path, "13", ["zig", "dlltool"], tmp_path / "lib")
    listed = (tmp_path / "lib" / "cublas.def").read_text(encoding="utf-8")
    assert (
        listed
        == definition("cublas64_13.dll", ["cublasCreate"])
        == "LIBRARY cublas64_13.dll\nEXPORTS\n    cublasCreate\n"
    )
    assert called[0][:4] == ["zig", "dlltool", "-m", "i386:x86-64"]
    assert [Path(words[-1]).name for words in called] == ["libcudart.a", "libcublas.a"]


def test_a_wheel_without_the_dll_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"^cudart64_13\.dll is in none of the wheels in "):
        make_import_libraries(tmp_path, "13", ["zig", "dlltool"], tmp_path)
