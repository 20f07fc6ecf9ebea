"""Ask the hub for the files of a repository."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urljoin

from llamapack.errors import DownloadError
from llamapack.hub.cache import BLOB, COMMIT
from llamapack.hub.listing import Listing, RepositoryFile
from llamapack.hub.references import HubReference
from llamapack.hub.transfer.explaining import PROBLEMS, explained
from llamapack.hub.transfer.transport import Transport

_MOST_BYTES = 1 << 26
_MOST_PAGES = 100
_LARGEST = 1 << 63  # no file system has larger files
_NEXT = re.compile(r'<([^>]+)>\s*;\s*rel="next"')


def ask(reference: HubReference, endpoint: str, transport: Transport) -> Listing:
    """Return the files of a repository as they are now.

    Raises ModelNotFoundError if there is none or no such revision, and DownloadError if the hub cannot be asked.
    """
    name = f"{reference.repository} ({reference.revision})" if reference.revision != "main" else reference.repository
    what = f"The repository {name}"
    try:
        return _ask(reference, f"{endpoint}/api/models/{reference.repository}", transport)
    except PROBLEMS as error:
        raise explained(error, what, repository=reference.repository) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        why = f"The hub's answer is not as it should be: {error!r}."
        raise DownloadError(f"{what} cannot be read.", why=why, fix="Try again later.") from error


def address(repository: str, commit: str, path: str, endpoint: str) -> str:
    """Return the address of a file."""
    return f"{endpoint}/{repository}/resolve/{commit}/{quote(path)}"


def _ask(reference: HubReference, api: str, transport: Transport) -> Listing:
    commit = _get(f"{api}/revision/{quote(reference.revision, safe='')}", transport)[0]["sha"]
    if not COMMIT.fullmatch(commit):
        raise ValueError(commit)
    entries = [entry for page in _pages(f"{api}/tree/{commit}?recursive=true", transport) for entry in page]
    files = tuple(_file(entry) for entry in entries if entry["type"] == "file")
    return Listing(repository=reference.repository, commit=commit, files=files)


def _pages(url: str, transport: Transport) -> Iterator[Any]:
    for _ in range(_MOST_PAGES):
        page, link = _get(url, transport)
        yield page
        found = _NEXT.search(link)
        if not found:
            return
        url = urljoin(url, found[1])
    raise ValueError("the list has no end")


def _get(url: str, transport: Transport) -> tuple[Any, str]:
    def work() -> tuple[Any, str]:
        with transport.get(url) as answer:
            text = answer.read(_MOST_BYTES)
            return json.loads(text), answer.getheader("Link") or ""

    found: Callable[[], tuple[Any, str]] = work
    return transport.repeat(found)


def _file(entry: Any) -> RepositoryFile:
    git, large = str(entry["oid"]), entry.get("lfs") or {}
    blob, size = str(large.get("oid") or git), large.get("size", entry["size"])
    if not BLOB.fullmatch(blob) or not isinstance(size, int) or not 0 <= size < _LARGEST:
        raise ValueError(entry)
    return RepositoryFile(path=str(entry["path"]), size=size, blob=blob, git=git, xet=entry.get("xetHash"))
