"""Find the files that a reference stands for, and download those that are missing."""

from __future__ import annotations

import os
from pathlib import Path

from llamapack import gguf
from llamapack.errors import DownloadError, ModelNotFoundError
from llamapack.hub.files import ModelFiles
from llamapack.hub.progress import Progress
from llamapack.hub.references import AliasReference, PathReference, parse


def resolve(
    reference: str | os.PathLike[str],
    *,
    offline: bool | None = None,
    download: bool = True,
    token: str | None = None,
    progress: Progress | None = None,
) -> ModelFiles:
    """Return the files of the model that `reference` stands for: a path, or a name as `parse` knows them.

    Files that are here already are used without a network. Others are downloaded, unless `download` is False. With
    `offline`, nothing is asked of any server; None takes what the variable HF_HUB_OFFLINE says. `token` is for
    repositories that need one; None takes HF_TOKEN, or the one that `hf auth login` has stored. `progress` is called
    with the name of a file, its bytes that are here, and its bytes in all.

    Raises InputError for a reference that is wrong, ModelNotFoundError for one that stands for nothing,
    ModelChoiceError for one that stands for several models, ModelFormatError for a file that is no model, and
    DownloadError if a file cannot be got.
    """
    found = parse(reference)
    if isinstance(found, PathReference):
        return _of_path(os.fspath(reference), found.path)
    if isinstance(found, AliasReference):
        raise ModelNotFoundError(
            f"There is no file {found.name}.", why=f"Python looked from {Path.cwd()}.", fix="Check the path."
        )
    raise DownloadError(f"{reference!s} cannot be resolved yet.", fix="Name a file.")


def _of_path(reference: str, path: Path) -> ModelFiles:
    return ModelFiles(reference=reference, path=path, parts=gguf.read(path).paths)
