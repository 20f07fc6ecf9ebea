"""Apply the patch series with `git am -3`, one patch at a time."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tools import shell
from tools.errors import ToolError
from tools.git import Git
from tools.series import Patch
from tools.state import read_state

AM = (
    *("am", "--quiet", "--3way", "--keep-non-patch", "--keep-cr", "--no-scissors", "--no-gpg-sign"),
    *("--committer-date-is-author-date", "--whitespace=nowarn"),
)


def am(git: Git, patch: Patch) -> shell.Result:
    """Run `git am` for one patch; a conflict leaves it open. The same patch on the same base is the same commit."""
    with tempfile.TemporaryDirectory(prefix="llamapack-am-") as folder:
        file = Path(folder, patch.name)
        file.write_bytes(patch.content)
        return git.run(*AM, "--", file, check=False)


def apply_to_fresh(git: Git, series: tuple[Patch, ...]) -> None:
    """Apply `series` to a repository that nobody has worked in; a patch that does not apply is a ToolError."""
    for patch in series:
        done = am(git, patch)
        if done.returncode != 0:
            files = read_state(git).conflicted or patch.files
            raise ToolError(
                f"{patch.name} does not apply: {', '.join(files)}.",
                why=done.stderr.strip() or done.stdout.strip(),
                fix="Run: inv vendor.apply-patches   (it stops there, for you to resolve it)",
            )
