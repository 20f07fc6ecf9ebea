"""The files of a repository at one commit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llamapack.errors import DownloadError
from llamapack.hub.references import is_safe


@dataclass(frozen=True, kw_only=True)
class RepositoryFile:
    """A file of a repository: `blob` is the name that its contents have, which is a checksum of them.

    It is a SHA-256 of 64 digits, or for small files git's SHA-1 of 40.
    """

    path: str
    size: int
    blob: str
    git: str = ""  # git's own name of it
    xet: str | None = None  # its name in the hub's newer storage, if it is there


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The files of a repository at a commit, by path."""

    repository: str
    commit: str
    files: tuple[RepositoryFile, ...]

    def models(self) -> Iterator[RepositoryFile]:
        """Yield the GGUF files; raises DownloadError for a name that would leave the folder, or is unsafe."""
        for file in self.files:
            if not file.path.endswith(".gguf"):
                continue
            if not is_safe(file.path):
                raise DownloadError(
                    f"The repository {self.repository} lists a file {file.path!r}, outside its folder, or no name.",
                    fix="Do not trust this repository.",
                )
            yield file
