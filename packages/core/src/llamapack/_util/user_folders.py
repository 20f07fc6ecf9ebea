"""The user's folders for what can be made again, for what programs remember, and for settings; files of the first."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

CACHE_VARIABLE = "LLAMAPACK_CACHE_DIR"
SETTINGS_VARIABLE = "LLAMAPACK_CONFIG_DIR"


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where systems want files of a kind: a variable and a folder of the home on Windows, macOS and elsewhere."""

    windows: tuple[str, str]
    macos: str
    others: tuple[str, str]

    def folder(self) -> Path | None:
        """Return our folder there; None if there is no home."""
        try:
            home = Path.home()
        except RuntimeError:
            return None
        if sys.platform == "darwin":
            base = home / self.macos
        else:
            variable, beneath = self.windows if sys.platform == "win32" else self.others
            base = Path(os.environ.get(variable) or home / beneath)
        return base.absolute() / "llamapack"


_CACHE = _Place(windows=("LOCALAPPDATA", "AppData/Local"), macos="Library/Caches", others=("XDG_CACHE_HOME", ".cache"))
_STATE = _Place(
    windows=("LOCALAPPDATA", "AppData/Local"),
    macos="Library/Application Support",
    others=("XDG_STATE_HOME", ".local/state"),
)
_SETTINGS = _Place(
    windows=("APPDATA", "AppData/Roaming"), macos="Library/Application Support", others=("XDG_CONFIG_HOME", ".config")
)


def cache_folder(name: str) -> Path | None:
    """Return the folder `name` in LLAMAPACK_CACHE_DIR, or in the system's caches; None if there is no home."""
    folder = _named(CACHE_VARIABLE) or _CACHE.folder()
    return folder and folder / name


def state_folder() -> Path | None:
    """Return the folder for what programs remember of a user, such as what was typed; None if there is no home."""
    return _STATE.folder()


def settings_folder() -> Path | None:
    """Return LLAMAPACK_CONFIG_DIR, or our folder where the system has settings; None if there is no home."""
    return _named(SETTINGS_VARIABLE) or _SETTINGS.folder()


def _named(variable: str) -> Path | None:
    named = os.environ.get(variable)
    return Path(os.path.expanduser(named)).absolute() if named else None  # noqa: PTH111  # Path's raises for ~nobody


def replace_file(path: Path, content: bytes) -> None:
    """Write a file elsewhere in its folder, and move it into place: others see all of it, or what was there before.

    Raises OSError, and leaves nothing behind then.
    """
    new = path.with_name(f".new-{os.getpid()}-{os.urandom(8).hex()}")
    try:
        new.write_bytes(content)
        new.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


def prune(folder: Path, most: int) -> None:
    """Remove the oldest files if there are more than `most`."""
    files: list[tuple[float, Path]] = []
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            files.append((path.stat().st_mtime, path))
    for _, path in sorted(files)[: max(0, len(files) - most)]:
        with contextlib.suppress(OSError):
            path.unlink()
