"""The models in the cache, in llamapack's own folder of downloads, and in Ollama's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from llamapack.errors import ModelError
from llamapack.hub import ollama
from llamapack.hub.addresses import downloads_folder
from llamapack.hub.cache import Store, stores
from llamapack.hub.choosing import choose, first_models, label_of
from llamapack.hub.listing import Listing, RepositoryFile
from llamapack.hub.names import aliases
from llamapack.hub.references import (
    DEFAULT_REVISION,
    HubReference,
    OllamaReference,
    PathReference,
    Reference,
    UrlReference,
    parse,
)
from llamapack.hub.settings import hub_cache

Place = Literal["hub", "address", "ollama"]


@dataclass(frozen=True, kw_only=True)
class KeptModel:
    """A model on this machine: what to call it, its files and their size in bytes, and the user's names for it.

    `place` is whose folder it is in: the cache of hubs, llamapack's own for addresses, or Ollama's. `downloaded` is
    when its first file was written, in seconds since 1970.
    """

    reference: str
    place: Place
    parts: tuple[Path, ...]
    size: int
    downloaded: float
    aliases: tuple[str, ...] = ()


def kept_models() -> list[KeptModel]:
    """Return all models that are here, whole, by their names."""
    meanings = {name: parse(text) for name, text in aliases().items()}
    found = [*_of_the_hub(meanings), *_of_addresses(meanings), *_of_ollama(meanings)]
    return sorted(found, key=lambda model: model.reference.lower())


def models_in(store: Store, commit: str) -> Iterator[tuple[HubReference, tuple[RepositoryFile, ...]]]:
    """Yield the models of a commit that are here, with their parts."""
    present = store.present(commit)
    known = store.listing(commit) or present
    revision = _revision(store, commit)
    for first in first_models(present):
        exact = HubReference(repository=store.repository, file=first.path, revision=revision)
        with contextlib.suppress(ModelError):  # not all parts are here
            yield _shortest(exact, known, first), choose(exact, present).model


def _revision(store: Store, commit: str) -> str:
    names = sorted(store.revisions(commit), key=lambda name: (name != DEFAULT_REVISION, name))
    return names[0] if names else commit


def _shortest(exact: HubReference, listing: Listing, first: RepositoryFile) -> HubReference:
    """Return a reference with a tag, if that means the same file."""
    tagged = HubReference(repository=exact.repository, tag=label_of(first.path), revision=exact.revision)
    with contextlib.suppress(ModelError):
        if tagged.tag and choose(tagged, listing).model[0].path == first.path:
            return tagged
    return exact


def _of_the_hub(meanings: dict[str, Reference]) -> Iterator[KeptModel]:
    for store in stores(hub_cache()):
        for commit in store.commits():
            known = store.listing(commit) or store.present(commit)
            for reference, files in models_in(store, commit):
                parts = tuple(store.pointer(commit, file.path) for file in files)
                names = (name for name, meant in meanings.items() if _means(meant, reference, known, files[0].path))
                yield _model(str(reference), "hub", parts, names)


def _means(meant: Reference, reference: HubReference, known: Listing, path: str) -> bool:
    """Return whether a reference means the model at `path`, of those that its repository is known to have."""
    if not isinstance(meant, HubReference) or meant.repository != reference.repository:
        return False
    if meant.revision != reference.revision:
        return False
    with contextlib.suppress(ModelError):
        return choose(meant, known).model[0].path == path
    return False


def _of_addresses(meanings: dict[str, Reference]) -> Iterator[KeptModel]:
    folder = downloads_folder()
    for path in sorted(folder.glob("*/*.gguf")) if folder else ():
        names = (
            name
            for name, meant in meanings.items()
            if (isinstance(meant, UrlReference) and meant.sha256 == path.parent.name)
            or (isinstance(meant, PathReference) and meant.path == path)
        )
        yield _model(str(path), "address", (path,), names)


def _of_ollama(meanings: dict[str, Reference]) -> Iterator[KeptModel]:
    seen = set[OllamaReference]()
    for reference in (each for folder in ollama.folders() for each in ollama.references(folder)):
        if reference not in seen:
            seen.add(reference)
            with contextlib.suppress(ModelError):  # not all of it is there
                files = ollama.find(str(reference), reference)
                names = (name for name, meant in meanings.items() if meant == reference)
                yield _model(str(reference), "ollama", files.parts, names)


def _model(reference: str, place: Place, parts: tuple[Path, ...], names: Iterator[str]) -> KeptModel:
    return KeptModel(
        reference=reference,
        place=place,
        parts=parts,
        size=sum(path.stat().st_size for path in parts),
        downloaded=parts[0].stat().st_mtime,
        aliases=tuple(sorted(names)),
    )
