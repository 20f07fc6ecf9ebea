"""The compilers of a build, as data."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """The compilers of a build. Empty commands leave the choice to CMake."""

    c: tuple[str, ...] = ()
    cxx: tuple[str, ...] = ()
    description: str
    needs: tuple[str, ...] = ()
    """Requirement files to install first."""
    flags: Mapping[str, str] = field(default_factory=dict)
    """Variables of the environment that CMake or the compiler reads."""
    defines: Mapping[str, str] = field(default_factory=dict)
    """CMake variables for the other programs of the toolchain."""
    note: str = ""
    """What the user should know about the choice."""
    target: str = ""
    """What zig compiles for, by the matrix's name; other compilers compile for this machine."""

    zig_identity: str = ""
    """How zig is called, in a few letters; empty for other compilers."""

    @property
    def identity(self) -> str:
        """Everything that makes the objects of two toolchains differ, on one line."""
        called = [self.description, *([self.zig_identity] if self.is_zig else []), *self.c, *self.cxx]
        return shlex.join([*called, *(f"{k}={v}" for k, v in self.flags.items())])

    @property
    def is_zig(self) -> bool:
        """True if zig from PyPI is used instead of a compiler of the system."""
        return "zig" in self.needs
