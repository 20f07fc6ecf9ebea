"""Which models are meant: files, and folders with files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from llamapack.errors import InputError, ModelNotFoundError

_LATER_PART = re.compile(r"-(?!00001)\d{5}-of-\d{5}$")
_FIRST_PART = re.compile(r"-00001-of-\d{5}$")
_PROJECTOR = "mmproj"


def find_models(paths: Iterable[Path]) -> dict[str, Path]:
    """Return the models at `paths` by name. In folders, projectors and later parts of split models are no models.

    Raises InputError if two have one name, and ModelNotFoundError for a folder without models.
    """
    found: dict[str, Path] = {}
    for path in (file for each in paths for file in _files(each)):
        name = _FIRST_PART.sub("", path.stem)
        if name in found:
            raise InputError(f"Two models are called {name!r}.", why=f"{found[name]}\n{path}", fix="Rename one.")
        found[name] = path
    return found


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    files = [file for file in sorted(path.glob("*.gguf")) if _is_model(file.stem)]
    if not files:
        raise ModelNotFoundError(f"The folder {path} has no models.", why="It has no files *.gguf of models.")
    yield from files


def _is_model(stem: str) -> bool:
    return _PROJECTOR not in stem.lower() and not _LATER_PART.search(stem)
