"""Copies of models with nothing but their headers: enough to measure what memory the models would take."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from llamapack.errors import ModelNotFoundError
from llamapack.hub import repositories
from llamapack.hub.files import ModelFiles
from llamapack.hub.references import HubReference
from llamapack.hub.resolving import asking, meaning, resolve


@contextmanager
def header_copy(
    reference: str | os.PathLike[str], *, offline: bool | None = None, projector: bool = True
) -> Iterator[ModelFiles]:
    """Yield the files of a model; of one on the hub that is not here, copies that have only the headers.

    The copies are as long as the files, but file systems do not store what was never written. They are removed when the
    block ends. `offline` and `projector` are those of `resolve`, and so are the errors.
    """
    meant = meaning(reference)
    if not isinstance(meant, HubReference):
        yield resolve(reference, offline=offline, projector=projector)
        return
    try:
        files = resolve(reference, offline=True, projector=projector)
    except ModelNotFoundError:
        if asking(offline) is False:
            raise
    else:
        yield files
        return
    with tempfile.TemporaryDirectory(prefix="llamapack-headers-") as folder:
        yield repositories.copy_headers(os.fspath(reference), meant, Path(folder), projector=projector)


def choices_of(reference: str | os.PathLike[str], *, offline: bool | None = None) -> list[tuple[str, int]] | None:
    """Return all models of a repository, as references with their sizes in bytes.

    Returns None for what names a single model, or if no server is to be asked. Raises DownloadError if the hub does not
    answer, and what `resolve` does for wrong references.
    """
    meant = meaning(reference)
    if not isinstance(meant, HubReference) or meant.tag or meant.file or asking(offline) is False:
        return None
    return repositories.choices(meant)
