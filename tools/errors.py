"""The errors that tools raise on purpose.

ToolError          what went wrong, why, and what to do; the command line prints it and exits 1
  UnavailableError     something is missing on this machine; a Nox session is skipped with this message
"""

from __future__ import annotations

from collections.abc import Collection, Sequence


def shorten(names: Sequence[str], most: int = 10) -> str:
    """Return a list of names for a message: the first few, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def valid(kind: str, values: Collection[str]) -> str:
    """Return a sentence that lists the valid values."""
    return f"Valid {kind}: {', '.join(values) or 'none'}."


def printable(text: str) -> str:
    """Return `text` as it can be printed: bytes of a name that were not UTF-8 are shown as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


class ToolError(Exception):
    """A failure that the user can fix; any other exception is a bug and shows its traceback."""

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        """Keep the three parts apart, so that callers and tests can look at each."""
        self.what = what
        self.why = why
        self.fix = fix
        super().__init__(printable("\n".join(part for part in (what, why, fix) if part)))


class UnavailableError(ToolError):
    """Something that is missing on this machine and cannot be installed by these tools."""
