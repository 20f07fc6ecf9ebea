"""Turn patch files into commits: `git am`, always called the same way."""

from __future__ import annotations

from typing import Literal

from tools.errors import ToolError
from tools.git.apply import fits
from tools.git.patch import Patch
from tools.git.repository import Git
from tools.util import cmd
from tools.util.scratch import temporary_folder

_AM = (
    *("am", "--quiet", "--3way", "--keep-non-patch", "--keep-cr", "--no-scissors", "--no-gpg-sign"),
    *("--committer-date-is-author-date", "--whitespace=nowarn"),
)


def am(git: Git, patch: Patch) -> cmd.Result:
    """Run `git am` for one patch; a conflict leaves it open. The same patch on the same base is the same commit."""
    with temporary_folder("am") as folder:
        file = folder / patch.name
        file.write_bytes(patch.content)
        return git.attempt(*_AM, "--", file)


def am_continue(git: Git) -> None:
    """Make the commit of the `am` that is open from what is staged."""
    done = git.attempt("am", "--continue", "--committer-date-is-author-date")
    if done.returncode != 0:
        raise ToolError(
            "git could not conclude the patch.",
            why=(done.stderr or done.stdout).strip(),
            fix="Run: inv vendor.status",
        )


def expected(index: Git, patch: Patch) -> Literal["clean", "fuzzy", "upstream"]:
    """Say how `patch` would go on top of what the index holds, if it does: as it is, not at all, or with a merge.

    One that applies is never taken for one that upstream has, even if its result is found elsewhere too. A file
    that git cannot read as a patch is a ToolError.
    """
    if fits(index, patch, "--check"):
        return "clean"
    return "upstream" if fits(index, patch, "--check", "--reverse") else "fuzzy"
