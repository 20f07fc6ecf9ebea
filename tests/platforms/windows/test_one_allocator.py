"""What crosses from one library to another is freed by its owner, though their C libraries are not the same.

The core is built by zig with UCRT. The plug-in is built by Debian's gcc, whose C library is the older msvcrt with a
heap of its own: memory that the wrong side gave back would go to a heap that it is not from, and Wine tells of that.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.programs.making import Libraries
from tests.support.wine import Run, mingw
from tools.paths import CORE, ROOT, SYNCED

PLUGINS = ROOT / "tests" / "support" / "plugins"


def plugin(libraries: Libraries, folder: Path, *more: str) -> Path:
    """Compile the example plug-in for Windows with gcc, into a folder with the core's libraries."""
    includes = [f"-I{SYNCED / 'ggml' / name}" for name in ("include", "src")]
    defines = ["GGML_BACKEND_DL", "GGML_BACKEND_SHARED", f'LLAMAPACK_ABI_ID="{libraries.abi_id}"']
    sources = [PLUGINS / "example.c", CORE / "native" / "shared" / "backend.c", *(PLUGINS / name for name in more)]
    words = [*includes, *(f"-D{name}" for name in defines), *(["-DEXAMPLE_FAULTY"] if more else [])]
    base = libraries.folder / f"ggml-base-{libraries.abi_id}.dll"
    library = folder / "ggml-example.dll"
    command = [
        mingw("gcc"),
        "-std=gnu11",
        "-O2",
        "-w",
        "-shared",
        "-Wl,--export-all-symbols",
        *words,
        *map(str, [*sources, base, "-o", library]),
    ]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return library


def test_plugin_of_another_compiler_and_core_free_each_what_is_theirs(
    windows: Run, libraries: Libraries, tmp_path: Path
) -> None:
    library = plugin(libraries, tmp_path)
    assert b"msvcrt.dll" in library.read_bytes()
    found = windows("plugin", library)
    assert found["plugin"] == "Example"
    assert found["device"] == "Example0: Example device in the CPU's memory"
    assert found["product"] == "3 7 11 2 6 10"
    assert found["kept"] == "0"


def test_plugin_that_frees_what_is_the_cores_is_noticed(windows: Run, libraries: Libraries, tmp_path: Path) -> None:
    assert windows("plugin", plugin(libraries, tmp_path, "foreign.c"), mismatches=1)["product"] == "3 7 11 2 6 10"


@pytest.mark.parametrize("command", ["chat", "generate"])
def test_texts_and_models_of_the_core_are_freed_by_it(windows: Run, model: Path, command: str) -> None:
    words = {"chat": (model, '{"messages": []}'), "generate": ("best", model, "2", "Hello")}[command]
    assert windows(command, *words)["level"]
