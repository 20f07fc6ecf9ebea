"""The checkout that every run in random states begins with, and the upstreams that it may move to."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tests.support.toy_upstream import LINES, Toy, commit_files, edited, make_toy
from tools.vendoring.apply import apply_patches
from tools.vendoring.create_patches import create_patches
from tools.vendoring.sync import sync


def later_upstreams(toy: Toy) -> tuple[str, ...]:
    """Commit more to the upstream: a harmless change, one in conflict with a patch, new files in odd places.

    The last one has what a patch does, and no longer ignores logs.
    """
    git = toy.upstream
    found = [commit_files(git, {"ggml/VERSION": "1\n", "src/tool.sh": "#!/bin/sh\necho\n"}, "Harmless\n")]
    found.append(commit_files(git, {"ggml/VERSION": "2\n", "ggml/src/cpu.c": edited(20, "theirs 20")}, "Conflict\n"))
    for name in ("build/made.txt", "src/later.cpp"):
        (git.folder / name).parent.mkdir(exist_ok=True)
        (git.folder / name).write_bytes(b"of upstream\n")
    git.run("add", "--force", "build/made.txt", "src/later.cpp")
    found.append(commit_files(git, {"ggml/VERSION": "3\n"}, "New files\n"))
    last = {"ggml/VERSION": "4\n", "src/llama.cpp": edited(3, "ours 3"), ".gitignore": "src/later.cpp\n"}
    found.append(commit_files(git, last, "Takes a patch\n"))
    return tuple(found)


@cache
def template(folder: Path) -> tuple[Toy, tuple[str, ...]]:
    """Make, once, the checkout that every run gets a copy of: three patches, applied and synced."""
    toy = make_toy(folder)
    commit_files(toy.upstream, {"ggml/VERSION": "0\n", ".gitignore": "*.log\nbuild/\nsrc/later.cpp\n"}, "Zero\n")
    zero = toy.upstream.require_id("HEAD")
    commits = (zero, *later_upstreams(toy))
    toy.pin(zero)
    apply_patches(toy.checkout)
    toy.commit("Change the first lines", {"src/llama.cpp": edited(3, "ours 3")})
    toy.commit("Score it", {"ggml/src/cpu.c": edited(20, "ours 20")})
    toy.commit("Add a file", {"src/new.cpp": LINES})
    create_patches(toy.checkout)
    sync(toy.checkout)
    return toy, commits
