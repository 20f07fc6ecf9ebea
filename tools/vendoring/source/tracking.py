"""The tracking repository: where it is, what its references are called, and whether it has the pinned commit."""

from __future__ import annotations

from dataclasses import dataclass

from tools.errors import ToolError
from tools.git.repository import Commits, Git
from tools.paths import Checkout
from tools.vendoring.source.pin import Pin

REPOSITORY = "vendor/llama.cpp"
BRANCH = "llamapack"
OURS = f"refs/heads/{BRANCH}"
BASE = "refs/llamapack/base"


def tracking_repository(checkout: Checkout) -> Git:
    """Return the tracking repository; ToolError if there is none."""
    git = Git.at(checkout.tracking)
    if not git.exists:
        raise ToolError(f"{git.folder} is not there.", fix="Run: inv vendor.apply-patches")
    return git


def way_to_ours(git: Git) -> str:
    """Return how to get to our branch from elsewhere; a maintainer may have removed it."""
    return f"Run there: git checkout {BRANCH}" if git.id_of(OURS) else "Run: inv vendor.apply-patches"


@dataclass(frozen=True, kw_only=True)
class OurBranch:
    """Our branch of the tracking repository, and what it was made on."""

    base: str
    """The commit that was noted as the base of the series; empty if none was."""
    ours: str
    """The commit that our branch is at; empty if there is no such branch."""
    commits: Commits
    """The commits after the base."""

    @property
    def stands(self) -> bool:
        """Whether our branch stands on the base."""
        return bool(self.base) and (self.ours == self.base or any(self.base in each for each in self.commits.values()))


def our_branch(git: Git) -> OurBranch:
    """Look at our branch."""
    base, ours = git.ids_of(BASE, OURS)
    return OurBranch(base=base, ours=ours, commits=git.commits(ours, f"^{base}") if base and ours else {})


def trees_of(git: Git, commit: str) -> tuple[str, ...]:
    """Return the ids of a commit's tree and of its ggml folder, each empty if it is not there."""
    return git.ids_of(f"{commit}^{{tree}}", f"{commit}:ggml")


def verify(pin: Pin, trees: tuple[str, ...]) -> None:
    """Raise ToolError unless `trees`, those of the pinned commit, are the pinned ones."""
    wanted_ids = {"tree": pin.tree, "ggml_tree": pin.ggml_tree}
    for (name, wanted), found in zip(wanted_ids.items(), trees, strict=True):
        if found != wanted:
            raise ToolError(
                f"Commit {pin.commit} has the {name} {found or '(none)'}, but vendor/llama.cpp.toml pins {wanted}.",
                why="A pin is written as a whole; here its ids are of different states of llama.cpp.",
                fix="Restore vendor/llama.cpp.toml, or write a new pin: inv vendor.bump REF",
            )
