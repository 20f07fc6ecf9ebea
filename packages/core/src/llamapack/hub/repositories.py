"""Files of the hub's repositories: those in the cache first, and the others downloaded into it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from llamapack.errors import DownloadError, ModelError, ModelNotFoundError
from llamapack.gguf.parser import Header
from llamapack.hub.asking import address, ask
from llamapack.hub.cache import Store
from llamapack.hub.choosing import Selection, choose, first_models, is_default
from llamapack.hub.files import ModelFiles
from llamapack.hub.listing import Listing, RepositoryFile
from llamapack.hub.locks import locked
from llamapack.hub.machine import check_fits
from llamapack.hub.previewing import header_bytes, preview
from llamapack.hub.progress import Progress
from llamapack.hub.references import HubReference
from llamapack.hub.settings import endpoint, find_token, hub_cache, seconds
from llamapack.hub.transfer import hub_client
from llamapack.hub.transfer.downloading import Source, bytes_here, check_space, download, total_missing, verify
from llamapack.hub.transfer.transport import Transport

logger = logging.getLogger("llamapack.hub")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is wanted of a repository, and how: with its projector, with its draft, what may be asked and downloaded.

    `ask` is None to ask the hub only if the cache has not everything. `anyway` downloads what this machine cannot hold.
    """

    ask: bool | None
    download: bool
    projector: bool
    draft: bool
    token: str | None
    progress: Progress | None
    anyway: bool

    def of(self, selection: Selection) -> tuple[RepositoryFile, ...]:
        """Return the files that are wanted."""
        extra = (selection.projector if self.projector else None, selection.draft if self.draft else None)
        return (*selection.model, *(file for file in extra if file is not None))


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A model on the hub: its header, that of its first part, and the size of all parts."""

    header: Header
    parts: int
    size: int


def look(reference: HubReference) -> Remote:
    """Read the header of a model on the hub; raises what `find` does."""
    hub, transport, listing = _connected(reference)
    parts = choose(reference, listing).model
    found = preview(_source(listing, parts[0], hub), transport)
    assert found is not None  # the hub tells sizes
    return Remote(header=found.header, parts=len(parts), size=sum(file.size for file in parts))


def copy_headers(text: str, reference: HubReference, folder: Path, *, projector: bool) -> ModelFiles:
    """Write the headers of a model on the hub to files of its length in `folder`; raises what `find` does."""
    hub, transport, listing = _connected(reference)
    selection = choose(reference, listing)
    first, *others = selection.model
    checked = preview(_source(listing, first, hub), transport)
    assert checked is not None  # the hub tells sizes
    sight = selection.projector if projector else None

    def copied(file: RepositoryFile, header: bytes | None = None) -> Path:
        path = folder / Path(file.path).name
        header = header_bytes(_source(listing, file, hub), transport) if header is None else header
        try:
            with path.open("xb") as output:
                output.write(header)
                output.truncate(file.size)
        except OSError as error:
            raise ModelError(
                f"{file.path} cannot be measured.",
                why=f"It has {file.size:,} bytes, and {folder} takes no file of that length, not even an empty one: "
                f"{error.strerror}.",
                fix="Name another model, or set TMPDIR to a folder on a disk for large files.",
            ) from error
        return path

    parts = (copied(first, checked.data), *map(copied, others))
    return ModelFiles(reference=text, path=parts[0], parts=parts, projector=copied(sight) if sight else None)


def choices(reference: HubReference) -> list[tuple[str, int]]:
    """Return the models of a repository, as references, and their sizes; raises DownloadError."""
    _, _, listing = _connected(reference)
    found = []
    for first in first_models(listing):
        each = replace(reference, file=first.path)
        found.append((str(each), sum(file.size for file in choose(each, listing).model)))
    return found


def _connected(reference: HubReference, token: str | None = None) -> tuple[str, Transport, Listing]:
    hub = endpoint()
    transport = Transport(origin=hub, token=token or find_token(), seconds=seconds())
    return hub, transport, ask(reference, hub, transport)


def find(text: str, reference: HubReference, wanted: Wanted) -> ModelFiles:
    """Return the files that `reference` means.

    Raises ModelNotFoundError, ModelChoiceError, ModelFormatError or DownloadError.
    """
    store = Store(root=hub_cache(), repository=reference.repository)
    if wanted.ask is not True and (found := _cached(text, reference, store, wanted, loosely=wanted.ask is False)):
        return found
    if wanted.ask is False:
        raise ModelNotFoundError(
            f"{text} is not in the cache, and no server may be asked.",
            why=f"The cache is {store.root}.",
            fix="Unset HF_HUB_OFFLINE, or leave out offline=True, to download it.",
        )
    try:
        return _online(text, reference, store, wanted)
    except DownloadError as error:
        found = _cached(text, reference, store, wanted, loosely=True)
        if found is None:
            raise
        logger.warning("%s is taken from the cache: %s", text, " ".join(str(error).split("\n")))
        return found


def _cached(text: str, reference: HubReference, store: Store, wanted: Wanted, *, loosely: bool) -> ModelFiles | None:
    """Return what is in the cache; `loosely` takes the best of what is there, where the hub may have what is meant."""
    commit = store.commit_of(reference.revision)
    if commit is None:
        return None
    full, present = store.listing(commit), store.present(commit)
    if full is not None and (selection := _chosen(reference, full)) and _complete(store, commit, wanted.of(selection)):
        return _files(text, store, commit, selection, wanted)
    if full is not None and not loosely:
        return None
    selection = _chosen(reference, present)
    if selection is None:
        return None
    certain = bool(reference.tag or reference.file) or is_default(selection.model[0].path)
    return _files(text, store, commit, selection, wanted) if certain or loosely else None


def _chosen(reference: HubReference, listing: Listing) -> Selection | None:
    try:
        return choose(reference, listing)
    except ModelError:
        return None


def _complete(store: Store, commit: str, files: Sequence[RepositoryFile]) -> bool:
    return all(store.has(commit, file) for file in files)


def _online(text: str, reference: HubReference, store: Store, wanted: Wanted) -> ModelFiles:
    hub, transport, listing = _connected(reference, wanted.token)
    selection = choose(reference, listing)
    missing = [file for file in wanted.of(selection) if not store.has(listing.commit, file)]
    if missing and not wanted.download:
        names = ", ".join(file.path for file in missing)
        raise ModelNotFoundError(f"{text} is not downloaded yet: {names}.", fix="Download it first.")
    if missing and not wanted.anyway:
        check_fits(text, sum(file.size for file in wanted.of(selection)))
    store.write_listing(listing)
    _get(store, listing, missing, transport, hub, wanted.progress)
    store.write_ref(reference.revision, listing.commit)
    return _files(text, store, listing.commit, selection, wanted)


def _get(
    store: Store,
    listing: Listing,
    files: Sequence[RepositoryFile],
    transport: Transport,
    hub: str,
    progress: Progress | None,
) -> None:
    """Download files, after a look at the room on the disk, and at the header of the first."""
    check_space(store.folder, total_missing([(store.blob(file), file.size) for file in files]), listing.repository)
    sources = [_source(listing, file, hub) for file in files]
    if files and not bytes_here(store.blob(files[0])):
        preview(sources[0], transport)
    for file, source in zip(files, sources, strict=True):
        if hub_client.knows(file) and not bytes_here(store.blob(file)):
            _get_by_hub(store, listing, file, source, transport, hub, progress)
            continue
        with locked(store.lock(file)) as alone:
            if not store.has(listing.commit, file):
                download(source, store.blob(file), transport, progress, alone=alone)
                store.link(listing.commit, file)


def _get_by_hub(
    store: Store,
    listing: Listing,
    file: RepositoryFile,
    source: Source,
    transport: Transport,
    hub: str,
    progress: Progress | None,
) -> None:
    hub_client.download(
        listing.repository,
        listing.commit,
        file,
        endpoint=hub,
        root=store.root,
        token=transport.token,
        progress=progress,
    )
    verify(source, store.pointer(listing.commit, file.path))


def _source(listing: Listing, file: RepositoryFile, hub: str) -> Source:
    url = address(listing.repository, listing.commit, file.path, hub)
    return Source(name=file.path, url=url, digest=file.blob, size=file.size)


def _files(text: str, store: Store, commit: str, selection: Selection, wanted: Wanted) -> ModelFiles:
    parts = tuple(store.pointer(commit, file.path) for file in selection.model)
    return ModelFiles(
        reference=text,
        path=parts[0],
        parts=parts,
        projector=_if_here(store, commit, selection.projector) if wanted.projector else None,
        draft=_if_here(store, commit, selection.draft),
    )


def _if_here(store: Store, commit: str, file: RepositoryFile | None) -> Path | None:
    return store.pointer(commit, file.path) if file is not None and store.has(commit, file) else None
