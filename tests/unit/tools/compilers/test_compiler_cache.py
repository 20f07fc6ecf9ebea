"""A compiler cache is used where one is, fetched where none is, and left alone where the person chose."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.compilers import compiler_cache
from tools.compilers.compiler_cache import LAUNCHERS
from tools.compilers.toolchain import Toolchain
from tools.errors import ToolError
from tools.paths import ROOT
from tools.util.venv import Environment

GCC = Toolchain(c=("gcc",), cxx=("g++",), description="g++ 12")
ZIG = Toolchain(
    c=("zig-cc",),
    cxx=("zig-c++",),
    description="zig 0.17.1 for here",
    needs=("zig",),
    target="linux-x86_64",
    zig_identity="zig 0.17.1 1a2b3c4d",
)


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in (*LAUNCHERS, "CCACHE_BASEDIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def put(folder: Path, name: str, body: str = "") -> str:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return str(program)


def environment(folder: Path) -> Environment:
    return Environment(folder=folder / "env")


def test_ccache_on_path_is_taken_and_sees_the_checkout_as_its_base(path: Path) -> None:
    ccache = put(path, "ccache")
    cache = compiler_cache.compiler_cache(GCC, environment(path))
    assert cache.defines() == dict.fromkeys(LAUNCHERS, ccache)
    assert cache.variables == {"CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "1"}


def test_what_is_on_path_is_left_out_where_the_compiler_runs_elsewhere(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(path, "ccache")
    (path / "env").mkdir()
    own = put(path / "env", "ccache")
    monkeypatch.setattr(compiler_cache, "_install", lambda environment: own)
    cache = compiler_cache.compiler_cache(GCC, environment(path), portable=True)
    assert cache.launcher == own


def test_zig_is_known_to_ccache_by_its_version(path: Path) -> None:
    put(path, "ccache")
    cache = compiler_cache.compiler_cache(ZIG, environment(path))
    assert cache.variables["CCACHE_COMPILERCHECK"] == "string:zig 0.17.1 for here, zig 0.17.1 1a2b3c4d"


def test_settings_of_the_person_stay(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(path, "ccache")
    monkeypatch.setenv("CCACHE_BASEDIR", "elsewhere")
    cache = compiler_cache.compiler_cache(GCC, environment(path))
    assert cache.variables == {"CCACHE_NOHASHDIR": "1"}


@pytest.mark.parametrize("chosen", ["", "distcc"])
def test_launcher_of_the_person_stays(path: Path, monkeypatch: pytest.MonkeyPatch, chosen: str) -> None:
    put(path, "ccache")
    monkeypatch.setenv("CMAKE_CXX_COMPILER_LAUNCHER", chosen)
    cache = compiler_cache.compiler_cache(GCC, environment(path))
    assert cache.defines() == {"CMAKE_C_COMPILER_LAUNCHER": "", "CMAKE_CXX_COMPILER_LAUNCHER": chosen}


def test_compiler_that_is_a_cache_already_gets_no_second_one(path: Path) -> None:
    put(path, "ccache")
    (path / "g++").symlink_to(path / "ccache")
    cache = compiler_cache.compiler_cache(GCC, environment(path))
    assert cache.defines() == dict.fromkeys(LAUNCHERS, "")


def test_other_languages_are_kept_too(path: Path) -> None:
    ccache = put(path, "ccache")
    cache = compiler_cache.compiler_cache(GCC, environment(path))
    assert cache.defines(["CUDA"]) == {**cache.defines(), "CMAKE_CUDA_COMPILER_LAUNCHER": str(ccache)}


def test_ccache_is_installed_where_none_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: list[str] = []

    def install(names: list[str], *, folder: Path) -> Environment:
        wanted.extend(names)
        (folder / "bin").mkdir(parents=True)
        put(folder / "bin", "ccache")
        return Environment(folder=folder)

    monkeypatch.setattr(compiler_cache, "ensure_environment", install)
    cache = compiler_cache.compiler_cache(GCC, environment(path))
    assert cache.launcher == str(environment(path).program("ccache"))
    assert cache.variables["CCACHE_BASEDIR"] == str(ROOT)
    assert wanted == ["ccache"]


def test_build_goes_on_without_a_cache_that_cannot_be_installed(
    path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    def refuse(*_: object, **__: object) -> Environment:
        raise ToolError("The packages of requirements/ccache.txt could not be installed.")

    monkeypatch.setattr(compiler_cache, "ensure_environment", refuse)
    cache = compiler_cache.compiler_cache(GCC, environment(path))
    assert cache.defines() == dict.fromkeys(LAUNCHERS, "")
    assert said == [
        "The packages of requirements/ccache.txt could not be installed. The build goes on without a compiler cache."
    ]
