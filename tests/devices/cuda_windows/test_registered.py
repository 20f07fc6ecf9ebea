"""The CUDA plug-in for Windows registers exactly the kernels that its device code has, for every architecture.

Its device code is nvcc's, and its host part clang's: a kernel that the host part calls by another name would be found
missing at its first call only, on a GPU. Here the library is loaded under Wine, and what stands in for CUDA's runtime
tells the names; they are compared with those in the machine code itself.

Run by nox -s test-cuda -- --target windows-x86_64.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import lief
import pytest
import zstandard

from tests.support.given import given, given_path
from tests.support.wine import try_in_wine, wine
from tools.audit import fatbin
from tools.platforms.wine import windows_path

SESSION = "nox -s test-cuda -- --target windows-x86_64"
HERE = Path(__file__).parent
UNUSED = re.compile(r"_ZN3cub\w+11EmptyKernelIvEEvv")
"""A kernel of CUB's that no host part calls, and that not every one registers."""
ZSTD = b"\x28\xb5\x2f\xfd"
ELF = 2
"""The kind of an entry with machine code."""


@dataclass(frozen=True)
class Code:
    """The code for one architecture."""

    kernels: set[str] = field(default_factory=set)
    variables: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Binary:
    """The device code of one source, and what the host's part registers for it."""

    code: dict[str, Code]
    kernels: set[str] = field(default_factory=set)
    variables: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Loaded:
    """What was said while the library was loaded."""

    library: Path
    stated: dict[str, object]
    binaries: list[Binary]
    backend: str


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """Load the plug-in's library beside the core's and stand-ins for NVIDIA's."""
    folder = tmp_path_factory.mktemp("plug-in")
    for variable in ("LLAMAPACK_TEST_CORE", "LLAMAPACK_TEST_PLUGIN"):
        with zipfile.ZipFile(given_path(variable, SESSION)) as archive:
            for name in archive.namelist():
                if re.search(r"/lib/(ggml-base-\w+\.dll|ggml-cuda\.dll|backend\.json)$", name):
                    (folder / Path(name).name).write_bytes(archive.read(name))
    library = folder / "ggml-cuda.dll"
    cc = shlex.split(given("LLAMAPACK_TEST_CC", SESSION))
    stand_ins(cc, library)
    program = folder / "load.exe"
    subprocess.run([*cc, "-municode", str(HERE / "load.c"), "-o", str(program)], check=True)
    command = [wine(), str(program), windows_path(library)]
    done = try_in_wine(command, folder / "prefix", folder)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    lines = [line.split() for line in done.stdout.splitlines() if line]
    binaries = [Binary(code=code_in(folder / f"binary-{words[1]}.bin")) for words in lines if words[0] == "binary"]
    for word, *rest in lines:
        if word == "kernel":
            binaries[int(rest[0])].kernels.add(rest[1])
        elif word == "variable":
            binaries[int(rest[0])].variables[rest[1]] = int(rest[2])
    stated = json.loads((folder / "backend.json").read_text(encoding="utf-8"))
    (backend,) = (rest for word, *rest in lines if word == "backend")
    return Loaded(library=library, stated=stated, binaries=binaries, backend=" ".join(backend))


def stand_ins(cc: list[str], library: Path) -> None:
    """Compile what stands in for each of NVIDIA's libraries that `library` is linked with."""
    parsed = lief.PE.parse(str(library))
    assert parsed is not None
    own = (HERE / "cudart_that_tells.c").read_text(encoding="utf-8")
    for imported in parsed.imports:
        dll = str(imported.name)
        if dll.startswith(("cudart", "cublas")):
            text = own if dll.startswith("cudart") else ""
            names = [str(entry.name) for entry in imported.entries]
            rest = [name for name in names if not re.search(rf"\b{name}\(", own)]
            text += "".join(f"\n__declspec(dllexport) int {name}(void) {{ return 801; }}" for name in rest)
            source = library.with_name(f"{dll}.c")
            source.write_text(f"{text}\n", encoding="utf-8")
            subprocess.run([*cc, "-shared", "-O1", str(source), "-o", str(library.with_name(dll))], check=True)


def code_in(path: Path) -> dict[str, Code]:
    """Return the code in a fat binary, by architecture: real:90 or ptx:90."""
    content, found = path.read_bytes(), {}
    place = fatbin.CONTAINER.size
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
    targets = loaded.stated["targets"]
    assert isinstance(targets, list)
    stated = {f"{target['kind']}:{target['name']}" for target in targets}
    assert {frozenset(binary.code) for binary in loaded.binaries} == {frozenset(stated)}


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
