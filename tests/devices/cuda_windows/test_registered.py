"""The CUDA plug-in for Windows registers exactly the kernels that its device code has, for every architecture.

Its device code is nvcc's, and its host part clang's: a kernel that the host part calls by another name would be found
missing at its first call only, on a GPU. Here the library is loaded under Wine, and what stands in for CUDA's runtime
tells the names; they are compared with those in the machine code itself.

Run by nox -s test-cuda -- --target windows-x86_64.
"""

from __future__ import annotations

import re
from pathlib import Path

import lief
import pytest
import zstandard

from tests.support.plugins.registered import Code, Loaded, StandIn, load
from tools.audit import fatbin

CUDART = StandIn(
    source=Path(__file__).with_name("cudart_that_tells.c"), runtime="cudart", others=("cublas",), failure=801
)
UNUSED = re.compile(r"_ZN3cub\w+11EmptyKernelIvEEvv")
"""A kernel of CUB's that no host part calls, and that not every one registers."""
ZSTD = b"\x28\xb5\x2f\xfd"
ELF = 2
"""The kind of an entry with machine code."""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """Load the plug-in's library beside the core's and stand-ins for NVIDIA's."""
    return load(tmp_path_factory.mktemp("plug-in"), "cuda", CUDART, code_in)


def code_in(content: bytes) -> dict[str, Code]:
    """Return the code in a fat binary, by architecture: real:90 or ptx:90."""
    found, place = {}, fatbin.CONTAINER.size
    while place < len(content):
        kind, _, header, size, *_, arch, _, _, flags = fatbin.ENTRY.unpack_from(content, place)
        target = f"{arch}{next((suffix for flag, suffix in fatbin.SUFFIXES.items() if flags & flag), '')}"
        code = content[place + header : place + header + size]
        if code.startswith(ZSTD):
            code = zstandard.ZstdDecompressor().decompressobj().decompress(code)
        found[f"{fatbin.KINDS[kind]}:{target}"] = of_elf(code) if kind == ELF else of_ptx(code.decode("ascii"))
        place += header + size
    return found


def of_elf(code: bytes) -> Code:
    """Return what machine code has: a kernel is what has parameters, which are in a section of its own."""
    parsed = lief.ELF.parse(list(code))
    assert parsed is not None
    start = ".nv.constant0."
    kernels = {str(each.name)[len(start) :] for each in parsed.sections if str(each.name).startswith(start)}
    variables = {str(each.name): each.size for each in parsed.symbols if each.type == lief.ELF.Symbol.TYPE.OBJECT}
    return Code(kernels=kernels, variables=variables)


def of_ptx(text: str) -> Code:
    """Return what PTX has; of variables the names only."""
    kernels = set(re.findall(r"^[^/\n]*\.entry (\S+?)\(", text, re.MULTILINE))
    return Code(
        kernels=kernels,
        variables=dict.fromkeys(re.findall(r"^\.[^\n(]* ([\w$]+)(?:\[\d*\])?(?:;| =)", text, re.MULTILINE), 0),
    )


def test_the_library_loads_and_returns_its_backend(loaded: Loaded) -> None:
    assert loaded.backend == "returned"


def test_all_device_code_in_the_file_is_registered(loaded: Loaded) -> None:
    whole = fatbin.code_sizes(loaded.library)
    assert set(whole) == {target for binary in loaded.binaries for target in binary.code}
    assert len(loaded.binaries) > 50


def test_every_source_has_code_for_every_architecture(loaded: Loaded) -> None:
    assert {frozenset(binary.code) for binary in loaded.binaries} == {frozenset(loaded.targets)}


def test_registered_kernels_are_those_in_the_code(loaded: Loaded) -> None:
    for binary in loaded.binaries:
        for target, code in binary.code.items():
            assert binary.kernels <= code.kernels, target
            assert [name for name in code.kernels - binary.kernels if not UNUSED.fullmatch(name)] == [], target
    assert sum(len(binary.kernels) for binary in loaded.binaries) > 1000


def test_registered_variables_are_in_the_code_with_their_sizes(loaded: Loaded) -> None:
    for binary in loaded.binaries:
        for target, code in binary.code.items():
            there = {name: code.variables.get(name) for name in binary.variables}
            assert there == (binary.variables if target.startswith("real") else dict.fromkeys(binary.variables, 0))
