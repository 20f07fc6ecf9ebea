"""What the ROCm plug-in is compiled with: the system's ROCm if it is new enough, or Debian's in a root folder."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.errors import ToolError, UnavailableError
from tools.paths import ROOT
from tools.platforms import debian_roots
from tools.toolkits.rocm import in_forky, rocm_kit, rocm_version, system_rocm
from tools.toolkits.rocm import kit as rocm

if sys.platform == "win32":
    pytest.skip("the stand-ins are of Linux", allow_module_level=True)

HEADER = """\
#define HIP_VERSION_H
#define HIP_VERSION_MAJOR {}
#define HIP_VERSION_MINOR {}
#define HIP_VERSION_PATCH {}
"""
FEW = {"LLAMAPACK_ROCM_ARCHS": "gfx1100"}
Make = Callable[[str, str], Path]


pytestmark = pytest.mark.usefixtures("silent")


@pytest.fixture(autouse=True)
def nothing_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rocm, "DEFAULT", tmp_path / "opt" / "rocm")
    for name in ("ROCM_PATH", "HIP_PATH"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make a ROCm of a version in a folder, with its compiler."""

    def write(name: str, version: str) -> Path:
        folder = tmp_path / name
        for file, text in ((rocm.HEADER, HEADER.format(*version.split("."))), (Path("llvm/bin/clang++"), "")):
            (folder / file).parent.mkdir(parents=True)
            (folder / file).write_text(text, encoding="utf-8")
        return folder

    return write


@pytest.fixture
def forky(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root folder with what of Debian's ROCm is looked at."""
    folder = tmp_path / "forky"
    (folder / "usr" / rocm.HEADER).parent.mkdir(parents=True)
    (folder / "usr" / rocm.HEADER).write_text(HEADER.format(6, 4, 43484), encoding="utf-8")
    (folder / "usr/lib/llvm-21/lib/clang/21/amdgcn/bitcode").mkdir(parents=True)
    (folder / "usr/bin").mkdir()
    for name in ("clang++-21", "clang-21", "hipcc"):
        (folder / "usr/bin" / name).touch()
    (folder / "usr/lib/x86_64-linux-gnu").mkdir()
    said = b"\x7fELF\0GNU C Library (Debian GLIBC 2.43-7) stable release version 2.43.\0"
    (folder / "usr/lib/x86_64-linux-gnu/libc.so.6").write_bytes(said)
    monkeypatch.setattr(debian_roots, "ensure_root", lambda root, mib: folder)
    return folder


def test_version_is_read_from_the_header(make: Make, tmp_path: Path) -> None:
    assert rocm_version(make("a", "6.4.43484")) == "6.4.43484"
    assert rocm_version(tmp_path / "nothing") == ""


@pytest.mark.parametrize("variable", ["ROCM_PATH", "HIP_PATH"])
def test_the_rocm_that_is_named_is_taken(make: Make, variable: str) -> None:
    folder = make("named", "6.10.1")
    make("opt/rocm", "6.4.1")
    kit = rocm_kit(variables={variable: str(folder), **FEW})
    assert kit.inputs == {"ROCm kit": f"ROCm 6.10.1 in {folder}", "ROCm architectures": "gfx1100"}
    assert kit.defines == {
        "LLAMAPACK_ROCM_ARCHS": "gfx1100",
        "CMAKE_PREFIX_PATH": str(folder),
        "CMAKE_HIP_COMPILER": str(folder / "llvm/bin/clang++"),
    }
    assert (kit.languages, kit.toolchain, kit.elsewhere) == (("HIP",), None, None)


def test_the_systems_rocm_is_taken(make: Make) -> None:
    folder = make("opt/rocm", "6.1.0")
    assert system_rocm({}) == folder
    assert rocm_kit(variables=FEW).variables == {"ROCM_PATH": str(folder), "HIP_PATH": str(folder)}


def test_an_old_rocm_is_refused_with_both_versions(make: Make) -> None:
    folder = make("opt/rocm", "6.0.3")
    with pytest.raises(UnavailableError) as caught:
        rocm_kit(variables=FEW)
    assert str(caught.value).splitlines()[:2] == [
        f"The ROCm in {folder} is of version 6.0.3.",
        "ggml needs 6.1 or newer.",
    ]


def test_a_name_for_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as caught:
        rocm_kit(variables={"ROCM_PATH": str(tmp_path)})
    assert caught.value.what == f"ROCM_PATH is {tmp_path}, which has no include/hip/hip_version.h."


def test_a_rocm_without_compiler_is_refused(make: Make) -> None:
    folder = make("opt/rocm", "6.4.1")
    (folder / "llvm/bin/clang++").unlink()
    with pytest.raises(UnavailableError, match=r"has no clang\+\+\.\nInstall its compiler"):
        rocm_kit(variables=FEW)


@pytest.mark.parametrize("archs", ["1100", "gfx1100,90", "gfx1100:xnack"])
def test_other_architectures_are_refused(archs: str) -> None:
    with pytest.raises(
        ToolError, match=r"which is not an architecture\.\nUse AMD's names, with commas: gfx90a,gfx1100\.$"
    ):
        rocm_kit(variables={"LLAMAPACK_ROCM_ARCHS": archs})


def test_without_one_debians_is_taken_in_a_root_folder(forky: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    kit = rocm_kit(variables={"LLAMAPACK_ROCM_ARCHS": "gfx90a:xnack-,gfx11-generic"})
    assert kit.inputs == {
        "ROCm kit": "ROCm 6.4.43484, clang++-21 of Debian forky",
        "ROCm architectures": "gfx90a:xnack-,gfx11-generic",
    }
    assert kit.defines == {
        "LLAMAPACK_ROCM_ARCHS": "gfx90a:xnack-,gfx11-generic",
        "CMAKE_HIP_COMPILER": "/usr/bin/clang++-21",
        "CMAKE_HIP_FLAGS": "--rocm-device-lib-path=/usr/lib/llvm-21/lib/clang/21/amdgcn/bitcode",
    }
    assert kit.variables == {"ROCM_PATH": "/usr", "_PYTHON_HOST_PLATFORM": "manylinux_2_43_x86_64"}
    assert kit.toolchain is not None
    assert (kit.toolchain.c, kit.toolchain.cxx) == (("clang-21",), ("clang++-21",))
    assert kit.elsewhere is not None
    assert kit.elsewhere.command(["true"], {}, ROOT)[-1].endswith(" true")


def test_where_there_is_no_debian_the_sdk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(UnavailableError, match=r"^ROCm was not found\.\nInstall AMD's ROCm .* set ROCM_PATH to its"):
        rocm_kit(variables=FEW)


def test_in_the_root_the_checkout_and_the_compiler_cache_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CCACHE_DIR", str(tmp_path / "objects"))
    words = in_forky(tmp_path, ["cmake", "--version"], {"ROCM_PATH": "/usr"}, ROOT / "build")
    (script,) = [word for word in words if "chroot" in word]
    for folder in (ROOT, tmp_path / "objects"):
        assert f"mount --rbind {folder} .{folder}" in script
    chroot = script.splitlines()[-1]
    assert chroot.endswith(f"ROCM_PATH=/usr CCACHE_DIR={tmp_path / 'objects'} cmake --version")
    assert f"-C {ROOT / 'build'} " in chroot
