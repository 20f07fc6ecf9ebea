"""What a plug-in is run on when it is proven."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tools.platforms.host import How
from tools.toolkits.toolkit import Kit
from tools.util.live import Say


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A device, a program that stands in for one, or nothing."""

    how: How
    by: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What leads the plug-in there."""
    lacking: str = ""
    """Why nothing runs here; empty where something does."""
    kit: Callable[[Say], Kit] | None = None
    """What the wheel is compiled with, where that depends on the device."""
    words: tuple[str, ...] = ()
    """The session's words that chose it."""
    packaging: Mapping[str, str] = field(default_factory=dict)
    """What the tests that look into the wheel are told."""
