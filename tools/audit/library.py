"""What the audit knows of one library, whatever its format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Code:
    """Machine code as it lies in memory: where it begins, and its bytes."""

    address: int
    content: bytes

    def has(self, address: int) -> bool:
        """Return True if `address` is in this code."""
        return self.address <= address < self.address + len(self.content)


@dataclass(frozen=True, kw_only=True)
class Library:
    """A shared library or module, or a program: `system` is the first word of its target, `machine` the second."""

    path: Path
    system: str
    machine: str
    needed: tuple[str, ...] = ()
    soname: str = ""
    """The name under which others ask for it: soname, install name, or the name in the export table."""
    run_paths: tuple[str, ...] = ()
    exports: frozenset[str] = frozenset()
    apart: frozenset[str] = frozenset()
    """What it may show beside its list, as no other library comes to call it."""
    imports: frozenset[str] = frozenset()
    versions: frozenset[str] = frozenset()
    """What it needs of versioned libraries, as GLIBC_2.17."""
    marks: frozenset[str] = frozenset()
    """What the linker did: relro, now, nx, text relocations, two-level names."""
    sections: frozenset[str] = frozenset()
    minimum_os: str = ""
    code: tuple[Code, ...] = ()
    functions: frozenset[int] = frozenset()
    """Where functions begin, as far as the file tells."""
    entries: Mapping[str, int] = field(default_factory=dict)
    """What runs when it is loaded or scored: a name for each address."""

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    @property
    def is_program(self) -> bool:
        """True if it is run, and not loaded."""
        return self.path.suffix in ("", ".exe")


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a library is checked against: its neighbours, its symbols, its instructions, and the oldest systems."""

    abi_id: str
    own: frozenset[str]
    """The libraries of the same wheel, and of the core if this is a plug-in."""
    exports: Mapping[str, frozenset[str]]
    """The exports of each library, by its stem: ggml-base, ggml, llamapack, ggml-cpu."""
    levels: Mapping[str, tuple[str, ...]]
    """ggml's flags of each library that is chosen by its score, by the library's file name."""
    floors: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """The newest symbol versions that the wheel's tag allows; empty if it has no limit."""
    places: tuple[str, ...] = ()
    """Folders of this machine whose names must not be in a library."""
    module: str = ""
    """The file name of a plug-in's library, which nobody links with."""
    run_paths: frozenset[str] = frozenset()
    """Where a plug-in looks for what is not in its wheel, from its own folder."""

    def stem(self, library: Library) -> str:
        """Return the name of the list of exports for `library`."""
        name = library.name.partition(".")[0].removesuffix(f"-{self.abi_id}")
        name = name.removeprefix("lib") if library.system != "windows" else name
        return "ggml-cpu" if library.name in self.levels else name


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A rule that a library or wheel breaks: what was found, and how to fix it."""

    rule: str
    file: str
    what: str
    fix: str

    def __str__(self) -> str:
        """Return the finding as a message."""
        return f"{self.file}: {self.what} ({self.rule})\n    {self.fix}"
