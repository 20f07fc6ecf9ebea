"""The keys of the doctor's report: those in a report, and those that its page documents."""

from __future__ import annotations

import re
from typing import Any

from tools.paths import ROOT

PAGE = ROOT / "docs" / "reference" / "doctor.md"


def documented() -> set[str]:
    """Return the keys that the page documents, as paths."""
    return set(re.findall(r"^\| `([a-z0-9_.\[\]]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))


def paths(value: Any, prefix: str = "") -> set[str]:
    """Return the keys of a report, as paths; maps with arbitrary keys count as one."""
    found: set[str] = set()
    for key, each in value.items():
        path = f"{prefix}{key}"
        if isinstance(each, list) and each and isinstance(each[0], dict):
            found |= paths(each[0], f"{path}[].")
        elif isinstance(each, dict) and key != "variables":
            found |= paths(each, f"{path}.")
        else:
            found.add(path)
    return found


def undocumented(report: dict[str, Any]) -> set[str]:
    """Return the keys of a report that the page does not document; values that are empty or null need no subkeys."""
    known = documented()
    found = {path.replace("cpu.probe.devices[].", "backends[].devices[].") for path in paths(report)}
    return {path for path in found - known if not any(each.startswith((f"{path}.", f"{path}[].")) for each in known)}
