"""Which models are meant: files, folders with files, and models by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from llamapack.errors import InputError, ModelNotFoundError
from llamapack.model.finding import FoundModel, find_model, is_name

_LATER_PART = re.compile(r"-(?!00001)\d{5}-of-\d{5}$")
_FIRST_PART = re.compile(r"-00001-of-\d{5}$")
_PROJECTOR = "mmproj"


def find_models(references: Iterable[str | Path]) -> dict[str, FoundModel]:
    """Return models by what they are called; those that are given by name are downloaded, with their projectors.

    In folders, projectors and later parts of split models are no models. Raises InputError if two are called the same,
    ModelNotFoundError for a folder without models, and what `llamapack.hub.resolve` raises.
    """
    found: dict[str, FoundModel] = {}
    for called, model in (each for reference in references for each in _find(reference)):
        if called in found:
            why = f"{found[called].path}\n{model.path}"
            raise InputError(f"Two models are called {called!r}.", why=why, fix="Rename one.")
        found[called] = model
    return found


def find_named(reference: str) -> FoundModel:
    """Return the files of a model that is given by name, with the projector if that fits."""
    found = find_model(reference)
    if found.projector is None:
        return found
    from llamapack.llama.projectors import choose_projector  # 16 MB that a server of files does not need

    return replace(found, projector=choose_projector(found.path, None, shifts=False, came_with=found.projector).path)


def _find(reference: str | Path) -> Iterator[tuple[str, FoundModel]]:
    if isinstance(reference, str) and is_name(reference):
        found = find_named(reference)
        yield _called(reference, found.path), found
        return
    for path in _files(Path(reference)):
        yield _plain(path), FoundModel(path=path)


def _called(reference: str, path: Path) -> str:
    """Return what clients call a model that is given by name: its own name, or that of its file."""
    kind, _, rest = reference.partition(":")
    if kind == "ollama":
        return rest.removesuffix(":latest")
    return _plain(path) if kind in ("hf", "http", "https") else reference


def _plain(path: Path) -> str:
    return _FIRST_PART.sub("", path.stem)


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
