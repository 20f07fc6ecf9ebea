"""Remove a model from this machine, with all that nothing else uses."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from llamapack.errors import InputError, ModelChoiceError, ModelError, ModelNotFoundError
from llamapack.hub.addresses import downloads_folder
from llamapack.hub.cache import Store
from llamapack.hub.choosing import choose, first_models
from llamapack.hub.kept.listing import models_in
from llamapack.hub.locks import locked
from llamapack.hub.names import aliases
from llamapack.hub.references import AliasReference, HubReference, OllamaReference, PathReference, UrlReference, parse
from llamapack.hub.settings import hub_cache


@dataclass(frozen=True, kw_only=True)
class Removed:
    """What was removed: models by their names, and how many bytes are free again.

    That is less than the size of the models if other commits of their repository use the same files.
    """

    references: tuple[str, ...]
    freed: int


def remove_model(reference: str | os.PathLike[str], *, everything: bool = False) -> Removed:
    """Remove a model that was downloaded; files that anything else uses stay.

    With `everything`, `hf:org/repo` means all models of the repository that are here, and what is left of downloads
    that did not end. Ollama's models and files of your own are not removed: that is an InputError. Raises
    ModelNotFoundError for what is not here, and ModelChoiceError for what could be several models.
    """
    meant = parse(reference)
    if isinstance(meant, HubReference):
        return _from_the_hub(meant, everything=everything)
    if isinstance(meant, UrlReference):
        return _of_an_address(str(reference), meant.sha256)
    if isinstance(meant, PathReference):
        folder = downloads_folder()
        if folder is not None and meant.path.absolute().parent.parent == folder and meant.path.exists():
            return _of_an_address(str(reference), meant.path.absolute().parent.name)
        raise InputError(f"{reference!s} is a file of your own.", fix="Delete it yourself.")
    if isinstance(meant, OllamaReference):
        name = str(meant).removeprefix("ollama:")
        raise InputError(f"{reference!s} belongs to Ollama.", fix=f"Run: ollama rm {name}")
    assert isinstance(meant, AliasReference)
    if meant.name in aliases():
        raise InputError(f"{meant.name} is a name for a model.", fix="Remove the name, or give what it stands for.")
    raise ModelNotFoundError(
        f"There is no model and no name {meant.name} here.", fix="`llamapack list` shows those that there are."
    )


@dataclass(frozen=True, kw_only=True)
class _Target:
    """A model to remove: its commit, what it is called, and its files there."""

    commit: str
    name: str
    files: tuple[str, ...]


def _from_the_hub(meant: HubReference, *, everything: bool) -> Removed:
    store = Store(root=hub_cache(), repository=meant.repository)
    if everything and (meant.tag or meant.file):
        raise InputError(f"{meant} means one model.", fix=f"Name hf:{meant.repository} for all of them.")
    targets = _all(store) if everything else [_one(store, meant)]
    unfinished = list((store.folder / "blobs").glob("*.incomplete*")) if everything else []
    if not targets and not unfinished:
        raise _nothing(store, meant)
    try:
        freed = _remove(store, targets) + sum(_remove_blob(store, path) for path in unfinished)
        if not store.commits() and not any(path.is_file() for path in (store.folder / "blobs").glob("*")):
            shutil.rmtree(store.folder)
    except OSError as error:
        raise ModelError(
            f"{meant} cannot be removed.", why=str(error), fix="End the programs that use it, and try again."
        ) from error
    return Removed(references=tuple(target.name for target in targets), freed=freed)


def _all(store: Store) -> list[_Target]:
    return [target for commit in store.commits() for target in _targets(store, commit)]


def _targets(store: Store, commit: str) -> list[_Target]:
    return [
        _Target(commit=commit, name=str(reference), files=tuple(file.path for file in files))
        for reference, files in models_in(store, commit)
    ]


def _one(store: Store, meant: HubReference) -> _Target:
    commit = store.commit_of(meant.revision)
    here = _targets(store, commit) if commit else []
    if meant.tag or meant.file:
        first = _chosen(store, commit, meant)
        here = [target for target in here if target.files[0] == first]
    if len(here) == 1:
        return here[0]
    if not here:
        raise _nothing(store, meant)
    raise ModelChoiceError(
        f"Several models of {meant.repository} are here.",
        why="\n".join(target.name for target in here),
        fix="Name one of them, or say that all are meant.",
        choices=tuple(target.name for target in here),
    )


def _chosen(store: Store, commit: str | None, meant: HubReference) -> str | None:
    if commit is None:
        return None
    for listing in (store.listing(commit), store.present(commit)):
        with contextlib.suppress(ModelError):
            if listing is not None:
                return choose(meant, listing).model[0].path
    return None


def _nothing(store: Store, meant: HubReference) -> ModelNotFoundError:
    here = ", ".join(target.name for target in _all(store))
    why = f"Of {meant.repository} these are here: {here}." if here else f"The cache is {store.root}."
    return ModelNotFoundError(f"{meant} is not on this machine.", why=why, fix="Check the name.")


def _remove(store: Store, targets: Sequence[_Target]) -> int:
    """Remove models, and return how many bytes that freed."""
    freed = 0
    for target in targets:
        freed += sum(_unlink(store, store.pointer(target.commit, name)) for name in target.files)
    for commit in {target.commit for target in targets}:
        if not first_models(store.present(commit)):  # what is left belonged to them: projectors, drafts
            present = store.present(commit).files
            freed += sum(_unlink(store, store.pointer(commit, file.path)) for file in present)
        _forget_if_empty(store, commit)
    return freed


def _forget_if_empty(store: Store, commit: str) -> None:
    """Remove the folder, the list of files and the revisions of a commit of which nothing is here any more."""
    snapshot = store.pointer(commit, "")
    if any(path.is_symlink() or path.is_file() for path in snapshot.rglob("*")):
        return
    for revision in store.revisions(commit):
        (store.folder / "refs" / revision).unlink()
    (store.folder / "trees" / f"{commit}.json").unlink(missing_ok=True)
    shutil.rmtree(snapshot)


def _unlink(store: Store, pointer: Path) -> int:
    """Remove a file of a commit, and its contents if no other commit has them; return how many bytes that freed."""
    if not pointer.is_symlink():
        size = pointer.stat().st_size
        pointer.unlink()
        return size
    blob = _target(pointer)
    pointer.unlink()
    return _remove_blob(store, blob) if blob.parent == store.folder / "blobs" else 0


def _remove_blob(store: Store, blob: Path) -> int:
    """Remove contents that no commit has; who downloads them at this moment is waited for."""
    with locked(store.lock_of(blob.name.partition(".")[0])):
        pointers = (path for path in (store.folder / "snapshots").rglob("*") if path.is_symlink())
        if not os.path.lexists(blob) or any(_target(pointer) == blob for pointer in pointers):
            return 0
        size = 0 if blob.is_symlink() else blob.stat().st_size  # a link is to huggingface_hub's shared contents
        blob.unlink()
        return size


def _target(pointer: Path) -> Path:
    return Path(os.path.normpath(pointer.parent / pointer.readlink()))


def _of_an_address(reference: str, digest: str) -> Removed:
    folder = downloads_folder()
    place = folder / digest if folder else None
    if folder is None or place is None or not place.is_dir():
        raise ModelNotFoundError(f"{reference} is not on this machine.", fix="Check the address.")
    with locked(folder / ".locks" / f"{digest}.lock"):
        freed = sum(path.stat().st_size for path in place.iterdir())
        shutil.rmtree(place)
    return Removed(references=(reference,), freed=freed)
