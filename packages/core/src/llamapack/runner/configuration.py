"""What a runner is told: options, libraries, and where to listen."""

from __future__ import annotations

import json
import logging
import os
import secrets
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llamapack._native.log import log_level_number, logger
from llamapack.backends.cpu import CpuChoice, choose_cpu
from llamapack.backends.loading import choose_backends
from llamapack.backends.selection.decisions import Choice
from llamapack.backends.selection.request import read_request
from llamapack.engine.setup import checked_options
from llamapack.runner.connection import LOOPBACK, Address

_SOCKET = "runner.sock"
_HARDWARE = ("backends", "devices", "require_gpu", "cpu_level")
_LONGEST_SOCKET = 100  # bytes; systems take 104 or 108


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A model with its options, and what it is to run on: the same for each process that is started for it."""

    path: Path
    cpu: CpuChoice
    choice: Choice
    options: Mapping[str, object]
    libraries: tuple[Path, ...]
    preload: tuple[Path, ...]
    folder: Path | None
    media_mark: str

    def environment(self) -> dict[str, str]:
        """Return the variables of the process. Prompts with media go on in the next one, so the mark stays."""
        return {**os.environ, "LLAMA_MEDIA_MARKER": self.media_mark}

    def configuration(self, key: str, place: Path | None, *, ask: bool) -> bytes:
        """Return the line that a process reads first; `place` is what `socket_folder` returned.

        With `ask`, it says what memory the model will take, and waits for the word to load it.
        """
        told = {
            "options": {"model": str(self.path), **self.options},
            "libraries": [str(path) for path in self.libraries],
            "preload": [str(path) for path in self.preload],
            "host": LOOPBACK if place is None else str(place / _SOCKET),
            "own_folder": place is not None,
            "api_key": key,
            "ask": ask,
            "log_level": log_level_number(min(logger.getEffectiveLevel(), logging.WARNING)),
        }
        return json.dumps(told).encode() + b"\n"


def wanted_of(
    path: Path,
    options: Mapping[str, object],
    *,
    backends: str | Sequence[str] | None = None,
    devices: Sequence[str] | None = None,
    require_gpu: bool = False,
    cpu_level: str | None = None,
) -> Wanted:
    """Check all that can be checked before a process is started; the arguments are those of Engine."""
    told = checked_options(path, options)
    cpu = choose_cpu(cpu_level)
    used = choose_backends(read_request(backends, devices, require_gpu, os.environ), cpu.level.path)
    if used.devices is not None:
        told["device"] = ",".join(used.devices) or "none"
    return Wanted(
        path=path.absolute(),
        cpu=cpu,
        choice=used.choice,
        options=told,
        libraries=(cpu.level.path, *used.libraries),
        preload=used.preload,
        folder=_current_folder(),
        media_mark=f"<__media_{secrets.token_hex(16)}__>",
    )


def wanted_for(path: Path, options: Mapping[str, Any]) -> Wanted:
    """Do the same with all arguments of Engine together, but for `progress`."""
    told = {name: value for name, value in options.items() if name not in (*_HARDWARE, "progress")}
    return wanted_of(path, told, **{name: options[name] for name in _HARDWARE if name in options})


def socket_folder() -> Path | None:
    """Make a folder for a Unix socket, which only this user can enter; None where a port has to do."""
    if sys.platform == "win32":
        return None
    try:
        place = Path(tempfile.mkdtemp(prefix="llamapack-runner-"))
    except OSError:
        return None
    if len(os.fsencode(place / _SOCKET)) <= _LONGEST_SOCKET:
        return place
    place.rmdir()
    return None


def _current_folder() -> Path | None:
    """Return the folder that relative paths are in, in a process that is started later, too; None if it is gone."""
    try:
        return Path.cwd()
    except OSError:
        return None


def address_of(text: str, key: str) -> Address:
    """Return the address that a process says it listens at."""
    kind, _, place = text.partition("://")
    if kind == "unix":
        return Address(key=key, file=place)
    return Address(key=key, port=int(place.rpartition(":")[2]))
