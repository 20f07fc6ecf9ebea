"""No library but the wheel's own is run, wherever a file of that name lies."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from llamapack.backends.cpu import cpu_levels

from tests.support.children import Answer

SOURCE = r"""
#include <stdio.h>
#include <stdlib.h>
static void leave_a_mark(void) {
    FILE * f = fopen(getenv("PLANTED_MARK"), "a");
    if (f) { fputs("ran\n", f); fclose(f); }
}
__attribute__((constructor)) static void on_load(void) { leave_a_mark(); }
int ggml_backend_score(void) { leave_a_mark(); return 1000000; }
void * ggml_backend_init(void) { leave_a_mark(); return 0; }
"""
GENERATE = """
import os, sys, llamapack
with llamapack.Model(sys.argv[1]) as model:
    print("".join(llamapack.generate(model, "Count: 1, 2, 3,", temperature=0, max_tokens=6, n_threads=1)))
    print(model.cpu.level.path)
    print(os.path.realpath("/proc/self/exe"))
"""
PROBE = "import ctypes, sys; ctypes.CDLL(sys.argv[1])"


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that leaves a mark when it is opened, scored or started."""
    compiler = sysconfig.get_config_var("CC") if shutil.which("cc") is None else "cc"
    if sys.platform != "linux" or not compiler or not shutil.which(compiler.split()[0]):
        pytest.skip("the planted library is compiled with this Linux machine's C compiler, and there is none")
    folder = tmp_path_factory.mktemp("planted")
    (folder / "planted.c").write_text(SOURCE)
    command = [*compiler.split(), "-shared", "-fPIC", "-o", str(folder / "planted.so"), str(folder / "planted.c")]
    subprocess.run(command, check=True)
    return folder / "planted.so"


def run(python: Path, code: str, *arguments: Path, cwd: Path, **variables: str) -> Answer:
    env = {**os.environ, **variables}
    done = subprocess.run([python, "-c", code, *arguments], capture_output=True, cwd=cwd, env=env, check=False)
    return Answer(status=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())


def test_the_planted_library_marks_when_it_is_opened(planted: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    answer = run(Path(sys.executable), PROBE, planted, cwd=tmp_path, PLANTED_MARK=str(mark))
    assert answer.status == 0, answer.err
    assert mark.read_text() == "ran\n"


@pytest.mark.parametrize("name", ["libggml-cpu-zen4.so", "libggml-cuda.so", "libggml-cpu.so"])
def test_planted_libraries_are_not_run(planted: Path, tmp_path: Path, model_path: Path, name: str) -> None:
    here = tmp_path / "cwd"
    here.mkdir()
    shutil.copy(planted, here / name)
    venv.create(tmp_path / "env", symlinks=False)  # an executable of its own, to plant beside
    executable = tmp_path / "env" / "bin" / "python"
    shutil.copy(planted, executable.parent / name)
    mark = tmp_path / "mark"
    answer = run(
        executable,
        GENERATE,
        model_path,
        cwd=here,
        PYTHONPATH=os.pathsep.join(sys.path),
        PLANTED_MARK=str(mark),
        GGML_BACKEND_PATH=str(here / name),
        LD_LIBRARY_PATH=str(here),
    )
    assert answer.status == 0, answer.err
    text, path, ran = answer.out.splitlines()
    assert Path(ran) == executable
    assert text == " 4, 5,"
    assert Path(path) in {level.path for level in cpu_levels()}
    assert not mark.exists(), "a planted library was run"
