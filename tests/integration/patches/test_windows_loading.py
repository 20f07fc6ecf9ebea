"""The patch for loading on Windows: the backend's own folder is searched, and a failure has its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.native_programs import source_tree
from tests.support.wine import mingw, run_in_wine, wine
from tools.platforms.wine import windows_path

PROGRAM = r"""
#include <memory>
#include <string>
#include <type_traits>
#include <cstdio>
#include "ggml-backend-dl.h"
int wmain(int, wchar_t ** argv) {
    dl_handle * handle = dl_load_library(fs::path(argv[1]));
    if (!handle) { std::printf("refused %s\n", dl_error()); return 0; }
    auto answer = (const char * (*)()) dl_get_sym(handle, "answer");
    std::printf("loaded %s [%s]\n", answer(), dl_error());
    return 0;
}
"""
PLUGIN = 'extern "C" const char * whose(); extern "C" __declspec(dllexport) const char * answer() { return whose(); }'
NEEDED = 'extern "C" __declspec(dllexport) const char * whose() { return "%s"; }'


class Windows:
    """A folder with a backend and what it needs, another with a file of that name, and the program."""

    def __init__(self, tree: str, folder: Path) -> None:
        self.wine, self.folder, gxx = wine(), folder, mingw("g++")
        source = source_tree(tree, folder / "source")
        self.own, self.other = folder / "own pläne", folder / "other"
        self.own.mkdir()
        self.other.mkdir()
        for place, text in ((self.own, "own"), (self.other, "planted")):
            self._compile(gxx, NEEDED % text, place / "needed.dll", "-shared")
        self._compile(gxx, PLUGIN, self.own / "ggml-plugin.dll", "-shared", str(self.own / "needed.dll"))
        (folder / "main.cpp").write_text(PROGRAM, encoding="utf-8")
        words = [f"-I{source / 'ggml/src'}", f"-I{source / 'ggml/include'}", "-D_WIN32_WINNT=0x0A00", "-municode"]
        self._run(
            [
                gxx,
                "-std=c++17",
                "-static",
                *words,
                str(folder / "main.cpp"),
                str(source / "ggml/src/ggml-backend-dl.cpp"),
                "-o",
                str(folder / "program.exe"),
            ]
        )

    def _compile(self, gxx: str, text: str, target: Path, *words: str) -> None:
        source = target.with_suffix(".cpp")
        source.write_text(text, encoding="utf-8")
        self._run([gxx, "-static", str(source), *words, "-o", str(target)])
        source.unlink()

    def _run(self, command: list[str]) -> str:
        return run_in_wine(command, self.folder.parent / "wine", self.other)

    def load(self, path: str) -> str:
        """Load `path` from the folder where the planted file lies, and return what the program says."""
        return self._run([self.wine, str(self.folder / "program.exe"), path])


@pytest.fixture(scope="module")
def patched(tmp_path_factory: pytest.TempPathFactory) -> Windows:
    return Windows("patched", tmp_path_factory.mktemp("patched"))


@pytest.mark.parametrize("path", ["../own pläne/ggml-plugin.dll", "..\\own pläne\\ggml-plugin.dll"])
def test_what_a_backend_needs_is_found_beside_it(patched: Windows, path: str) -> None:
    assert patched.load(path) == "loaded own []"


def test_absolute_path_is_loaded(patched: Windows) -> None:
    assert patched.load(windows_path(patched.own / "ggml-plugin.dll")) == "loaded own []"


def test_missing_library_is_refused_with_the_reason(patched: Windows) -> None:
    said = patched.load("Z:\\nowhere\\ggml-plugin.dll")
    assert said.startswith(("refused error 126: ", "refused error 3: "))
    assert len(said) > len("refused error 126: ")


def test_current_directory_is_not_searched(patched: Windows) -> None:
    needed = patched.own / "needed.dll"
    needed.rename(patched.own / "needed.gone")
    try:
        assert patched.load("..\\own pläne\\ggml-plugin.dll").startswith("refused error 126: ")
    finally:
        (patched.own / "needed.gone").rename(needed)


def test_upstream_takes_the_planted_file(tmp_path: Path) -> None:
    upstream = Windows("upstream", tmp_path)
    assert upstream.load("..\\own pläne\\ggml-plugin.dll") == "loaded planted []", "drop the patch"
    assert upstream.load("Z:\\nowhere\\ggml-plugin.dll") == "refused"
