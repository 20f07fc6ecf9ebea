"""Find ggml libraries that are not llamapack's: in this process, and in the folders in which the system looks.

Ours never mix with them: they are opened by absolute path, and their names carry the ABI id, so the linker takes none
for another. Only if a foreign one put its symbols into the whole process (LD_PRELOAD, or a program linked with it)
would they win over ours; ours are then opened in a way that prefers their own (see `_native.library`).
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from llamapack._native.library import has_global_ggml, library_dir
from llamapack.backends.host.loaded_libraries import loaded_libraries

_GGML = re.compile(r"(lib)?(ggml|llama|llamapack|mtmd)(-[a-z0-9_+-]+)?\.(so(\.[0-9.]+)?|dylib|dll)", re.IGNORECASE)
_VARIABLES = {"win32": "PATH", "darwin": "DYLD_LIBRARY_PATH"}

Where = Literal["process", "everywhere", "library path"]


@dataclass(frozen=True, kw_only=True)
class ForeignLibrary:
    """A ggml that is not ours: loaded in this `process`; its symbols seen `everywhere` in it; or on the `library path`.

    `owner` is the Python package that contains it, if any.
    """

    path: Path
    where: Where
    owner: str | None = None

    def __str__(self) -> str:
        """Return what was found and what it means."""
        of = f" of the package {self.owner}" if self.owner else ""
        meaning = {
            "process": "is loaded in this process; llamapack uses its own and both work",
            "everywhere": "is seen by every library of this process; llamapack prefers its own and both work",
            "library path": "is where the system looks for libraries; llamapack does not use it",
        }
        return f"{self.path}{of} {meaning[self.where]}"


def find_foreign(own: Sequence[Path] = ()) -> tuple[ForeignLibrary, ...]:
    """List the ggml libraries that are neither core's nor in one of the folders `own`, those of the plug-ins."""
    ours = [library_dir(), *(folder.resolve() for folder in own)]
    loaded = list(_foreign(loaded_libraries(), ours))
    everywhere: set[Path] = set(_bases(loaded)) if loaded and has_global_ggml() else set()
    found: list[tuple[Path, Where]] = [(path, "everywhere" if path in everywhere else "process") for path in loaded]
    found += [(path, "library path") for path in _foreign(_on_library_path(), ours) if path not in loaded]
    return tuple(ForeignLibrary(path=path, where=where, owner=_owner(path)) for path, where in found)


def _foreign(paths: Iterable[Path], ours: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if _GGML.fullmatch(path.name) and path.resolve().parent not in ours:
            yield path


def _bases(paths: Iterable[Path]) -> list[Path]:
    """Return those that hold ggml's own functions: one of them is what the process sees."""
    paths = list(paths)
    return [path for path in paths if "ggml-base" in path.name] or paths


def _on_library_path() -> Iterator[Path]:
    for folder in os.environ.get(_VARIABLES.get(sys.platform, "LD_LIBRARY_PATH"), "").split(os.pathsep):
        try:
            yield from sorted(Path(folder).iterdir()) if folder else ()
        except OSError:
            continue


def _owner(path: Path) -> str | None:
    """Return the Python package that `path` lies in: the folder below `site-packages`."""
    parts = path.parts
    for marker in ("site-packages", "dist-packages"):
        if marker in parts[:-2]:
            return parts[parts.index(marker) + 1].removesuffix(".libs")
    return None
