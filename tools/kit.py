"""What a backend's wheel is compiled with beside a compiler: a toolkit, an SDK, a list of architectures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Kit:
    """What a plug-in is compiled with beside a compiler."""

    inputs: Mapping[str, str]
    """What identifies it, by the words for it in the message that it has changed."""
    defines: Mapping[str, str] = field(default_factory=dict)
    """CMake variables."""
    languages: tuple[str, ...] = ()
    """CMake's names of the languages beside C and C++, whose objects the compiler cache keeps as well."""
