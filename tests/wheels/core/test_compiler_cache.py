"""The compiler cache gives one checkout what another compiled, though each tells the compiler of its own folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tools.compilers import compiler_cache
from tools.compilers.toolchain import Toolchain
from tools.util.venv import ensure_environment

GXX = Toolchain(c=("gcc",), cxx=("g++",), description="g++")

pytestmark = pytest.mark.skipif(not shutil.which("g++"), reason="it takes g++ to compile something")


def make_checkout(folder: Path) -> Path:
    (folder / "build").mkdir(parents=True)
    (folder / "source.cpp").write_text("const char * where() { return __FILE__; }\n", encoding="utf-8")
    return folder


def compile_in(checkout: Path, launcher: Sequence[str], variables: Mapping[str, str]) -> bytes:
    """Compile a file as a build in `checkout` does, with LlamapackGgml.cmake's flags; return the object."""
    flags = [f"-ffile-prefix-map={folder}=llamapack" for folder in (checkout, "..")]
    words = [*launcher, "g++", "-O2", *flags, "-c", str(checkout / "source.cpp"), "-o", "a.o"]
    subprocess.run(words, cwd=checkout / "build", env={**os.environ, **variables}, check=True)
    return (checkout / "build" / "a.o").read_bytes()


def test_a_second_checkout_compiles_nothing_and_has_what_it_would_compile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in compiler_cache.LAUNCHERS:
        monkeypatch.delenv(name, raising=False)
    place, objects, environment = {"CCACHE_DIR": str(tmp_path / "cache")}, [], ensure_environment()
    for checkout in (make_checkout(tmp_path / name) for name in ("one", "another one")):
        monkeypatch.setattr(compiler_cache, "ROOT", checkout)
        cache = compiler_cache.compiler_cache(GXX, environment)
        objects.append(compile_in(checkout, [cache.launcher], {**cache.variables, **place}))
    assert [objects[0], objects[1]] == [compile_in(make_checkout(tmp_path / "third"), [], {})] * 2
    assert b"llamapack/source.cpp" in objects[0]
    words = [cache.launcher, "--print-stats"]
    said = subprocess.run(words, env={**os.environ, **place}, capture_output=True, text=True, check=True).stdout
    counts = dict(line.split("\t") for line in said.splitlines())
    assert (counts["direct_cache_hit"], counts["cache_miss"]) == ("1", "1")
