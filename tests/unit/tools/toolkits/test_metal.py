"""The kit for Metal: Apple's SDK on a Mac, a stand-in elsewhere, and what the parts of the stand-in have in common."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.libraries.metal_headers import Signature, apples_values, metal_cpp, objective_c, values
from tools.building import wheels
from tools.errors import UnavailableError
from tools.matrix import load_matrix
from tools.paths import CORE
from tools.toolkits.metal import kit as metal
from tools.toolkits.metal.kit import BUILD_TAG, ONLY_FOR_CHECKS, STAND_IN, metal_kit

HEADERS = [STAND_IN / "include" / name / f"{name}.h" for name in ("Foundation", "Metal")]
STUBS = sorted((STAND_IN / "lib").glob("*.tbd"))
INTERFACE = re.compile(r"^@interface (\w+)", re.MULTILINE)
EXTERN = re.compile(r"^extern .*?(\w+)(?:\(void\))?;", re.MULTILINE)
RUNTIME = ("NSObject", "__CFConstantStringClassReference")
"""What zig's headers and the compiler name: Foundation.h does not."""
HEADER = """\
@protocol MTLDevice <NSObject>
@property (readonly) BOOL hasUnifiedMemory; // or not
- (id<MTLBuffer>)newBufferWithBytesNoCopy:(void *)bytes
                                   length:(NSUInteger)length
                              deallocator:(void (^)(void * bytes, NSUInteger length))deallocator;
@end

static const MTLDataType MTLDataTypeInt = 29;
static const MTLResourceOptions MTLResourceStorageModePrivate = 32;
@interface MTLCompileOptions : NSObject <NSCopying>
@property BOOL fastMathEnabled;
@end
"""
METAL_CPP = """\
_MTL_ENUM(NS::UInteger, DataType) {
    DataTypeNone = 0,
    DataTypeInt = 29,
};
_MTL_OPTIONS(NS::UInteger, ResourceOptions) {
    ResourceStorageModePrivate = 2 << 4,
};
_MTL_PRIVATE_DEF_SEL(newBufferWithBytesNoCopy_length_deallocator_,
    "newBufferWithBytesNoCopy:length:deallocator:");
_MTL_PRIVATE_DEF_SEL(hasUnifiedMemory, "hasUnifiedMemory");
_MTL_INLINE MTL::Buffer* MTL::Device::newBuffer(const void* p, NS::UInteger n, void (^deallocator)(void*, NS::UInteger))
{
    return Object::sendMessage<MTL::Buffer*>(this, _MTL_PRIVATE_SEL(newBufferWithBytesNoCopy_length_deallocator_), p);
}

_MTL_INLINE bool MTL::Device::hasUnifiedMemory() const
{
    return Object::sendMessage<bool>(this, _MTL_PRIVATE_SEL(hasUnifiedMemory));
}
"""


@pytest.fixture(autouse=True)
def on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")


def listed(stub: Path, kind: str) -> Iterator[str]:
    """Yield the entries of a list in a .tbd file."""
    text = stub.read_text(encoding="utf-8")
    if found := re.search(rf"^    {kind}:\n((?:      - .*\n)+)", text, re.MULTILINE):
        yield from (line.removeprefix("      - ") for line in found[1].splitlines())


def test_a_wheel_without_apples_sdk_is_marked_and_said_to_be_for_checks() -> None:
    kit = metal_kit("macos-arm64")
    assert kit.variables == {"SKBUILD_WHEEL_BUILD_TAG": BUILD_TAG}
    assert kit.note == ONLY_FOR_CHECKS
    assert kit.defines == {"LLAMAPACK_METAL_SDK": str(STAND_IN)}
    assert BUILD_TAG in kit.inputs["Metal kit"]
    assert "compiler" not in kit.inputs
    assert kit.toolchain is None  # zig
    assert wheels.KITS["metal"] is metal_kit


def test_a_mac_builds_with_apples_sdk_and_leaves_the_name_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(metal, "run", lambda command, check: subprocess.CompletedProcess(command, 0, "15.5\n", ""))
    kit = metal_kit("macos-arm64")
    floor = load_matrix().toolchains["macos"].version
    assert kit.inputs == {"Metal kit": f"macOS SDK 15.5, for macOS {floor}"}
    assert (kit.variables, kit.defines, kit.note) == ({"MACOSX_DEPLOYMENT_TARGET": floor}, {}, "")


def test_a_mac_without_apples_tools_gets_no_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(metal, "run", lambda command, check: subprocess.CompletedProcess(command, 1, "", "no SDK\n"))
    with pytest.raises(UnavailableError) as error:
        metal_kit("macos-arm64")
    assert str(error.value) == "Apple's SDK for macOS was not found.\nno SDK\nRun: xcode-select --install"


def test_another_target_is_refused() -> None:
    with pytest.raises(UnavailableError) as error:
        metal_kit("macos-x86_64")
    assert str(error.value) == "There is no Metal plug-in for macos-x86_64.\nMetal is for macos-arm64."


def test_the_plugin_links_with_each_stub() -> None:
    text = (CORE / "native" / "shared" / "LlamapackMetal.cmake").read_text(encoding="utf-8")
    (linked,) = re.findall(r"foreach\(_library ([\w ]+)\)", text)
    assert sorted(linked.split()) == sorted(stub.stem for stub in STUBS)


def test_each_class_and_symbol_of_the_headers_is_of_one_library_and_no_library_has_more() -> None:
    texts = [path.read_text(encoding="utf-8") for path in HEADERS]
    named = sorted(name for text in texts for name in (*INTERFACE.findall(text), *EXTERN.findall(text)))
    symbols = [
        name[1:] for stub in STUBS for name in listed(stub, "symbols") if not name.lstrip("_").startswith("objc")
    ]
    classes = [name for stub in STUBS for name in listed(stub, "objc-classes")]
    assert sorted(name for name in (*symbols, *classes) if name not in RUNTIME) == named


def test_what_came_after_the_oldest_macos_says_so() -> None:
    text = HEADERS[1].read_text(encoding="utf-8")
    marked = re.findall(r"^SINCE_MACOS_15\n@\w+ (\w+)", text, re.MULTILINE)
    assert marked == ["MTLResidencySetDescriptor", "MTLResidencySet"]
    assert re.findall(r"(\w+):\([^()]*\)\w+\s+error:\(NSError \*\*\)error SINCE_MACOS_15;", text) == [
        "newResidencySetWithDescriptor"
    ]


def test_headers_are_compared_in_one_notation(tmp_path: Path) -> None:
    (tmp_path / "MTLDevice.hpp").write_text(METAL_CPP, encoding="utf-8")
    device = "MTL::Device"
    new_buffer = Signature(returns="MTL::Buffer*", parameters=("void*", "NS::UInteger", "void(^)(void*,NS::UInteger)"))
    assert objective_c(HEADER) == {
        (device, "newBufferWithBytesNoCopy:length:deallocator:"): new_buffer,
        (device, "hasUnifiedMemory"): Signature(returns="bool", parameters=()),
        ("MTL::CompileOptions", "fastMathEnabled"): Signature(returns="bool", parameters=()),
        ("MTL::CompileOptions", "setFastMathEnabled:"): Signature(returns="void", parameters=("bool",)),
    }
    assert metal_cpp(tmp_path) == {
        (device, "newBufferWithBytesNoCopy:length:deallocator:"): {new_buffer},
        (device, "hasUnifiedMemory"): {Signature(returns="bool", parameters=())},
    }
    assert values(HEADER) == {"MTLDataTypeInt": 29, "MTLResourceStorageModePrivate": 32}
    assert apples_values(tmp_path) == {
        "MTLDataTypeNone": 0,
        "MTLDataTypeInt": 29,
        "MTLResourceStorageModePrivate": 32,
    }
