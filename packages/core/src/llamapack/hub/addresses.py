"""Files of any server, by address and checksum: kept in llamapack's own cache, under the checksum."""

from __future__ import annotations

from pathlib import Path

from llamapack._util.user_folders import cache_folder
from llamapack.errors import DownloadError, ModelNotFoundError
from llamapack.hub.locks import locked
from llamapack.hub.previewing import preview
from llamapack.hub.progress import Progress
from llamapack.hub.references import UrlReference
from llamapack.hub.transfer.downloading import Source, bytes_here, download
from llamapack.hub.transfer.transport import Transport


def downloads_folder() -> Path | None:
    """Return the folder of these files; None if there is no home."""
    return cache_folder("downloads")


def find(reference: UrlReference, *, ask: bool, seconds: float, progress: Progress | None) -> Path:
    """Return the file of an address, downloaded if it is not here and `ask` is True."""
    folder = downloads_folder()
    if folder is None:
        raise DownloadError("There is no folder for downloads.", fix="Set LLAMAPACK_CACHE_DIR to one.")
    place = folder / reference.sha256 / reference.name
    if place.is_file():
        return place
    if not ask:
        raise ModelNotFoundError(f"{reference.url} has not been downloaded yet.", fix="Download it first.")
    source = Source(name=reference.name, url=reference.url, digest=reference.sha256)
    transport = Transport(seconds=seconds)
    if not bytes_here(place):
        preview(source, transport)
    with locked(folder / ".locks" / f"{reference.sha256}.lock") as alone:
        download(source, place, transport, progress, alone=alone)
    return place
