"""What the Vulkan plug-in is compiled with is found, fetched where it is too old, or named."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import debian, vulkan
from tools.errors import LackingError
from tools.vulkan import floor, headers_version, is_new_enough, vulkan_kit

if sys.platform == "win32":
    pytest.skip("the stand-ins are shell scripts", allow_module_level=True)

HEADER = """\
// Version of this file
#define VK_HEADER_VERSION {last}
#define VK_HEADER_VERSION_COMPLETE VK_MAKE_API_VERSION(0, 1, {middle}, VK_HEADER_VERSION)
"""
Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Make a folder of headers of a version, and a glslc beside it."""

    def make(name: str, version: str) -> Path:
        _, middle, last = version.split(".")
        include = tmp_path / name / "include"
        (include / "vulkan").mkdir(parents=True)
        (include / "vulkan" / "vulkan_core.h").write_text(HEADER.format(middle=middle, last=last), encoding="utf-8")
        glslc = tmp_path / name / "bin" / "glslc"
        glslc.parent.mkdir()
        glslc.write_text("#!/bin/sh\necho shaderc 2026.1\necho glslang\n", encoding="utf-8")
        glslc.chmod(0o755)
        return include

    return make


@pytest.fixture
def system(write: Write, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """A Linux whose headers are of a version, with apt."""

    def make(version: str) -> Path:
        include = write("usr", version)
        monkeypatch.setattr(vulkan, "SYSTEM_INCLUDE", include)
        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setenv("PATH", str(include.parent / "bin"))
        monkeypatch.setattr(debian, "is_here", lambda: True)
        monkeypatch.setattr(debian, "require", lambda *_, **__: None)
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


def test_the_sdk_that_is_named_is_taken(write: Write) -> None:
    include = write("sdk", "1.4.350")
    kit = vulkan_kit(pytest.fail, {"VULKAN_SDK": str(include.parent)})
    assert kit.inputs == {"Vulkan kit": "headers 1.4.350, shaderc 2026.1"}
    assert kit.defines == {
        "Vulkan_INCLUDE_DIR": str(include),
        "Vulkan_GLSLC_EXECUTABLE": str(include.parent / "bin" / "glslc"),
    }


def test_old_sdk_is_refused_with_both_versions(write: Write) -> None:
    include = write("sdk", "1.3.239")
    with pytest.raises(LackingError, match=r"are of version 1\.3\.239\.\nggml-vulkan needs 1\.4\.309 or newer\."):
        vulkan_kit(pytest.fail, {"VULKAN_SDK": str(include.parent)})


def test_new_system_headers_are_left_to_cmake(system: Callable[[str], Path]) -> None:
    system("1.4.321")
    kit = vulkan_kit(pytest.fail, {})
    assert (kit.inputs, kit.defines) == ({"Vulkan kit": "headers 1.4.321, shaderc 2026.1"}, {})


def test_old_system_headers_are_replaced_by_later_ones(
    system: Callable[[str], Path], write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    system("1.3.239")
    later = write("later/usr", "1.4.309")
    monkeypatch.setattr(debian, "later_files", lambda package, say: later.parent.parent)
    assert vulkan_kit(pytest.fail, {}).defines["Vulkan_INCLUDE_DIR"] == str(later)


def test_old_headers_without_apt_are_refused(system: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    system("1.3.239")
    monkeypatch.setattr(debian, "is_here", lambda: False)
    with pytest.raises(LackingError, match=r"set VULKAN_SDK to its folder\.$"):
        vulkan_kit(pytest.fail, {})


def test_missing_shader_compiler_is_named(system: Callable[[str], Path]) -> None:
    (system("1.4.321").parent / "bin" / "glslc").unlink()
    with pytest.raises(LackingError, match=r"^glslc, Vulkan's shader compiler, was not found\."):
        vulkan_kit(pytest.fail, {})
