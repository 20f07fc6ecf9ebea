"""Which of the libraries of a process are somebody else's ggml, from made tables."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from llamapack.backends.host import foreign_libraries
from llamapack.backends.host.foreign_libraries import ForeignLibrary, find_foreign
from llamapack.backends.host.loaded_libraries import loaded_libraries, mapped_files

MAPS = """\
55d0-55d1 r-xp 00000000 08:01 1  /usr/bin/python3.11
7f00-7f01 r--p 00000000 08:01 2  /site/site-packages/llama_cpp/lib/libggml-base.so
7f01-7f02 r-xp 00001000 08:01 2  /site/site-packages/llama_cpp/lib/libggml-base.so
7f03-7f04 r-xp 00000000 08:01 3  /opt/with space/libllama.so.0 (deleted)
7f05-7f06 rw-p 00000000 00:00 0
7f07-7f08 r-xp 00000000 00:00 0  [vdso]
"""


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(foreign_libraries, "library_dir", lambda: tmp_path / "core")
    monkeypatch.setattr(foreign_libraries, "has_global_ggml", lambda: False)
    monkeypatch.setattr(foreign_libraries, "loaded_libraries", lambda: ())
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
        monkeypatch.delenv(name, raising=False)


def test_mapped_code_is_listed(tmp_path: Path) -> None:
    (tmp_path / "maps").write_text(MAPS, encoding="utf-8")
    assert list(mapped_files(tmp_path / "maps")) == [
        "/usr/bin/python3.11",
        "/site/site-packages/llama_cpp/lib/libggml-base.so",
        "/opt/with space/libllama.so.0",
    ]
    assert list(mapped_files(tmp_path / "absent")) == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads this process's own table, as Linux has it")
def test_this_process_has_libraries() -> None:
    assert any(path.name.startswith("libc.so") or path.name.startswith("ld-musl") for path in loaded_libraries())


@pytest.mark.parametrize(
    ("name", "is_ggml"),
    [
        ("libggml.so", True),
        ("libggml-base.so.0.9.4", True),
        ("libggml-base-1ffa26b2.so", True),
        ("libggml-cpu-haswell.so", True),
        ("libllama.dylib", True),
        ("ggml-cuda.dll", True),
        ("libmtmd.so", True),
        ("libggmlish.so", False),
        ("libc.so.6", False),
        ("libggml.py", False),
    ],
)
def test_ggml_is_known_by_its_name(monkeypatch: pytest.MonkeyPatch, name: str, is_ggml: bool) -> None:
    monkeypatch.setattr(foreign_libraries, "loaded_libraries", lambda: (Path("/opt") / name,))
    assert bool(find_foreign()) is is_ggml


def test_ours_and_those_of_plugins_are_not_foreign(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    core, plugin, other = (tmp_path / name / "libggml-base-1.so" for name in ("core", "plugin", "other"))
    monkeypatch.setattr(foreign_libraries, "loaded_libraries", lambda: (core, plugin, other))
    assert [found.path for found in find_foreign([tmp_path / "plugin"])] == [other]


def test_what_is_seen_everywhere_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path("/site/site-packages/llama_cpp/lib")
    monkeypatch.setattr(
        foreign_libraries, "loaded_libraries", lambda: (folder / "libggml-base.so", folder / "libllama.so")
    )
    monkeypatch.setattr(foreign_libraries, "has_global_ggml", lambda: True)
    found = find_foreign()
    assert found == (
        ForeignLibrary(path=folder / "libggml-base.so", where="everywhere", owner="llama_cpp"),
        ForeignLibrary(path=folder / "libllama.so", where="process", owner="llama_cpp"),
    )
    assert str(found[0]) == (
        f"{folder / 'libggml-base.so'} of the package llama_cpp is seen by every library of this process; "
        "llamapack prefers its own and both work"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="the variable is PATH there, which is full of other things")
def test_the_library_path_is_looked_through(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    for name in ("libggml.so", "libother.so"):
        (tmp_path / "lib" / name).touch()
    for variable in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
        monkeypatch.setenv(variable, f"{tmp_path / 'absent'}::{tmp_path / 'lib'}")
    assert find_foreign() == (ForeignLibrary(path=tmp_path / "lib" / "libggml.so", where="library path"),)
