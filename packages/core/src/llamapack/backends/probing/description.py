"""What a plug-in says of itself, as this process knows it: remembered, checked, or read from its file.

No module of a plug-in is ever imported by the process that uses it; `ask` has a child process do that.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from llamapack.backends.contract import DESCRIPTION, BackendPlugin, plugin_from_data, read_plugin
from llamapack.backends.plugins.discovery import check_plugin, reject
from llamapack.backends.plugins.entry_points import EntryPoint, core_version, search_path
from llamapack.backends.probing.cache import CacheFile
from llamapack.backends.probing.fingerprint import ASK_PROGRAM, Key, driver_variables, file_mark, python_name
from llamapack.backends.probing.verdict_cache import SECONDS_FOR_TIMEOUTS
from llamapack.backends.verdicts import Fault, Verdict
from llamapack.errors import InstallationError


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a plug-in says of itself, or a verdict on it if it says nothing that can be used; and what it printed."""

    outcome: BackendPlugin | Verdict
    output: str = ""


def description_file(entry: EntryPoint, folder: Path | None) -> CacheFile:
    """Return the file that remembers the description; its key is what that depends on beside the plug-in's files."""
    key: Key = {
        "entry": {**vars(entry)},
        "metadata": file_mark(os.path.join(entry.folder, "entry_points.txt")),  # noqa: PTH118  # a Path for it is slow
        "program": file_mark(ASK_PROGRAM),
        "llamapack": core_version(),
        "python": python_name(),
        "environment": driver_variables(),
    }
    return CacheFile.of("plugin", key, folder)


def read_description(entry: EntryPoint, file: CacheFile) -> Description | None:
    """Return what is remembered: a description, or for a while that the plug-in took too long."""
    cached = file.read()
    if cached is None:
        return None
    try:
        data, output = cached.content["plugin"], str(cached.content["output"])
        if data is not None:
            return checked(entry, data, output)
        timely = 0 <= cached.age < SECONDS_FOR_TIMEOUTS
        return rejected(entry, Fault.TIMEOUT, str(cached.content["reason"]), output) if timely else None
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def remember_description(file: CacheFile, data: dict[str, Any], output: str, files: Sequence[str]) -> None:
    """Remember the description in `data` until one of the `files` that it depends on changes."""
    plugin = plugin_from_data(data)
    own = (plugin.library.parent / DESCRIPTION, plugin.library, *plugin.preload)
    file.write({"plugin": data, "output": output}, dict.fromkeys((*files, *map(str, own))))


def remember_timeout(file: CacheFile, reason: str, output: str, files: Sequence[str]) -> None:
    """Remember for a while that the plug-in took too long, until one of its `files` changes."""
    file.write({"plugin": None, "reason": reason, "output": output}, files)


def checked(entry: EntryPoint, data: dict[str, Any], output: str = "") -> Description:
    """Return the description in `data` if it can be used; raises as `plugin_from_data` does."""
    outcome = check_plugin(entry, plugin_from_data(data))
    return Description(
        outcome=replace(outcome, output=output) if isinstance(outcome, Verdict) else outcome, output=output
    )


def rejected(entry: EntryPoint, fault: Fault, what: str, output: str = "") -> Description:
    """Return that the plug-in cannot be used, and why."""
    return Description(outcome=replace(reject(entry, fault, what), output=output), output=output)


def read_from_file(entry: EntryPoint, fault: Fault, reason: str, remedy: str = "") -> Description:
    """Read `lib/backend.json` beside the plug-in's module, which is not imported: for `reason` nobody can be asked."""
    module = entry.value.partition(":")[0].strip().split(".")
    bases = (os.path.dirname(entry.folder), *search_path())  # noqa: PTH120  # Path.is_file raises for what is no path
    files = (os.path.join(base, *module, "lib", DESCRIPTION) for base in bases)  # noqa: PTH118
    file = next(filter(os.path.isfile, files), None)
    if file is None:
        verdict = reject(entry, fault, f"it could not be asked for its description: {reason}")
        return Description(outcome=replace(verdict, remedy=remedy))
    try:
        return Description(outcome=check_plugin(entry, read_plugin(Path(file).parent)))
    except InstallationError as error:
        return rejected(entry, Fault.WRONG_TYPE, f"{error.what} {error.why}")
