"""What the Vulkan plug-in is compiled with is found, fetched where it is too old, or named."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.errors import UnavailableError
from tools.platforms import apt
from tools.toolkits.vulkan import kit as vulkan
from tools.toolkits.vulkan.kit import best_glslc, floor, headers_version, is_new_enough, vulkan_kit
from tools.util.cmd import run

if sys.platform == "win32":
    pytest.skip("the stand-ins are shell scripts", allow_module_level=True)

HEADER = """\
// Version of this file
#define VK_HEADER_VERSION {last}
#define VK_HEADER_VERSION_COMPLETE VK_MAKE_API_VERSION(0, 1, {middle}, VK_HEADER_VERSION)
"""
GLSLC = """\
#!/bin/sh
for last; do :; done
case $last in
--version) echo shaderc 2026.1; echo glslang;;
*{unknown}.comp) echo "$last:3: error: '#extension' : extension not supported: GL_{unknown}" >&2; exit 1;;
esac
"""
Write = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def shaders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shaders by which ggml finds out what a shader compiler knows."""
    monkeypatch.setattr(vulkan, "PROBES", tmp_path / "probes")
    monkeypatch.setattr(vulkan, "SHADERS", tmp_path / "none to keep")
    (tmp_path / "probes").mkdir()
    for name in ("bfloat16", "coopmat"):
        (tmp_path / "probes" / f"{name}.comp").touch()


def make_glslc(path: Path, unknown: str = "nothing") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(GLSLC.format(unknown=unknown), encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Make a folder of headers of a version, and a glslc beside it."""

    def make(name: str, version: str) -> Path:
        _, middle, last = version.split(".")
        include = tmp_path / name / "include"
        (include / "vulkan").mkdir(parents=True)
        (include / "vulkan" / "vulkan_core.h").write_text(HEADER.format(middle=middle, last=last), encoding="utf-8")
        make_glslc(tmp_path / name / "bin" / "glslc")
        return include

    return make


@pytest.fixture
def system(write: Write, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """A Linux whose headers are of a version, with apt."""

    def make(version: str) -> Path:
        include = write("root/usr", version)
        monkeypatch.setattr(vulkan, "SYSTEM_INCLUDE", include)
        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setenv("PATH", str(include.parent / "bin"))
        monkeypatch.setattr(apt, "is_here", lambda: True)
        monkeypatch.setattr(apt, "require", lambda *_, **__: None)
        return include

    return make


def test_version_is_read_from_the_header(write: Write, tmp_path: Path) -> None:
    assert headers_version(write("a", "1.4.309")) == "1.4.309"
    assert headers_version(tmp_path / "nothing") == ""


@pytest.mark.parametrize(
    ("version", "enough"), [("1.4.309", True), ("1.10.1", True), ("1.4.1000", True), ("1.4.99", False), ("", False)]
)
def test_versions_are_compared_as_numbers(version: str, enough: bool) -> None:
    assert floor() == "1.4.309"
    assert is_new_enough(version) is enough


@pytest.mark.usefixtures("silent")
def test_the_sdk_that_is_named_is_taken(write: Write) -> None:
    include = write("sdk", "1.4.350")
    kit = vulkan_kit(variables={"VULKAN_SDK": str(include.parent)})
    assert kit.inputs == {"Vulkan kit": "headers 1.4.350, shaderc 2026.1", "GLSL extensions that are lacking": ""}
    assert kit.defines == {
        "Vulkan_INCLUDE_DIR": str(include),
        "Vulkan_GLSLC_EXECUTABLE": str(include.parent / "bin" / "glslc"),
        "LLAMAPACK_LICENCES": "",
        "LLAMAPACK_PARTS": "Vulkan-Headers=1.4.350=Apache-2.0 OR MIT",
    }


@pytest.mark.usefixtures("silent")
def test_old_sdk_is_refused_with_both_versions(write: Write) -> None:
    include = write("sdk", "1.3.239")
    with pytest.raises(UnavailableError, match=r"are of version 1\.3\.239\.\nggml-vulkan needs 1\.4\.309 or newer\."):
        vulkan_kit(variables={"VULKAN_SDK": str(include.parent)})


@pytest.mark.usefixtures("silent")
def test_new_system_headers_are_left_to_cmake(system: Callable[[str], Path]) -> None:
    glslc = system("1.4.321").parent / "bin" / "glslc"
    kit = vulkan_kit(variables={})
    assert kit.inputs["Vulkan kit"] == "headers 1.4.321, shaderc 2026.1"
    assert kit.defines == {
        "LLAMAPACK_LICENCES": "",
        "LLAMAPACK_PARTS": "Vulkan-Headers=1.4.321=Apache-2.0 OR MIT",
        "Vulkan_GLSLC_EXECUTABLE": str(glslc),
    }


@pytest.mark.usefixtures("silent")
def test_an_extension_that_the_shader_compiler_lacks_is_an_input(system: Callable[[str], Path]) -> None:
    make_glslc(system("1.4.321").parent / "bin" / "glslc", "bfloat16")
    assert vulkan_kit(variables={}).inputs["GLSL extensions that are lacking"] == "GL_bfloat16"


@pytest.mark.usefixtures("silent")
def test_licences_of_headers_and_system_come_along(
    system: Callable[[str], Path], write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = system("1.3.239").parents[1]
    later = write("later/usr", "1.4.309").parents[1]
    wanted = {
        "vulkan-headers.txt": later / "usr/share/doc/libvulkan-dev/copyright",
        "spirv-headers.txt": root / "usr/share/doc/spirv-headers/copyright",
        "apache-2.0.txt": root / "usr/share/common-licenses/Apache-2.0",
    }
    for path in (*wanted.values(), root / "usr/share/doc/libvulkan-dev/copyright"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.setattr(apt, "later_files", lambda packages: later)
    given = vulkan_kit(variables={}).defines["LLAMAPACK_LICENCES"]
    assert dict(each.split("=") for each in given.split(";")) == {name: str(path) for name, path in wanted.items()}


@pytest.fixture
def unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A later release's shader compiler, with a linker that runs what stands behind its options."""
    folder = tmp_path / "later glslc"
    linker = folder / "usr/lib64/ld-linux-x86-64.so.2"
    linker.parent.mkdir(parents=True)
    linker.write_text('#!/bin/sh\nshift 2; exec "$@"\n', encoding="utf-8")
    linker.chmod(0o755)
    monkeypatch.setattr(apt, "later_files", lambda packages: folder)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    return folder


@pytest.mark.usefixtures("silent")
def test_a_later_shader_compiler_runs_with_its_own_libraries(unpacked: Path, tmp_path: Path) -> None:
    old = make_glslc(tmp_path / "old" / "glslc", "bfloat16")
    make_glslc(unpacked / "usr/bin/glslc")
    chosen = best_glslc(old)
    assert chosen == unpacked / "glslc"
    assert run([chosen, "--version"]).stdout == "shaderc 2026.1\nglslang\n"


@pytest.mark.usefixtures("silent")
def test_one_that_knows_everything_is_kept(unpacked: Path, tmp_path: Path) -> None:
    good = make_glslc(tmp_path / "good" / "glslc")
    assert best_glslc(good) == good


def test_where_no_later_one_works_the_systems_is_used_and_it_is_said(
    unpacked: Path, tmp_path: Path, said: list[str]
) -> None:
    old = make_glslc(tmp_path / "old" / "glslc", "bfloat16")
    make_glslc(unpacked / "usr/bin/glslc", "bfloat16")
    assert best_glslc(old) == old
    (line,) = said
    assert line.startswith(f"{old} is used, which does not know GL_bfloat16: ")


@pytest.mark.usefixtures("silent")
def test_old_system_headers_are_replaced_by_later_ones(
    system: Callable[[str], Path], write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    system("1.3.239")
    later = write("later/usr", "1.4.309")
    monkeypatch.setattr(apt, "later_files", lambda packages: later.parent.parent)
    assert vulkan_kit(variables={}).defines["Vulkan_INCLUDE_DIR"] == str(later)


@pytest.mark.usefixtures("silent")
def test_old_headers_without_apt_are_refused(system: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    system("1.3.239")
    monkeypatch.setattr(apt, "is_here", lambda: False)
    with pytest.raises(UnavailableError, match=r"set VULKAN_SDK to its folder\.$"):
        vulkan_kit(variables={})


@pytest.mark.usefixtures("silent")
def test_missing_shader_compiler_is_named(system: Callable[[str], Path]) -> None:
    (system("1.4.321").parent / "bin" / "glslc").unlink()
    with pytest.raises(UnavailableError, match=r"^glslc, Vulkan's shader compiler, was not found\."):
        vulkan_kit(variables={})
