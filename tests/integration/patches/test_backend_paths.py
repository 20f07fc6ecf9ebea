"""The patch that keeps upstream from searching for backends: only what the caller names is loaded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from llamapack.backends.cpu import cpu_levels

from tests.support.native_programs import compile_program, compiler, source_tree
from tests.support.reference.upstream import Reference

PLANTED = r"""
#include <cstdio>
#include <cstdlib>
static void leave_a_mark() {
    if (FILE * f = std::fopen(std::getenv("PLANTED_MARK"), "a")) { std::fputs("ran\n", f); std::fclose(f); }
}
static struct Mark { Mark() { leave_a_mark(); } } mark;
extern "C" int ggml_backend_score(void) { return 1000; }
extern "C" void * ggml_backend_init(void) { return nullptr; }
"""
# The registry, with the rest of ggml replaced by what it needs to link.
PROGRAM = r"""
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include "ggml-backend-impl.h"
#include "ggml-impl.h"
extern "C" {
const char * ggml_backend_reg_name(ggml_backend_reg_t) { return ""; }
size_t ggml_backend_reg_dev_count(ggml_backend_reg_t) { return 0; }
ggml_backend_dev_t ggml_backend_reg_dev_get(ggml_backend_reg_t, size_t) { return nullptr; }
const char * ggml_backend_dev_name(ggml_backend_dev_t) { return ""; }
const char * ggml_backend_dev_description(ggml_backend_dev_t) { return ""; }
enum ggml_backend_dev_type ggml_backend_dev_type(ggml_backend_dev_t) { return GGML_BACKEND_DEVICE_TYPE_CPU; }
ggml_backend_reg_t ggml_backend_dev_backend_reg(ggml_backend_dev_t) { return nullptr; }
ggml_backend_t ggml_backend_dev_init(ggml_backend_dev_t, const char *) { return nullptr; }
void ggml_log_internal(enum ggml_log_level, const char *, ...) {}
void ggml_abort(const char *, int, const char *, ...) { std::abort(); }
}
int main(int argc, char ** argv) {
    if (argc == 1) ggml_backend_load_all();
    else if (!std::strcmp(argv[1], "null")) ggml_backend_load_all_from_path(nullptr);
    else if (!std::strcmp(argv[1], "file")) ggml_backend_load(argv[2]);
    else ggml_backend_load_all_from_path(argv[1]);
}
"""
NAMES = ("libggml-cuda.so", "libggml-cpu-zen4.so", "libggml-cpu.so")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the planted library is a Linux one")


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that leaves a mark when it is opened."""
    folder = tmp_path_factory.mktemp("planted")
    (folder / "planted.cpp").write_text(PLANTED, encoding="utf-8")
    command = [compiler(), "-shared", "-fPIC", str(folder / "planted.cpp"), "-o", str(folder / "planted.so")]
    subprocess.run(command, check=True)
    return folder / "planted.so"


def plant(library: Path, folder: Path) -> Path:
    """Put the library into `folder` under each name that upstream looks for."""
    folder.mkdir(exist_ok=True)
    for name in NAMES:
        shutil.copy(library, folder / name)
    return folder


@pytest.fixture(scope="module", params=["patched", "upstream"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, planted: Path) -> Path:
    """A program on upstream's registry, with planted libraries beside it."""
    folder = tmp_path_factory.mktemp(request.param)
    tree = source_tree(request.param, folder)
    (folder / "main.cpp").write_text(PROGRAM, encoding="utf-8")
    sources = [folder / "main.cpp", *(tree / "ggml/src" / f"ggml-backend-{name}.cpp" for name in ("reg", "dl"))]
    made = compile_program([compiler(), "-O0", "-DNDEBUG", "-DGGML_BACKEND_DL"], sources, folder / "program", tree)
    plant(planted, folder)
    return made


def marks(command: list[str | Path], cwd: Path, **variables: str) -> int:
    """Run a command and return how often a planted library was opened."""
    mark = cwd / "mark"
    mark.unlink(missing_ok=True)
    env = {**os.environ, **variables, "PLANTED_MARK": str(mark)}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return mark.read_text(encoding="utf-8").count("ran") if mark.exists() else 0


@pytest.mark.parametrize("words", [(), ("null",)], ids=["load_all", "from_path(nullptr)"])
def test_nothing_is_searched_for(program: Path, planted: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    here = plant(planted, tmp_path / "here")
    found = marks([program, *words], here, GGML_BACKEND_PATH=str(here / NAMES[0]))
    if "upstream" in program.parent.name:
        assert found > 0, "upstream does not search any more: drop the patch"
    else:
        assert found == 0


def test_variable_is_not_followed_even_with_a_folder(program: Path, planted: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = marks([program, tmp_path / "empty"], tmp_path, GGML_BACKEND_PATH=str(planted))
    assert found == (1 if "upstream" in program.parent.name else 0)


def test_what_the_caller_names_is_loaded(program: Path, planted: Path, tmp_path: Path) -> None:
    assert marks([program, "file", planted], tmp_path) == 1
    assert marks([program, plant(planted, tmp_path / "named")], tmp_path) >= 1


def test_upstreams_argument_parser_loads_nothing(reference: Reference, planted: Path, tmp_path: Path) -> None:
    here = plant(planted, tmp_path / "here")
    beside = [reference.folder / name for name in NAMES]
    assert not any(path.exists() for path in beside)
    level = next(level for level in cpu_levels() if level.score > 0)
    program = reference.folder / "llamapack-reference"
    command: list[str | Path] = [program, level.path, "llama-completion", "--list-devices"]
    try:
        plant(planted, reference.folder)
        assert marks(command, here, GGML_BACKEND_PATH=str(here / NAMES[0])) == 0
    finally:
        for path in beside:
            path.unlink(missing_ok=True)
