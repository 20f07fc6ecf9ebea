"""A ggml that is not ours is found and said, is never called by ours, and goes on working."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.children import Answer, python
from tests.support.plugins.making import Core, Plugin, compiler, make_installed
from tools.paths import export_list

if sys.platform != "linux":
    pytest.skip("symbols of all libraries mix on Linux only", allow_module_level=True)

FUNCTION = """
void {name}(void) {{
    static const char text[] = "the foreign {name} was called\\n";
    if (write(2, text, sizeof(text) - 1)) abort();
    abort();
}}
"""
LLAMA_CPP = """
import ctypes
from pathlib import Path
library = ctypes.CDLL(str(Path(__file__).parent / "lib" / "libggml-base.so"), mode=ctypes.{mode})
works = library.foreign_works
"""
USE = """
import json, sys
{before}
import llamapack
from pathlib import Path
from llamapack._native.modules import load_backend
from llamapack.backends.contract import read_plugin
from llamapack.backends.cpu import load_cpu
from llamapack.backends.host.foreign_libraries import find_foreign
from llamapack.backends.probing.probe import probe

plugin = read_plugin(Path(sys.argv[2]))
verdict = probe([plugin], load_cpu().level.path, mode="always")[0]
load_backend(plugin.library)
with llamapack.Model(sys.argv[1], n_gpu_layers=99) as model:
    text = "".join(llamapack.generate(model, "Count: 1, 2, 3,", temperature=0, max_tokens=6, n_threads=1))
found = find_foreign([plugin.library.parent])
print(json.dumps({{
    "text": text,
    "verdict": [verdict.status, verdict.reason],
    "devices": [device.name for device in llamapack.devices()],
    "found": [[str(each.path), each.where, each.owner] for each in found],
    "words": [str(each) for each in found],
    "works": {works},
}}))
"""


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A libggml-base with every function of ours, each of which ends the process."""
    folder = tmp_path_factory.mktemp("foreign")
    names: set[str] = set()
    for stem in ("ggml-base", "ggml"):
        lines = export_list(stem).read_text(encoding="utf-8").splitlines()
        names |= {line.strip() for line in lines if line.strip().startswith(("ggml_", "gguf_"))}
    source = folder / "foreign.c"
    functions = "".join(FUNCTION.format(name=name) for name in sorted(names))
    source.write_text(
        f"#include <stdlib.h>\n#include <unistd.h>\n{functions}int foreign_works(void) {{ return 42; }}\n"
    )
    library = folder / "site-packages" / "llama_cpp" / "lib" / "libggml-base.so"
    library.parent.mkdir(parents=True)
    subprocess.run([compiler(), "-shared", "-fPIC", "-w", source, "-o", library], check=True)
    return library


@pytest.fixture(scope="module")
def plugin(core: Core, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_installed(Plugin(), core, tmp_path_factory.mktemp("plugin"))


def use(model: Path, plugin: Path, tmp_path: Path, before: str = "", works: str = "None", **variables: str) -> Answer:
    code = USE.format(before=before, works=works)
    return python(code, model, plugin, cwd=tmp_path, LLAMAPACK_CACHE_DIR=str(tmp_path), **variables)


def check(answer: Answer, found: list[list[str | None]]) -> dict[str, object]:
    assert (answer.status, answer.err) == (0, "")
    said: dict[str, object] = json.loads(answer.out)
    assert said["text"] == " 4, 5,"
    assert said["verdict"] == ["usable", ""]
    assert said["devices"] == ["CPU", "Example0"]
    assert said["found"] == found
    return said


def test_without_a_foreign_one_none_is_found(model_path: Path, plugin: Path, tmp_path: Path) -> None:
    check(use(model_path, plugin, tmp_path), [])


@pytest.mark.parametrize(("mode", "where"), [("RTLD_LOCAL", "process"), ("RTLD_GLOBAL", "everywhere")])
def test_llama_cpp_imported_first_works_and_is_said(
    foreign: Path, model_path: Path, plugin: Path, tmp_path: Path, mode: str, where: str
) -> None:
    (foreign.parent.parent / "__init__.py").write_text(LLAMA_CPP.format(mode=mode), encoding="utf-8")
    path = os.pathsep.join([str(foreign.parent.parent.parent), *sys.path])
    answer = use(model_path, plugin, tmp_path, before="import llama_cpp", works="llama_cpp.works()", PYTHONPATH=path)
    said = check(answer, [[str(foreign), where, "llama_cpp"]])
    assert said["works"] == 42
    assert f"{foreign} of the package llama_cpp is " in str(said["words"])


def test_a_preloaded_one_is_not_called(foreign: Path, model_path: Path, plugin: Path, tmp_path: Path) -> None:
    answer = use(model_path, plugin, tmp_path, LD_PRELOAD=str(foreign))
    check(answer, [[str(foreign), "everywhere", "llama_cpp"]])


def test_one_on_the_library_path_is_said(foreign: Path, model_path: Path, plugin: Path, tmp_path: Path) -> None:
    answer = use(model_path, plugin, tmp_path, LD_LIBRARY_PATH=str(foreign.parent))
    check(answer, [[str(foreign), "library path", "llama_cpp"]])
