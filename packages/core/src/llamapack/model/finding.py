"""Find a model's files by path, or by one of the names that `llamapack.hub` knows.

What exists as a path is that path, and the rooms for names and downloads are not even imported.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from llamapack._util.arguments import path_exists


@dataclass(frozen=True, kw_only=True)
class FoundModel:
    """A model's file, the first of them if it is split; `projector` is what came with it by its name."""

    path: Path
    projector: Path | None = None


def is_name(reference: str) -> bool:
    """Return True if `reference` is a name of a model, and not a path."""
    if path_exists(reference):
        return False
    from llamapack.hub import AliasReference, PathReference, aliases, parse

    meant = parse(reference)
    return meant.name in aliases() if isinstance(meant, AliasReference) else not isinstance(meant, PathReference)


def find_model(
    reference: str | os.PathLike[str],
    *,
    offline: bool | None = None,
    projector: bool = True,
    check: Callable[[], object] = lambda: None,
) -> FoundModel:
    """Return the files of a model; they are downloaded, with a progress bar, if that is needed and allowed.

    `offline` and `projector` are those of `llamapack.hub.resolve`, and so are the errors. `check` is called before
    anything is downloaded: it raises if that would be in vain.
    """
    if not isinstance(reference, str) or path_exists(reference):
        return FoundModel(path=Path(reference))
    from llamapack._util.transfer_bar import transfer_bar
    from llamapack.hub import PathReference, parse, resolve

    if isinstance(parse(reference), PathReference):
        return FoundModel(path=Path(reference))  # its reader says what is wrong
    check()
    with transfer_bar() as progress:
        files = resolve(reference, offline=offline, projector=projector, progress=progress)
    return FoundModel(path=files.path, projector=files.projector)
