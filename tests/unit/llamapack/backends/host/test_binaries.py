"""What libraries are linked with, read from made files and from this system's own."""

from __future__ import annotations

import contextlib
import struct
import sys
from pathlib import Path

import pytest
from llamapack.backends.host.binaries import missing, read_library
from llamapack.backends.host.binaries.library import SharedLibrary
from llamapack.backends.host.binaries.missing import MissingLibrary, linker_cache, missing_libraries

from tests.support.libraries.made_binaries import elf, pe


@pytest.fixture(autouse=True)
def bare_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """No library is found but those that the test makes; what was read is forgotten."""
    monkeypatch.setattr(missing, "_SYSTEM_FOLDERS", ())
    monkeypatch.setattr(missing, "linker_cache", lambda: ())
    for name in ("LD_LIBRARY_PATH", "PATH"):
        monkeypatch.delenv(name, raising=False)
    missing._read.cache_clear()


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("bits", [64, 32])
@pytest.mark.parametrize("order", ["<", ">"])
def test_elf_files_are_read(tmp_path: Path, bits: int, order: str) -> None:
    data = elf(["libb.so", "libc.so.6"], "liba.so", "$ORIGIN:/opt/lib", bits=bits, order=order, machine=183)
    assert read_library(write(tmp_path / "liba.so", data)) == SharedLibrary(
        name="liba.so", needed=("libb.so", "libc.so.6"), machine=183, bits=bits, search=("$ORIGIN", "/opt/lib")
    )


def test_an_old_run_path_is_inherited_unless_there_is_a_new_one(tmp_path: Path) -> None:
    old = read_library(write(tmp_path / "old.so", elf(rpath="/old")))
    both = read_library(write(tmp_path / "both.so", elf(rpath="/old", runpath="/new")))
    assert old is not None
    assert both is not None
    assert (old.search, old.inherited) == (("/old",), True)
    assert (both.search, both.inherited) == (("/new",), False)


@pytest.mark.parametrize("bits", [64, 32])
def test_pe_files_are_read(tmp_path: Path, bits: int) -> None:
    data = pe(["KERNEL32.dll", "ggml-base-1.dll"], "ggml-vulkan.dll", bits=bits)
    assert read_library(write(tmp_path / "a.dll", data)) == SharedLibrary(
        name="ggml-vulkan.dll", needed=("KERNEL32.dll", "ggml-base-1.dll"), machine=0x8664, bits=bits
    )


def test_tables_may_be_absent(tmp_path: Path) -> None:
    assert read_library(write(tmp_path / "a.dll", pe())) == SharedLibrary(name=None, needed=(), machine=0x8664, bits=64)
    assert read_library(write(tmp_path / "a.so", elf())) == SharedLibrary(name=None, needed=(), machine=62, bits=64)


def test_another_format_is_not_read(tmp_path: Path) -> None:
    assert read_library(write(tmp_path / "a.dylib", b"\xcf\xfa\xed\xfe" + bytes(100))) is None


@pytest.mark.parametrize("whole", [elf(["liba.so"], "libb.so"), pe(["a.dll"], "b.dll")], ids=["elf", "pe"])
def test_a_file_cut_anywhere_is_refused_or_read_in_part(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "cut"
    for length in range(4, len(whole) - 1, 3):
        path.write_bytes(whole[:length])
        with contextlib.suppress(ValueError):
            read_library(path)


@pytest.mark.parametrize("whole", [elf(["liba.so"], "libb.so"), pe(["a.dll"], "b.dll")], ids=["elf", "pe"])
def test_a_file_with_any_byte_changed_is_refused_or_read(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "changed"
    for at in range(2, len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        with contextlib.suppress(ValueError):
            read_library(path)


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"MZ", elf(["liba.so"])[:80]])
def test_damaged_files_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ValueError, match=r"damaged|empty"):
        read_library(write(tmp_path / "x", content))


@pytest.mark.skipif(sys.platform != "linux", reason="compares with a library of this Linux system")
def test_a_library_of_this_system_is_read() -> None:
    import ctypes.util

    name = ctypes.util.find_library("c")
    places = [Path(place) for known, place in linker_cache() if known == name]
    if not places:
        pytest.skip("the dynamic linker of this system keeps no cache that can be read")
    found = read_library(places[0])
    assert found is not None
    assert found.name == name


def test_all_missing_libraries_are_named_with_what_needs_them(tmp_path: Path) -> None:
    top = write(tmp_path / "top.so", elf(["libmid.so", "libgone.so"], runpath="$ORIGIN/deep"))
    middle = write(tmp_path / "deep" / "libmid.so", elf(["libgone.so", "libalso.so"]))
    assert missing_libraries(top) == (
        MissingLibrary(name="libgone.so", needed_by=top),
        MissingLibrary(name="libalso.so", needed_by=middle),
    )


def test_provided_libraries_and_folders_beside_count(tmp_path: Path) -> None:
    top = write(tmp_path / "a" / "top.so", elf(["libone.so", "libtwo.so"]))
    write(tmp_path / "b" / "libone.so", elf())
    assert missing_libraries(top, beside=[tmp_path / "b"], provided=["libtwo.so"]) == ()


def test_a_library_for_another_machine_does_not_count(tmp_path: Path) -> None:
    top = write(tmp_path / "top.so", elf(["libone.so"], runpath="$ORIGIN"))
    write(tmp_path / "libone.so", elf(machine=183))
    assert [each.name for each in missing_libraries(top)] == ["libone.so"]


def test_an_inherited_run_path_serves_what_is_needed_further_down(tmp_path: Path) -> None:
    write(tmp_path / "x" / "libmid.so", elf(["liblow.so"]))
    write(tmp_path / "x" / "liblow.so", elf())
    old = write(tmp_path / "old.so", elf(["libmid.so"], rpath="$ORIGIN/x"))
    new = write(tmp_path / "new.so", elf(["libmid.so"], runpath="$ORIGIN/x"))
    assert missing_libraries(old) == ()
    assert [each.name for each in missing_libraries(new)] == ["liblow.so"]


def test_the_linkers_variable_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top = write(tmp_path / "top.so", elf(["libone.so"]))
    write(tmp_path / "b" / "libone.so", elf())
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path / "b"))
    assert missing_libraries(top) == ()


def test_missing_dlls_are_named_but_for_those_that_windows_answers_for(tmp_path: Path) -> None:
    top = write(tmp_path / "top.dll", pe(["api-ms-win-crt-runtime-l1-1-0.dll", "other.dll", "gone.dll", "GONE.dll"]))
    write(tmp_path / "other.dll", pe())
    assert missing_libraries(top) == (MissingLibrary(name="gone.dll", needed_by=top),)


def test_the_linkers_cache_is_read(tmp_path: Path) -> None:
    texts = b"liba.so.1\0/usr/lib/liba.so.1\0"
    start = 48 + 24
    head = b"glibc-ld.so.cache1.1" + struct.pack("=II", 1, len(texts)) + bytes(20)
    entry = struct.pack("=iIIIQ", 3, start, start + 10, 0, 0)
    path = write(tmp_path / "ld.so.cache", head + entry + texts)
    linker_cache.cache_clear()
    assert linker_cache(path) == (("liba.so.1", "/usr/lib/liba.so.1"),)
    assert linker_cache(write(tmp_path / "cut", (head + entry)[:60])) == ()
    assert linker_cache(tmp_path / "absent") == ()
