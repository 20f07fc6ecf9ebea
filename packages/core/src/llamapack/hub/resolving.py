"""Find the files that a reference stands for, and download those that are missing."""

from __future__ import annotations

import os
from pathlib import Path

from llamapack import gguf
from llamapack.errors import ModelNotFoundError
from llamapack.hub import addresses, ollama, repositories
from llamapack.hub.files import ModelFiles
from llamapack.hub.names import aliases
from llamapack.hub.progress import Progress
from llamapack.hub.references import (
    AliasReference,
    HubReference,
    OllamaReference,
    PathReference,
    Reference,
    UrlReference,
    parse,
)
from llamapack.hub.settings import check_token, is_offline, seconds


def resolve(
    reference: str | os.PathLike[str],
    *,
    offline: bool | None = None,
    download: bool = True,
    projector: bool = True,
    draft: bool = False,
    token: str | None = None,
    anyway: bool = False,
    progress: Progress | None = None,
) -> ModelFiles:
    """Return the files of the model that `reference` stands for: a path, or a name as `parse` knows them.

    What is in the cache is used, and no server is asked. The rest is downloaded, with the model's projector unless
    `projector` is False, and with its draft model if `draft` is True. With `download=False` the hub is asked what it
    has, and what is missing is an error. With `offline=True` no server is asked; `offline=False` asks the hub for what
    is newest; None does what is said above, and is as True if HF_HUB_OFFLINE is set. `token` is for repositories that
    need one; None takes HF_TOKEN, or the one that `hf auth login` stored. What is larger than all memory of this
    machine is not downloaded, unless `anyway` is True.

    Raises InputError for a reference that is wrong, ModelNotFoundError for one that stands for nothing,
    ModelChoiceError for one that stands for several models, ModelFormatError for a file that is no model,
    ModelMemoryError for one that is too large, and DownloadError if a file cannot be got.
    """
    text, meant = os.fspath(reference), meaning(reference)
    if isinstance(meant, PathReference):
        return _one(text, meant.path)
    if isinstance(meant, OllamaReference):
        return ollama.find(text, meant)
    may_ask = asking(offline)
    if isinstance(meant, UrlReference):
        ask = download and may_ask is not False
        return _one(text, addresses.find(meant, ask=ask, seconds=seconds(), progress=progress))
    wanted = repositories.Wanted(
        ask=may_ask,
        download=download,
        projector=projector,
        draft=draft,
        token=check_token(token) if token else None,
        progress=progress,
        anyway=anyway,
    )
    return repositories.find(text, meant, wanted)


def asking(offline: bool | None) -> bool | None:
    """Return whether servers are to be asked; None for what is missing only."""
    if offline is None:
        return False if is_offline() else None
    return not offline


def meaning(reference: str | os.PathLike[str]) -> PathReference | HubReference | OllamaReference | UrlReference:
    """Return what a reference means; names of the user's list are looked up. Raises as `resolve` does."""
    meant = parse(reference)
    return _named(meant) if isinstance(meant, AliasReference) else meant


def _named(alias: AliasReference) -> PathReference | HubReference | OllamaReference | UrlReference:
    names = aliases()
    if alias.name not in names:
        known = f" Your names: {', '.join(sorted(names))}." if names else ""
        raise ModelNotFoundError(
            f"There is no file {alias.name}.",
            why=f"Python looked from {Path.cwd()}.{known}",
            fix="Check the path. A model on the hub is named hf:org/repo.",
        )
    meant: Reference = parse(names[alias.name])
    if isinstance(meant, AliasReference):
        raise ModelNotFoundError(
            f"The name {alias.name} stands for {meant.name}, which is nothing.", fix="Set it again."
        )
    return meant


def _one(text: str, path: Path) -> ModelFiles:
    return ModelFiles(reference=text, path=path, parts=gguf.read(path).paths)
