"""Apply a patch to an index with `git apply`, or ask whether it would apply."""

from __future__ import annotations

from tools.errors import ToolError
from tools.git.patch import Patch
from tools.git.repository import Git


def fits(index: Git, patch: Patch, *options: str) -> bool:
    """Apply `patch` to the index, or with `--check` try to; tell whether it applies. Refuse what git cannot read."""
    done = index.attempt("apply", "--cached", *options, "-", stdin=patch.text)
    if done.returncode not in (0, 1):
        raise ToolError(
            f"git cannot read {patch.name}.",
            why=(done.stderr or done.stdout).strip(),
            fix="Correct or remove that file. If an apply or bump is under way: inv vendor.abort",
        )
    return done.returncode == 0
