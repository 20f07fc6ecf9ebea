"""The kit by which the ROCm plug-in for Windows is compiled on Linux."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools.compilers.compiler_cache import CompilerCache
from tools.compilers.toolchain import Toolchain
from tools.errors import ToolError, UnavailableError
from tools.toolkits.rocm import kit, rocm_kit, windows, windows_headers, windows_names
from tools.util.venv import Environment

if sys.platform == "win32":
    pytest.skip("the stand-ins are of Linux", allow_module_level=True)

HEADERS = {
    "hip/hip_version.h": "#define HIP_VERSION_MAJOR 6\n#define HIP_VERSION_MINOR 4\n#define HIP_VERSION_PATCH 43484\n",
    "hip/amd_detail/hip_api_trace.hpp": "typedef int (*t_hipFree)(void*);\ntypedef int (*t___hipRegisterVar)(int);\n"
    "typedef const char* (*t_hipGetErrorString)(int);\n",
    "hip/amd_detail/amd_warp_functions.h": "#ifndef _MSC_VER\n#endif\n",
    "hip/amd_detail/amd_math_functions.h": "#if _LIBCPP_VERSION && __HIP__\n#endif\n",
    "hipblas/hipblas.h": "HIPBLAS_EXPORT int hipblasCreate(void** handle);\nint hipblasCreate (int);\n",
    "hipblas-common/hipblas-common.h": "",
    "rocblas/internal/rocblas-auxiliary.h": "ROCBLAS_EXPORT void rocblas_initialize(void);\n",
}
ARCHS = {"LLAMAPACK_ROCM_ARCHS": "gfx90a,gfx1100"}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """What Debian's packages have, as far as it is looked at."""
    folder = tmp_path / "debian"
    for name, text in HEADERS.items():
        file = folder / "usr" / "include" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (folder / "usr/lib/llvm-21/lib/clang/21/amdgcn/bitcode").mkdir(parents=True)
    return folder


@pytest.fixture
def commands(tmp_path: Path) -> Toolchain:
    """Stand-ins for zig's commands: each writes its words to a file beside it, and what it is asked to write."""
    folder = tmp_path / "zig"
    folder.mkdir()
    for name in ("zig-cc", "zig-c++", "zig-dlltool"):
        script = 'echo "$@" >> "$0.log"\nfor word; do\n    case "$before" in -o|-l) : > "$word" ;; esac\n'
        (folder / name).write_text(f"#!/bin/sh\n{script}    before=$word\ndone\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    return Toolchain(
        c=(str(folder / "zig-cc"),),
        cxx=(str(folder / "zig-c++"),),
        description="zig",
        needs=("zig",),
        defines={"CMAKE_DLLTOOL": str(folder / "zig-dlltool")},
    )


@pytest.fixture
def machine(tmp_path: Path, files: Path, commands: Toolchain, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Linux machine with all that is needed; returns the folder that is laid out."""
    environment = Environment(folder=tmp_path / "environment")
    (environment.folder / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
    monkeypatch.setattr(windows, "FOLDER", tmp_path / "rocm-for-windows")
    monkeypatch.setattr(windows_headers, "fetched", lambda: files)
    monkeypatch.setattr(windows, "zig_commands", lambda target: commands)
    monkeypatch.setattr(windows, "ensure_environment", lambda names: environment)
    monkeypatch.setattr(windows, "clang_headers", lambda environment, zig: tmp_path / "clang")
    monkeypatch.setattr(windows, "compiler_cache", lambda toolchain, environment: CompilerCache(launcher="/ccache"))
    monkeypatch.setattr(kit, "host_target", lambda: "linux-x86_64")
    return tmp_path / "rocm-for-windows"


def test_cmake_is_given_our_compiler_and_finds_hip(machine: Path, files: Path) -> None:
    found = rocm_kit("windows-x86_64", ARCHS)
    copyright_of = f"{files}/usr/share/doc"
    assert found.defines == {
        **{f"{name}_DIR": f"{machine}/cmake" for name in ("hip", "hipblas", "rocblas")},
        "CMAKE_CXX_COMPILER": f"{machine}/programs/c++",
        "LLAMAPACK_ROCM_ARCHS": "gfx90a,gfx1100",
        "LLAMAPACK_HIP_INCLUDE": f"{machine}/include",
        "LLAMAPACK_LICENCES": f"hip.txt={copyright_of}/libamdhip64-dev/copyright;"
        f"hipblas.txt={copyright_of}/libhipblas-dev/copyright;"
        f"rocm-device-libs.txt={copyright_of}/rocm-device-libs-21/copyright",
    }
    assert (found.languages, found.toolchain, found.linker, found.elsewhere) == ((), None, None, None)
    assert "set(hip_VERSION 6.4.43484)" in (machine / "cmake" / "hip-config.cmake").read_text(encoding="utf-8")
    assert {path.name for path in (machine / "cmake").iterdir()} == {
        f"{name}-config.cmake" for name in ("hip", "hipblas", "rocblas")
    }


def test_a_compiler_cache_sees_what_decides_the_objects_and_nothing_else(machine: Path) -> None:
    found = windows.windows_kit("gfx1100", {"CCACHE_EXTRAFILES": "/theirs"})
    assert found.variables == {"CCACHE_EXTRAFILES": f"/theirs:{machine}/objects.json"}
    inputs = dict(found.inputs)
    assert inputs.pop("ROCm architectures") == "gfx1100"
    assert inputs == json.loads((machine / "layout.json").read_text(encoding="utf-8"))
    del inputs["how HIP is linked with for Windows"]
    assert inputs == json.loads((machine / "objects.json").read_text(encoding="utf-8"))
    compiling = {path.name for path in windows.files_that_compile()}
    assert {"compiling.py", "bundle.py", "arguments.py", "prelude.h", "clang_for_windows.py"} <= compiling
    assert {path.name for path in windows.files_that_lay_out()} == {
        "windows.py",
        "windows_headers.py",
        "windows_names.py",
    }


def test_only_hip_sources_go_to_our_compiler(machine: Path, commands: Toolchain, tmp_path: Path) -> None:
    windows.windows_kit("gfx1100", {})
    program, log = machine / "programs" / "c++", Path(f"{commands.cxx[0]}.log")
    subprocess.run([program, "-O3", "-c", "a.cpp"], check=True, cwd=tmp_path)
    assert log.read_text(encoding="utf-8") == "-O3 -c a.cpp\n"
    said = subprocess.run(
        [program, "-x", "hip", "-c", "a.cu"], capture_output=True, check=False, encoding="utf-8", cwd=tmp_path
    )
    assert said.returncode == 1
    assert said.stderr.startswith("hip_windows: error: No GPU is named that is compiled for.\n")
    settings = json.loads((machine / "programs" / "settings.json").read_text(encoding="utf-8"))
    assert (settings["launcher"], settings["programs"]) == ("/ccache", str(machine / "programs"))
    assert settings["device_libraries"].endswith("usr/lib/llvm-21/lib/clang/21/amdgcn/bitcode")


def test_headers_are_changed_for_windows(machine: Path) -> None:
    windows.windows_kit("gfx1100", {})
    detail = machine / "include" / "hip" / "amd_detail"
    assert (detail / "amd_warp_functions.h").read_text(encoding="utf-8") == "#ifndef _WIN32\n#endif\n"
    assert "_LIBCPP_VERSION < 190000" in (detail / "amd_math_functions.h").read_text(encoding="utf-8")


def test_headers_that_are_not_as_expected_are_refused(files: Path, machine: Path) -> None:
    (files / "usr/include/hip/amd_detail/amd_warp_functions.h").write_text("#pragma once\n", encoding="utf-8")
    with pytest.raises(ToolError, match=r"^HIP's hip/amd_detail/amd_warp_functions\.h does not have `#ifndef _MSC_VER"):
        windows.windows_kit("gfx1100", {})


def test_import_libraries_have_the_names_in_the_headers(machine: Path, commands: Toolchain) -> None:
    windows.windows_kit("gfx1100", {})
    listed = {path.stem: path.read_text(encoding="utf-8").split() for path in (machine / "lib").glob("*.def")}
    hip = ["__hipRegisterVar", "hipFree", "hipGetErrorString"]
    assert listed == {
        "amdhip64": ["LIBRARY", "amdhip64_6.dll", "EXPORTS", *hip],
        "hipblas": ["LIBRARY", "hipblas.dll", "EXPORTS", "hipblasCreate"],
        "rocblas": ["LIBRARY", "rocblas.dll", "EXPORTS", "rocblas_initialize"],
    }
    made = Path(f"{commands.defines['CMAKE_DLLTOOL']}.log").read_text(encoding="utf-8").splitlines()
    assert [Path(line.split()[-1]).name for line in made] == ["libamdhip64.a", "libhipblas.a", "librocblas.a"]


def test_a_header_without_names_is_refused(files: Path) -> None:
    (files / "usr/include/hipblas/hipblas.h").write_text("", encoding="utf-8")
    with pytest.raises(ToolError, match=r"^hipblas/hipblas\.h has no names of hipblas\.dll\.\nChange DLLS in "):
        windows_names.exported_names(files / "usr" / "include", "6")


def test_stand_ins_have_the_same_names_and_fail(machine: Path, commands: Toolchain, tmp_path: Path) -> None:
    windows.windows_kit("gfx1100", {})
    assert windows.make_stand_ins(tmp_path / "stand-in") == tmp_path / "stand-in"
    assert {path.name for path in (tmp_path / "stand-in" / "bin").iterdir()} == {
        "amdhip64_6.dll",
        "hipblas.dll",
        "rocblas.dll",
    }
    source = (tmp_path / "stand-in" / "amdhip64.c").read_text(encoding="utf-8")
    assert "long long hipFree(void) { return 100; }\n" in source
    assert 'const char * hipGetErrorString(void) { return "a HIP without devices"; }\n' in source
    listed = (tmp_path / "stand-in" / "hipblas.def").read_text(encoding="utf-8")
    assert listed == "EXPORTS\n    hipblasCreate\n"
    assert "amdhip64.def -o" in Path(f"{commands.c[0]}.log").read_text(encoding="utf-8")


@pytest.mark.parametrize(("target", "host"), [("windows-x86_64", "linux-aarch64"), ("linux-x86_64", "windows-x86_64")])
def test_other_hosts_and_targets_are_refused(target: str, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kit, "host_target", lambda: host)
    with pytest.raises(UnavailableError, match=rf"^ROCm is not compiled for {target} on {host}\.\nBuild it on"):
        rocm_kit(target, ARCHS)
