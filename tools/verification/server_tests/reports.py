"""Read how the tests of a run ended, as tests/support/upstream_server/plugin.py has written it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError

LEFT_OUT = "left out"
PROGRAMS = ("llama-server", "llamapack-runner", "llamapack serve")
"""What the tests are run against; the first is the one that the others are compared with."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How one test ended.

    `name` is its file, its function, and the number of the case where there are several. `outcome` is passed, failed,
    skipped (by the test itself), or left out (by us). `line` is where it failed, and `why` how the message begins.
    """

    name: str
    outcome: str
    line: int = 0
    why: str = ""

    @property
    def file(self) -> str:
        """The file that it is in."""
        return self.name.partition("::")[0]


Report = Mapping[str, Ended]


def read_report(path: Path) -> Report:
    """Return the tests by name; a test that fails again when it is torn down is reported once, as failed."""
    found: dict[str, Ended] = {}
    for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        row = json.loads(text)
        ended = Ended(name=row["test"], outcome=row["outcome"], line=row.get("line", 0), why=row.get("why", ""))
        if ended.name not in found or ended.outcome == "failed":
            found[ended.name] = ended
    if not found:
        raise ToolError("llama.cpp's tests were not run.", why="Their report is empty.", fix="Their log says why.")
    return found
