"""Load a plug-in for Windows under Wine, beside stand-ins for its vendor's libraries that tell what it registers."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import lief

from tests.support.given import given, given_path
from tests.support.wine import try_in_wine, wine
from tools.platforms.wine import windows_path

LOAD = Path(__file__).with_name("load.c")


@dataclass(frozen=True)
class Code:
    """The code for one architecture: kernels, and variables with their sizes."""

    kernels: set[str] = field(default_factory=set)
    variables: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Binary:
    """The GPU code of one source, and what the CPU's part registers for it."""

    code: Mapping[str, Code]
    kernels: set[str] = field(default_factory=set)
    variables: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Loaded:
    """What was said while the library was loaded."""

    library: Path
    targets: set[str]
    """The architectures in backend.json, such as real:90 or gfx:gfx1100."""
    binaries: list[Binary]
    backend: str


@dataclass(frozen=True, kw_only=True)
class StandIn:
    """What stands in for a vendor's libraries.

    `source` is for the runtime, a DLL whose name begins with `runtime`. It says `binary N`, and writes that to
    binary-N.bin; `kernel N NAME`; and `variable N NAME SIZE`. All functions that it does not have, and those of DLLs
    whose names begin with one of `others`, return `failure`.
    """

    source: Path
    runtime: str
    others: tuple[str, ...]
    failure: int


def load(folder: Path, backend: str, stand_in: StandIn, read: Callable[[bytes], Mapping[str, Code]]) -> Loaded:
    """Load the plug-in's library in `folder`, and return what it registered.

    `read` returns the code in what the stand-in wrote, by architecture.
    """
    session = f"nox -s test-{backend} -- --target windows-x86_64"
    for variable in ("LLAMAPACK_TEST_CORE", "LLAMAPACK_TEST_PLUGIN"):
        with zipfile.ZipFile(given_path(variable, session)) as archive:
            for name in archive.namelist():
                if re.search(rf"/lib/(ggml-base-\w+\.dll|ggml-{backend}\.dll|backend\.json)$", name):
                    (folder / Path(name).name).write_bytes(archive.read(name))
    library = folder / f"ggml-{backend}.dll"
    cc = shlex.split(given("LLAMAPACK_TEST_CC", session))
    _compile(stand_in, cc, library)
    program = folder / "load.exe"
    subprocess.run([*cc, "-municode", str(LOAD), "-o", str(program)], check=True)
    done = try_in_wine([wine(), str(program), windows_path(library)], folder / "prefix", folder)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    lines = [line.split() for line in done.stdout.splitlines() if line]
    numbers = [words[1] for words in lines if words[0] == "binary"]
    binaries = [Binary(code=read((folder / f"binary-{number}.bin").read_bytes())) for number in numbers]
    for word, *rest in lines:
        if word == "kernel":
            binaries[int(rest[0])].kernels.add(rest[1])
        elif word == "variable":
            binaries[int(rest[0])].variables[rest[1]] = int(rest[2])
    stated = json.loads((folder / "backend.json").read_text(encoding="utf-8"))["targets"]
    (said,) = (rest for word, *rest in lines if word == "backend")
    return Loaded(
        library=library,
        targets={f"{target['kind']}:{target['name']}" for target in stated},
        binaries=binaries,
        backend=" ".join(said),
    )


def _compile(stand_in: StandIn, cc: list[str], library: Path) -> None:
    """Compile what stands in for each of the vendor's libraries that `library` is linked with."""
    parsed = lief.PE.parse(str(library))
    assert parsed is not None
    own = stand_in.source.read_text(encoding="utf-8")
    for imported in parsed.imports:
        dll = str(imported.name)
        if dll.startswith((stand_in.runtime, *stand_in.others)):
            text = own if dll.startswith(stand_in.runtime) else ""
            names = [str(entry.name) for entry in imported.entries]
            rest = [name for name in names if not re.search(rf"\b{name}\(", own)]
            text += "".join(
                f"\n__declspec(dllexport) int {name}(void) {{ return {stand_in.failure}; }}" for name in rest
            )
            source = library.with_name(f"{dll}.c")
            source.write_text(f"{text}\n", encoding="utf-8")
            subprocess.run([*cc, "-shared", "-O1", str(source), "-o", str(library.with_name(dll))], check=True)
