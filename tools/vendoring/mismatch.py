"""Tell whether the tracking repository stands on the pin, and on the series that patches/ holds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from tools.errors import ToolError
from tools.git.format_patch import commits_since, exported_contents
from tools.git.patch import read_patches
from tools.git.repository import Git
from tools.paths import Checkout
from tools.vendoring.journal import known_series, last_series
from tools.vendoring.source.fetch import BASE, BRANCH
from tools.vendoring.source.pin import Pin

APPLY, CREATE = "inv vendor.apply-patches", "inv vendor.create-patches"


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """Why the tracking repository is not what pin and patches/ describe, edits and new commits aside."""

    what: str
    mend: str
    """The command that brings them together."""


def find_mismatch(checkout: Checkout, git: Git, pin: Pin) -> Mismatch | None:
    """Return what pin or patches/ have and the tracking repository does not; None where nothing.

    Commits that are not written yet are none: the maintainer is ahead of patches/ then, not behind.
    """
    if (base := git.id_of(BASE)) != pin.commit:
        return Mismatch(what=f"it stands on {base[:9] or 'nothing'}, and {pin.commit[:9]} is pinned", mend=APPLY)
    patches, last = read_patches(checkout.patches), last_series(git)
    given = [patch.sha256 for patch in patches]
    if given == last:
        return None
    contents = exported_contents(git, commits_since(git, BASE, BRANCH) if git.id_of(f"refs/heads/{BRANCH}") else ())
    written = [hashlib.sha256(content).hexdigest() for content in contents.values()]
    foreign = [patch.name for patch in patches if patch.sha256 not in {*written, *known_series(git)}]
    if given == written or (last is None and not foreign):
        return None
    if foreign:
        return Mismatch(what=f"these files of patches/ were never applied there: {', '.join(foreign)}", mend=APPLY)
    return Mismatch(what="patches/ has changed since it was applied there", mend=APPLY if written == last else CREATE)


def require_standing(checkout: Checkout, git: Git, pin: Pin) -> None:
    """Raise ToolError where a copy of the tracking repository would be called what it is not."""
    head = git.run("symbolic-ref", "--quiet", "--short", "HEAD", check=False).stdout.strip()
    if head != BRANCH:
        raise ToolError(
            f"HEAD of {git.folder} is on {head or 'no branch'}, and the packages are made from {BRANCH}.",
            fix=f"Run there: git checkout {BRANCH}\n"
            f"To build from what is checked out, as a tree of your own: inv vendor.sync --source vendor/llama.cpp",
        )
    if found := find_mismatch(checkout, git, pin):
        raise ToolError(
            f"{git.folder} is not what pin and patches/ say: {found.what}.",
            why="A copy of it would be called what it is not.",
            fix=f"Run: {found.mend} vendor.sync",
        )
