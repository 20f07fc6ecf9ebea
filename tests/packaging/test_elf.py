"""Each Linux library shows its listed symbols, finds its neighbours beside it, and is hardened."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.paths import CORE

if sys.platform != "linux":
    pytest.skip("ELF is Linux's", allow_module_level=True)

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

EXPORTS = CORE / "native" / "exports"
SYSTEM = re.compile(r"lib(c|m|dl|rt|pthread)\.so\.\d|lib(stdc\+\+|gcc_s)\.so\.\d|ld-linux.*\.so\.\d")
CPP_RUNTIME = re.compile(r"_ZN?K?S|_Z(n|d)|__cxa_|__gxx_|_Unwind")


@contextmanager
def elf(path: Path) -> Iterator[ELFFile]:
    with path.open("rb") as file:
        yield ELFFile(file)


def all_libraries(libraries: Path) -> list[Path]:
    found = sorted(libraries.glob("*.so"))
    assert found
    return found


def dynamic(path: Path) -> list[tuple[str, str]]:
    """Return the dynamic entries with a text, and the flags, as pairs of tag and value."""
    names = {"DT_NEEDED": "needed", "DT_SONAME": "soname", "DT_RUNPATH": "runpath", "DT_RPATH": "rpath"}
    with elf(path) as file:
        section = file.get_section_by_name(".dynamic")
        assert isinstance(section, DynamicSection)
        entries = list(section.iter_tags())
        texts = [
            (entry.entry.d_tag, getattr(entry, names[entry.entry.d_tag]))
            for entry in entries
            if entry.entry.d_tag in names
        ]
        flags = [
            (entry.entry.d_tag, str(entry.entry.d_val)) for entry in entries if entry.entry.d_tag.startswith("DT_FLAGS")
        ]
    return texts + flags


def values(path: Path, tag: str) -> list[str]:
    return [value for name, value in dynamic(path) if name == tag]


def exported(path: Path) -> set[str]:
    with elf(path) as file:
        table = file.get_section_by_name(".dynsym")
        assert isinstance(table, SymbolTableSection)
        return {
            symbol.name
            for symbol in table.iter_symbols()
            if symbol.entry.st_shndx != "SHN_UNDEF"
            and symbol.entry.st_info.bind != "STB_LOCAL"
            and symbol.entry.st_other.visibility in {"STV_DEFAULT", "STV_PROTECTED"}
        }


def listed(stem: str) -> set[str]:
    lines = (EXPORTS / f"{stem}.txt").read_text(encoding="utf-8").splitlines()
    return {line.strip() for line in lines if re.match(r"[A-Za-z_]", line)}


def stem(path: Path, abi_id: str) -> str:
    """Return the name of the list that speaks of `path`."""
    name = path.name.removeprefix("lib").removesuffix(".so").removesuffix(f"-{abi_id}")
    return "ggml-cpu" if name.startswith("ggml-cpu") else name


def test_exported_symbols_are_the_listed_ones(libraries: Path, abi_id: str) -> None:
    different = {
        path.name: sorted(exported(path) ^ listed(stem(path, abi_id)))
        for path in all_libraries(libraries)
        if exported(path) != listed(stem(path, abi_id))
    }
    assert different == {}


def test_no_library_shows_the_cpp_runtime(libraries: Path) -> None:
    assert {name for path in all_libraries(libraries) for name in exported(path) if CPP_RUNTIME.match(name)} == set()


def test_sonames_of_shared_libraries_carry_the_abi_id(libraries: Path, abi_id: str) -> None:
    found = {path.name: values(path, "DT_SONAME") for path in all_libraries(libraries)}
    shared = {name: sonames for name, sonames in found.items() if not name.startswith("libggml-cpu")}
    assert shared == {
        f"lib{name}-{abi_id}.so": [f"lib{name}-{abi_id}.so"] for name in ("ggml-base", "ggml", "llamapack")
    }


def test_libraries_need_the_system_and_their_neighbours_only(libraries: Path) -> None:
    own = {path.name for path in all_libraries(libraries)}
    foreign = {
        (path.name, name)
        for path in all_libraries(libraries)
        for name in values(path, "DT_NEEDED")
        if name not in own and not SYSTEM.fullmatch(name)
    }
    assert foreign == set()


def test_neighbours_are_looked_for_beside_the_library_only(libraries: Path) -> None:
    paths = {path.name: values(path, "DT_RPATH") + values(path, "DT_RUNPATH") for path in all_libraries(libraries)}
    assert {name: found for name, found in paths.items() if set(found) - {"$ORIGIN"}} == {}


def test_libraries_are_hardened_and_stripped(libraries: Path) -> None:
    problems = {path.name: found for path in all_libraries(libraries) if (found := list(weaknesses(path)))}
    assert problems == {}


def weaknesses(path: Path) -> Iterator[str]:
    with elf(path) as file:
        segments = {segment.header.p_type: segment.header.p_flags for segment in file.iter_segments()}
        sections = {section.name for section in file.iter_sections()}
    if "PT_GNU_RELRO" not in segments:
        yield "no RELRO"
    if segments.get("PT_GNU_STACK", 1) & 1:
        yield "executable stack"
    now = any(int(flags) & 8 for flags in values(path, "DT_FLAGS")) or any(
        int(f) & 1 for f in values(path, "DT_FLAGS_1")
    )
    if not now:
        yield "symbols are bound late"
    if left := sections & {".symtab", ".debug_info", ".debug_line"}:
        yield f"not stripped: {', '.join(sorted(left))}"
