"""What the library takes from macOS, symbol by symbol, compared with a build of ggml-metal by Apple's own tools.

That one is of an older version, and its SDK knows no residency sets; each difference is named with its reason.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.support.libraries.mach_imports import Import, imports, parse, undefined

APPLES = "pywhispercpp/.dylibs/libggml-metal."
RESIDENCY_SETS = "_OBJC_CLASS_$_MTLResidencySetDescriptor"
ONLY_OURS = {
    RESIDENCY_SETS: "the headers that Apple's build was made with are of macOS 14.5, and this is of 15.0",
    "__availability_version_check": "it asks for the version because of residency sets, which Apple's has not",
    "_OBJC_CLASS_$_NSNumber": "newer source: which library has which function is kept in a dictionary",
    "_usleep": "newer source: the thread that keeps residency sets alive sleeps",
    "_ggml_row_size": "newer source",
    "_ggml_can_fuse_subgraph_ext": "newer source",
    "___objc_personality_v0": "zig's clang compiles Objective-C with exceptions",
}
ONLY_APPLES = {"_objc_opt_new": "Apple's clang calls it for [Class new], and zig's sends the message"}
NEEDED = {
    "/System/Library/Frameworks/CoreFoundation.framework/Versions/A/CoreFoundation",
    "/System/Library/Frameworks/Foundation.framework/Versions/C/Foundation",
    "/System/Library/Frameworks/Metal.framework/Versions/A/Metal",
    "/System/Library/Frameworks/MetalKit.framework/Versions/A/MetalKit",
    "/usr/lib/libSystem.B.dylib",
    "/usr/lib/libobjc.A.dylib",
}


@pytest.fixture(scope="module")
def ours(library: Path) -> dict[str, Import]:
    return imports(library)


@pytest.fixture(scope="module")
def apples_library(from_apple: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    (wheel,) = from_apple.glob("pywhispercpp-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.startswith(APPLES)]
        return Path(archive.extract(name, tmp_path_factory.mktemp("apple")))


@pytest.fixture(scope="module")
def apples(apples_library: Path) -> dict[str, Import]:
    return imports(apples_library)


@pytest.fixture(scope="module")
def asked_for(build: Path) -> set[str]:
    """What the objects ask for: all that the library has beside them, zig's C++ library has brought."""
    objects = [path for path in build.rglob("*.o") if {"ggml-metal.dir", "llamapack-metal-sdk.dir"} & {*path.parts}]
    assert len(objects) >= 40
    return set().union(*map(undefined, objects))


def needed(library: Path) -> set[str]:
    binary = parse(library)
    names = {str(command.name) for command in binary.libraries}
    return {name for name in names if name.startswith(("/System", "/usr"))}


def test_only_what_came_after_macos_14_is_weak(ours: dict[str, Import]) -> None:
    assert {name for name, taken in ours.items() if taken.weak} == {RESIDENCY_SETS}


def test_it_is_linked_with_the_systems_libraries_that_apples_build_is_linked_with(
    library: Path, apples_library: Path
) -> None:
    assert needed(library) == NEEDED
    assert needed(apples_library) - needed(library) == {"/usr/lib/libc++.1.dylib"}  # zig's own is inside


def test_what_both_need_comes_from_the_same_library(ours: dict[str, Import], apples: dict[str, Import]) -> None:
    both = ours.keys() & apples.keys()
    assert len(both) >= 80
    assert {name: (ours[name], apples[name]) for name in both if ours[name] != apples[name]} == {}


def test_differences_are_explained(ours: dict[str, Import], apples: dict[str, Import], asked_for: set[str]) -> None:
    assert (ours.keys() & asked_for) - apples.keys() == set(ONLY_OURS)
    of_the_system = {name for name, taken in apples.items() if taken.library != "libc++"}
    assert of_the_system - ours.keys() == set(ONLY_APPLES)


def test_zigs_cpp_library_asks_the_c_library_alone(ours: dict[str, Import], asked_for: set[str]) -> None:
    assert {ours[name].library for name in ours.keys() - asked_for} == {"libSystem"}
