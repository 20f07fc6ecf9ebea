"""Publish a release: the plug-ins first, the core last, so that a stop half-way breaks nothing.

Whoever installs `llamapack`, with an extra or without, gets the newest core, and with it the plug-ins of its version.
So a release becomes visible with the core's wheels: the core is the commit point. Plug-ins that are there before are
not chosen, because the core that they require is not there. After a stop the same call goes on where it was.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError, shorten
from tools.release.distribution import Distribution, read_distribution
from tools.release.simple_api import listed_files
from tools.util.cmd import run

log = logging.getLogger(f"llamapack.{__name__}")

CORE = "llamapack"
Upload = Callable[[Path], None]
AGAIN = "Publish the same files again: what is there is left alone, and the rest follows."


@dataclass(frozen=True, kw_only=True)
class Published:
    """What one call did: the names of files that it uploaded, and of those that were there before."""

    uploaded: tuple[str, ...]
    there: tuple[str, ...]


def in_order(files: Iterable[Path]) -> list[Distribution]:
    """Return the files in the order of their uploads: plug-ins, core; of each the wheels, then the sdist.

    An sdist comes after the wheels of its project: until then, nobody compiles what has a wheel.
    """
    read = [read_distribution(path) for path in files]
    return sorted(read, key=lambda each: (each.project == CORE, each.project, not each.is_wheel, each.path.name))


def publish(files: Sequence[Path], simple: str, upload: Upload) -> Published:
    """Upload `files`, wheels and sdists of one release, with `upload`, to the index whose simple API is at `simple`.

    Raises ToolError before anything is uploaded if the files are not one release, or if the index has other content
    under one of their names; and when an upload fails, with what is visible then.
    """
    order = in_order(files)
    _require_one_release(order)
    there = _require_same_content(order, simple)
    uploaded: list[str] = []
    for each in order:
        if each.path.name in there:
            continue
        if each.project == CORE and not any(name.startswith(f"{CORE}-") for name in uploaded):
            _require_visible([other for other in order if other.project != CORE], simple)
        try:
            upload(each.path)
        except ToolError as error:
            raise _half_way(each, order, simple, error) from error
        uploaded.append(each.path.name)
        log.info(f"Published {each.path.name}")
    _require_visible(order, simple)
    return Published(uploaded=tuple(uploaded), there=tuple(sorted(there)))


def uv_upload(uv: Path, address: str, environment: Mapping[str, str] | None = None) -> Upload:
    """Return the function that uploads a file with `uv publish` to the upload API at `address`, PyPI's if it is empty.

    Credentials, or trusted publishing, are what `environment` or uv's own settings say.
    """

    def upload(path: Path) -> None:
        chosen = ["--publish-url", address] if address else []
        run([uv, "publish", "--no-config", *chosen, path], env={**os.environ, **(environment or {})})

    return upload


def _require_one_release(order: Sequence[Distribution]) -> None:
    cores = {each.version for each in order if each.project == CORE}
    if not cores and len({(each.project, each.version) for each in order}) == 1 and ".post" in order[0].version:
        return  # a plug-in that is released alone, for a core that was released before
    if len(cores) != 1 or any(each.version not in cores for each in order):
        found = sorted({f"{each.project} {each.version}" for each in order})
        raise ToolError(
            f"These files are not one release: {', '.join(found) or 'there are none'}.",
            why="A release has the core, and plug-ins of its version.",
            fix="Have the files of one version in the folder, the core's among them.",
        )


def _listed(files: Iterable[Distribution], simple: str) -> dict[str, str]:
    known: dict[str, str] = {}
    for project in {each.project for each in files}:
        known |= listed_files(simple, project)
    return known


def _require_same_content(order: Sequence[Distribution], simple: str) -> set[str]:
    """Return the names of files that the index has already."""
    known = _listed(order, simple)
    if other := [each.path.name for each in order if known.get(each.path.name, each.sha256) != each.sha256]:
        raise ToolError(
            f"The index has other content under the same name: {shorten(other)}.",
            why="A file that was published once cannot be replaced.",
            fix="Publish the files that the first attempt had, or make a release with a new version.",
        )
    return {each.path.name for each in order if each.path.name in known}


def _require_visible(files: Sequence[Distribution], simple: str) -> None:
    """Raise ToolError unless the index lists all of `files` with their content."""
    known = _listed(files, simple)
    if missing := [each.path.name for each in files if known.get(each.path.name) != each.sha256]:
        raise ToolError(
            f"The index does not list what was uploaded: {shorten(missing)}.",
            why="The core is published when all plug-ins are visible.",
            fix=AGAIN,
        )


def _half_way(failed: Distribution, order: Sequence[Distribution], simple: str, error: ToolError) -> ToolError:
    """Return the error of an upload that failed, with what users see of the release."""
    core = [each for each in order if each.project == CORE]
    known = listed_files(simple, CORE)
    if done := [each.path.name for each in core if each.path.name in known]:
        state = f"Of the core, these are visible: {shorten(done)}. Elsewhere the previous release is still installed."
    else:
        state = "The core was not published, so nobody is given any of this release."
    return ToolError(f"{failed.path.name} could not be uploaded.", why=f"{error.what} {error.why}\n{state}", fix=AGAIN)
