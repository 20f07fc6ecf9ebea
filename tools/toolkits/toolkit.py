"""The data of a kit: what a backend is compiled with beside a compiler, such as an SDK and a list of architectures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.compilers.toolchain import Toolchain


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """How to run a build that cannot run on this machine directly, such as in a root folder of another release."""

    command: Callable[[Sequence[str], Mapping[str, str], Path], list[str]]
    """Make the command line that runs a program there, with these variables, in this folder of the checkout."""
    python: str
    """The interpreter there."""
    path: str
    """What PATH is there."""


@dataclass(frozen=True, kw_only=True)
class Kit:
    """What a plug-in is compiled with beside a compiler."""

    inputs: Mapping[str, str]
    """What identifies it, by the words for it in the message that it has changed."""
    defines: Mapping[str, str] = field(default_factory=dict)
    """CMake variables."""
    languages: tuple[str, ...] = ()
    """CMake's names of the languages beside C and C++, whose objects the compiler cache keeps as well."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Of the environment, for CMake and the compilers."""
    toolchain: Toolchain | None = None
    """The compilers, where those of this machine will not do."""
    note: str = ""
    """What whoever gets the wheel must know, each time."""
    linker: Toolchain | None = None
    """What links the plug-in for the oldest system of the matrix, where the compilers would link for this machine's."""
    elsewhere: Elsewhere | None = None
    """Where it is compiled, if not on this machine itself."""
