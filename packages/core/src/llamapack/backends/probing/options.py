"""How plug-ins and CPU levels are tried: the variables LLAMAPACK_PROBE and LLAMAPACK_PROBE_SECONDS."""

from __future__ import annotations

import os
import sys

from llamapack.errors import InputError

VARIABLE = "LLAMAPACK_PROBE"
SECONDS_VARIABLE = "LLAMAPACK_PROBE_SECONDS"
MODES = ("always", "cached", "never")
SECONDS = 90.0 if sys.platform == "win32" else 30.0


def probe_mode(mode: str | None = None) -> str:
    """Return `mode`, or if it is None what LLAMAPACK_PROBE says; raises InputError if that is not one of MODES."""
    source = "mode"
    if mode is None:
        mode, source = os.environ.get(VARIABLE) or "cached", VARIABLE
    if mode not in MODES:
        raise InputError(f"{source} is {mode!r}, which is not a mode.", fix=f"Use one of: {', '.join(MODES)}.")
    return mode


def probe_seconds(seconds: float | None = None) -> float:
    """Return `seconds`, or if it is None how long LLAMAPACK_PROBE_SECONDS lets a child process take.

    Raises InputError if that is not a number above 0 and below 3600.
    """
    if seconds is not None:
        return seconds
    named = os.environ.get(SECONDS_VARIABLE)
    if not named:
        return SECONDS
    try:
        seconds = float(named)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 3600:
        raise InputError(f"{SECONDS_VARIABLE} is {named!r}.", fix="Use a number of seconds, above 0 and below 3600.")
    return seconds
