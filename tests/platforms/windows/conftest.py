"""What the tests for Windows run on: its wheel, a real model, Wine, and the installed wheel of this machine."""

from __future__ import annotations

import shlex
import subprocess
import zipfile
from pathlib import Path

import llamapack
import pytest

from tests.support.given import given, given_path
from tests.support.programs.making import Libraries, libraries_in, native_program, said
from tests.support.wine import Run, try_in_wine, wine
from tools.compilers.toolchains import find_toolchain
from tools.platforms.wine import windows_path

SESSION = 'nox -s "test-cpu(cpu-windows-x86_64-haswell)"'


@pytest.fixture(scope="session")
def model() -> Path:
    return given_path("LLAMAPACK_TEST_MODEL", SESSION)


@pytest.fixture(scope="session")
def cc() -> list[str]:
    """The C compiler that the libraries for Windows were compiled with."""
    return shlex.split(given("LLAMAPACK_TEST_CC", SESSION))


@pytest.fixture(scope="session")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Windows that Wine keeps for all of these tests."""
    return tmp_path_factory.mktemp("wine") / "prefix"


@pytest.fixture(scope="session")
def wheel() -> Path:
    """The wheel for Windows."""
    return given_path("LLAMAPACK_TEST_WHEEL", SESSION)


@pytest.fixture(scope="session")
def libraries(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Libraries:
    """Its libraries, in a folder whose name is not ASCII."""
    folder = tmp_path_factory.mktemp("pläne ☃ 計画")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return libraries_in(folder / "llamapack" / "lib")


@pytest.fixture(scope="session")
def program(cc: list[str], libraries: Libraries, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """native.c, compiled for Windows."""
    return native_program([*cc, "-municode"], libraries, tmp_path_factory.mktemp("program") / "native.exe")


@pytest.fixture(scope="session")
def windows(prefix: Path, libraries: Libraries, program: Path) -> Run:
    """Run native.c on the libraries for Windows; paths are spelled as it wants them.

    Wine tells when memory is given back to another heap than it is from: each C library has a heap of its own.
    """

    def run(
        *words: str | Path, folder: Path = libraries.folder, status: int = 0, mismatches: int = 0
    ) -> dict[str, str]:
        arguments = [windows_path(word) if isinstance(word, Path) else word for word in (folder, *words)]
        command = [wine(), str(program), *arguments]
        done = try_in_wine(command, prefix, prefix.parent, WINEDEBUG="-all,warn+heap")
        assert done.returncode == status, f"{done.stdout}\n{done.stderr}"
        assert done.stderr.count("mismatching heap") == mismatches, done.stderr
        return said(done.stdout)

    return run


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run native.c on the installed libraries of this machine."""
    own = libraries_in(Path(llamapack.__file__).parent / "lib")
    compiler = [*find_toolchain().c, "-D_GNU_SOURCE", "-ldl"]
    program = native_program(compiler, own, tmp_path_factory.mktemp("program") / "native")

    def run(*words: str | Path) -> dict[str, str]:
        command = [str(word) for word in (program, own.folder, *words)]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=900)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return said(done.stdout)

    return run
