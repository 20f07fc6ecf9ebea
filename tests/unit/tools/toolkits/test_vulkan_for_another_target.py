"""For another target, the Vulkan plug-in gets headers alone, a loader made from their names, and compilers for here."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from tools.compilers.toolchain import Toolchain
from tools.errors import ToolError, UnavailableError
from tools.toolkits.vulkan import another_target
from tools.toolkits.vulkan.loader import functions, loader

if sys.platform == "win32":
    pytest.skip("the stand-ins are shell scripts", allow_module_level=True)

HEADER = """\
#define VK_VERSION_1_0 1
typedef void (VKAPI_PTR *PFN_vkCreateInstance)(void);
VKAPI_ATTR VkResult VKAPI_CALL vkCreateInstance(
    const VkInstanceCreateInfo*                 pCreateInfo);

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vkGetInstanceProcAddr(
    VkInstance                                  instance);
#define VK_VERSION_1_3 1
VKAPI_ATTR void VKAPI_CALL vkCmdBeginRendering(
    VkCommandBuffer                             commandBuffer);
#define VK_KHR_surface 1
VKAPI_ATTR void VKAPI_CALL vkDestroySurfaceKHR(
    VkInstance                                  instance);
"""
NAMES = ("vkCreateInstance", "vkGetInstanceProcAddr")
KEEP = """\
#!/bin/sh
printf "%s\\n" "$*" > "{told}"
for word; do case $word in *.def | *.c) cat "$word" > "{given}";; esac; done
"""


@pytest.fixture
def include(tmp_path: Path) -> Path:
    """Vulkan's headers, in a folder with those of a system."""
    folder = tmp_path / "usr" / "include"
    for name in ("vulkan", "vk_video", "spirv"):
        (folder / name).mkdir(parents=True)
    (folder / "vulkan" / "vulkan_core.h").write_text(HEADER, encoding="utf-8")
    (folder / "stdio.h").touch()
    (folder.parent / another_target.SPIRV).mkdir(parents=True)
    (folder.parent / another_target.SPIRV / another_target.CONFIGURATION).write_text("found", encoding="utf-8")
    return folder


@pytest.fixture
def keep(tmp_path: Path) -> str:
    """A compiler that keeps what it was told and given."""
    program = tmp_path / "keep"
    program.write_text(KEEP.format(told=tmp_path / "told", given=tmp_path / "given"), encoding="utf-8")
    program.chmod(0o755)
    return str(program)


def test_functions_are_those_of_vulkan_1_2(include: Path) -> None:
    assert functions(include) == NAMES


@pytest.mark.parametrize("text", ["", HEADER.replace("#define VK_VERSION_1_3 1\n", ""), "#define VK_VERSION_1_3 1\n"])
def test_a_header_of_another_form_is_refused(include: Path, text: str) -> None:
    (include / "vulkan" / "vulkan_core.h").write_text(text, encoding="utf-8")
    with pytest.raises(ToolError, match=r"does not list the functions of Vulkan 1\.2 as it used to"):
        functions(include)


def test_the_loader_for_linux_has_its_name_and_its_functions(include: Path, keep: str, tmp_path: Path) -> None:
    compilers = Toolchain(c=(keep,), description="zig", target="linux-aarch64")
    assert loader(include, compilers, tmp_path / "made") == tmp_path / "made" / "libvulkan.so"
    assert "-Wl,-soname,libvulkan.so.1" in (tmp_path / "told").read_text(encoding="utf-8")
    assert (tmp_path / "given").read_text(encoding="utf-8") == "".join(f"void {name}(void) {{}}\n" for name in NAMES)


def test_the_loader_for_windows_is_an_import_library(include: Path, keep: str, tmp_path: Path) -> None:
    defines = {"CMAKE_DLLTOOL": shlex.quote(keep)}
    compilers = Toolchain(description="zig", target="windows-x86_64", defines=defines)
    assert loader(include, compilers, tmp_path / "made") == tmp_path / "made" / "libvulkan-1.a"
    listed = (tmp_path / "given").read_text(encoding="utf-8").split()
    assert listed == ["LIBRARY", "vulkan-1.dll", "EXPORTS", *NAMES]


def test_headers_of_the_system_are_not_seen(include: Path, tmp_path: Path) -> None:
    into = tmp_path / "only"
    into.mkdir()
    another_target.only_headers(include, include.parent, into)
    assert {path.name for path in (into / "include").iterdir()} == {"vulkan", "vk_video", "spirv"}
    assert (into / "include" / "vulkan" / "vulkan_core.h").is_file()
    assert (into / another_target.SPIRV / another_target.CONFIGURATION).read_text(encoding="utf-8") == "found"


def test_spirv_headers_are_found_in_a_system_and_in_an_sdk(include: Path, tmp_path: Path) -> None:
    assert another_target.spirv((tmp_path / "later", tmp_path)) == include.parent
    assert another_target.spirv((include.parent,)) == include.parent
    with pytest.raises(UnavailableError, match=r"^SPIRV-Headers were not found\."):
        another_target.spirv((tmp_path / "later",))


def test_compilers_for_this_machine_are_given_to_cmake_as_a_file() -> None:
    text = another_target.host_compilers(Toolchain(c=("ccache", "gcc"), cxx=("/usr/bin/g++",), description=""))
    assert text == 'set(CMAKE_C_COMPILER "ccache;gcc")\nset(CMAKE_CXX_COMPILER "/usr/bin/g++")\n'
