"""The ROCm plug-in for Windows registers exactly the kernels that its GPU code has, for every architecture.

The GPU code and the CPU's part are compiled in several calls of clang: a kernel that the CPU's part calls by another
name would be found missing at its first call only, on a GPU. Here the library is loaded under Wine, and what stands in
for HIP's runtime tells the names; they are compared with those in the machine code itself.

Run by nox -s test-rocm -- --target windows-x86_64.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

import lief
import pytest

from tests.support.plugins.registered import Code, Loaded, StandIn, load
from tools.audit import offload

HIP = StandIn(
    source=Path(__file__).with_name("hip_that_tells.c"),
    runtime="amdhip64",
    others=("hipblas", "rocblas"),
    failure=100,
)
UNUSED = re.compile(r"_ZL12init_(indices|offsets)Piii")
"""Kernels that no CPU's part calls without CUB, so that none registers them."""
DESCRIBED = ".kd"
"""How the names of kernels' descriptors end."""
OLDER_FORMAT = 3
"""The version in the header of code objects of version 5, which every HIP 6 reads."""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """Load the plug-in's library beside the core's and stand-ins for AMD's."""
    return load(tmp_path_factory.mktemp("plug-in"), "rocm", HIP, code_in)


def code_in(bundle: bytes) -> dict[str, Code]:
    """Return the code in a bundle, by architecture: gfx:gfx1100."""
    found, place = {}, len(offload.PLAIN) + offload.COUNT.size
    (count,) = offload.COUNT.unpack_from(bundle, len(offload.PLAIN))
    for _ in range(count):
        start, size, length = offload.ENTRY.unpack_from(bundle, place)
        place += offload.ENTRY.size + length
        kind, _, gpu = bundle[place - length : place].decode("ascii").partition("--")
        if not kind.startswith("host"):
            found[f"gfx:{gpu}"] = of_elf(bundle[start : start + size])
    return found


def of_elf(code: bytes) -> Code:
    """Return the kernels of a code object, which must be of a version that every HIP 6 reads."""
    assert struct.unpack_from("B", code, 8) == (OLDER_FORMAT,)
    parsed = lief.ELF.parse(list(code))
    assert parsed is not None
    names = {str(each.name) for each in parsed.symbols}
    return Code(kernels={name.removesuffix(DESCRIBED) for name in names if name.endswith(DESCRIBED)})


def test_the_library_loads_and_returns_its_backend(loaded: Loaded) -> None:
    assert loaded.backend == "returned"


def test_all_gpu_code_in_the_file_is_registered(loaded: Loaded) -> None:
    whole = offload.code_sizes(loaded.library)
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


def test_no_variables_are_registered(loaded: Loaded) -> None:
    """Were there any, they would have to be compared as those of the CUDA plug-in are."""
    assert [binary.variables for binary in loaded.binaries if binary.variables] == []
