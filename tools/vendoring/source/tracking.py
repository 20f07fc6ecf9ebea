"""The tracking repository: where it is, what its references are called, and whether it has the pinned commit."""

from __future__ import annotations

from tools.errors import ToolError
from tools.git.repository import Git
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


def verify(git: Git, pin: Pin) -> None:
    """Raise ToolError unless the pinned commit has the pinned trees."""
    wanted_ids = {"tree": pin.tree, "ggml_tree": pin.ggml_tree}
    found_ids = git.ids_of(f"{pin.commit}^{{tree}}", f"{pin.commit}:ggml")
    for (name, wanted), found in zip(wanted_ids.items(), found_ids, strict=True):
        if found != wanted:
            raise ToolError(
                f"Commit {pin.commit} has the {name} {found or '(none)'}, but vendor/llama.cpp.toml pins {wanted}.",
                why="A pin is written as a whole; here its ids are of different states of llama.cpp.",
                fix="Restore vendor/llama.cpp.toml, or write a new pin: inv vendor.bump REF",
            )
