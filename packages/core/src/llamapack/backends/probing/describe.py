"""Describe plug-ins: from what is remembered, or else by asking them in child processes.

A plug-in's description comes from a function of its own, and importing that may do anything: end the process, hang,
print, change signal handlers or the environment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from llamapack.backends.plugins.entry_points import EntryPoint
from llamapack.backends.probing.cache import recall_or_learn, verdicts_folder
from llamapack.backends.probing.description import Description, description_file, read_description, read_from_file
from llamapack.backends.probing.options import VARIABLE, probe_mode, probe_seconds
from llamapack.backends.verdicts import Fault

if TYPE_CHECKING:  # imported only when a process has to be started
    from llamapack.backends.children.launch import Run


def describe_plugins(
    entries: Sequence[EntryPoint], *, mode: str | None = None, seconds: float | None = None, run: Run | None = None
) -> tuple[Description, ...]:
    """Return the description of each plug-in; asking those that are not remembered takes `seconds` at most.

    `mode` is as for `probe`: "never" starts no process, and reads `lib/backend.json` beside the plug-in's module if
    nothing is remembered. `run` starts the processes (`run_children`). Raises InputError for another mode.
    """
    mode, seconds = probe_mode(mode), probe_seconds(seconds)
    folder = verdicts_folder()
    files = {entry: description_file(entry, folder) for entry in entries}

    def learn(unknown: Sequence[EntryPoint]) -> dict[EntryPoint, Description]:
        from llamapack.backends.probing.ask import ask_plugins

        return ask_plugins({entry: files[entry] for entry in unknown}, seconds, run)

    known = recall_or_learn(files, read_description, learn, mode=mode, seconds=seconds)
    reason = f"{VARIABLE} is never, and nothing is known from before"
    return tuple(known.get(entry) or read_from_file(entry, Fault.NOT_ASKED, reason) for entry in entries)
