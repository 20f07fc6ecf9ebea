"""Move the pin to another commit of llama.cpp, and the patches with it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from tools.errors import ToolError
from tools.git.patch import read_series
from tools.git.repository import Git
from tools.paths import Checkout
from tools.vendoring.apply import Applied, operation_to, refuse_open, start, target_of
from tools.vendoring.backups import require_nothing_at_risk
from tools.vendoring.changelog import UPSTREAM
from tools.vendoring.command import command
from tools.vendoring.dry_run import Preview, rehearse
from tools.vendoring.source.fetch import ANSWER_SECONDS, FETCH_SECONDS, reach
from tools.vendoring.source.mirror import fetch_from_package
from tools.vendoring.source.pin import Mirror, Pin, load_pin, render_pin
from tools.vendoring.source.tracking import BASE, tracking_repository, trees_of

_PACKAGE = re.compile(r"(?P<package>[A-Za-z0-9._-]+)==(?P<version>[A-Za-z0-9._+-]+)")
_ID = re.compile(r"[0-9a-f]{7,40}")
_RELEASE = re.compile(r"b(\d+)")
_WANTED = "refs/llamapack/wanted"

log = logging.getLogger(f"llamapack.{__name__}")


def preview_bump(checkout: Checkout, ref: str, *, sha256: str = "") -> Preview:
    """Say for each patch how it would go on `ref`; nothing but the object store changes."""
    with command(checkout, "trying the patches in a scratch clone"):
        git, old = tracking_repository(checkout), load_pin(checkout.pin_file)
        new = new_pin(git, old, ref, sha256=sha256)
        with rehearse(git, new.commit, read_series(checkout.patches)) as rehearsal:
            return Preview(old=old, new=new, outcomes=rehearsal.outcomes)


def bump(checkout: Checkout, ref: str, *, sha256: str = "", discard: bool = False) -> Applied:
    """Put the series on `ref`; when all of it is applied, write the pin and the changelog's line.

    `ref` is a branch, tag or commit of upstream, or NAME==VERSION of a package that carries a checkout, with its
    SHA-256. It stops at conflicts like `apply_patches`; `abort` brings back the old pin and the old commits.
    """
    with command(checkout, f"moving {checkout.tracking}"):
        git, old = tracking_repository(checkout), load_pin(checkout.pin_file)
        refuse_open(git)
        series = read_series(checkout.patches)
        if not discard:
            require_nothing_at_risk(checkout, git, None, discard=False, doing="The bump")
        new = new_pin(git, old, ref, sha256=sha256)
        if new == old:
            raise ToolError(f"{ref} is {old.commit}, which is pinned already.", fix="Name another commit.")
        target = target_of(new.commit, series)
        backup = require_nothing_at_risk(checkout, git, target, discard=discard, doing="The bump")
        operation = replace(
            operation_to(git, new.commit, series),
            kind="bump",
            old_pin=checkout.pin_file.read_text(encoding="utf-8"),
            new_pin=render_pin(new),
            changelog=f"{UPSTREAM}{_described(git, new)}.",
        )
        applied = start(checkout, git, operation, series)
        return replace(applied, backup=backup or applied.backup)


def new_pin(git: Git, old: Pin, ref: str, *, sha256: str = "") -> Pin:
    """Fetch `ref` and return the pin of it."""
    number, mirrors = 0, old.mirrors
    if package := _PACKAGE.fullmatch(ref):
        mirrors = (_mirror(old, package, sha256),)
        commit = fetch_from_package(git, mirrors[0], "")
    else:
        commit, number = _from_git(git, old, ref)
        mirrors = old.mirrors if commit == old.commit else ()
    tree, ggml = trees_of(git, commit)
    if not (tree and ggml):
        raise ToolError(f"{ref} is {commit}, which has no ggml folder.", fix="Name a commit of llama.cpp.")
    known = old.build_number if commit == old.commit else number or _counted(git, commit)
    return replace(old, commit=commit, tree=tree, ggml_tree=ggml, build_number=known, mirrors=mirrors)


def _mirror(old: Pin, package: re.Match[str], sha256: str) -> Mirror:
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise ToolError(
            f"{package[0]} needs the SHA-256 of its source distribution, not {sha256!r}.",
            why="A package is only used with a hash, so that everyone gets the same.",
            fix=f"Run: inv vendor.bump {package[0]} --sha256 HASH   (the index shows it beside the file)",
        )
    known = [mirror.git_dir for mirror in old.mirrors if mirror.package == package["package"]]
    git_dir = known[0] if known else ".git/modules/vendor/llama.cpp"
    return Mirror(package=package["package"], version=package["version"], sha256=sha256, git_dir=git_dir)


def _from_git(git: Git, old: Pin, ref: str) -> tuple[str, int]:
    if ref.startswith("-") or not ref.strip():
        raise ToolError(f"{ref!r} is not a name of a commit.", fix="Name a branch, a tag or a commit of upstream.")
    if problem := reach(git, old.repository):
        if commit := _known_here(git, ref):
            return commit, 0
        raise ToolError(
            f"{ref} is not known here, and {old.repository} cannot be reached.",
            why=problem,
            fix="Check the network, or bump to a package: inv vendor.bump NAME==VERSION --sha256 HASH",
        )
    log.info("Fetching %s from %s", ref, old.repository)
    with _wanted(git):
        shallow = ["--depth=1"] if (git.common_dir / "shallow").exists() else []
        options = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", *shallow)
        done = git.network(*options, old.repository, f"+{ref}:{_WANTED}", timeout=FETCH_SECONDS)
        commit = git.id_of(f"{_WANTED}^{{commit}}") or _known_here(git, ref)
    if done.returncode != 0 and not commit:
        raise ToolError(
            f"{old.repository} has no {ref}.", why=done.stderr.strip(), fix="Name a branch, a tag or a whole commit id."
        )
    return commit, _released(git, old, ref, commit)


def _known_here(git: Git, ref: str) -> str:
    """Return the commit of upstream that `ref` names in the tracking repository, if it does.

    Branches there are the maintainer's: a pin of one, or of a commit on one, would be of what nobody else has.
    """
    if not (_ID.fullmatch(ref) or git.id_of(f"refs/tags/{ref}")):
        return ""
    commit, base = git.ids_of(f"{ref}^{{commit}}", BASE)
    ours = git.ask("rev-list", "--branches", *(["--not", base] if base else [])).split()
    return "" if commit in ours and commit != base else commit


@contextmanager
def _wanted(git: Git) -> Iterator[None]:
    try:
        yield
    finally:
        git.run("update-ref", "-d", _WANTED)


def _released(git: Git, old: Pin, ref: str, commit: str) -> int:
    """Return upstream's build number where a release tag (b1234) names the commit."""
    if found := _RELEASE.fullmatch(ref):
        return int(found[1])
    listed = git.network("ls-remote", "--tags", old.repository, "b*", timeout=ANSWER_SECONDS).stdout
    tags = [
        line.partition("refs/tags/")[2].removesuffix("^{}") for line in listed.splitlines() if line.startswith(commit)
    ]
    return next((int(found[1]) for tag in tags if (found := _RELEASE.fullmatch(tag))), 0)


def _counted(git: Git, commit: str) -> int:
    return 0 if (git.common_dir / "shallow").exists() else int(git.ask("rev-list", "--count", commit))


def _described(git: Git, pin: Pin) -> str:
    date = git.ask("log", "-1", "--format=%cs", pin.commit)
    number = f"b{pin.build_number}, " if pin.build_number else ""
    return f"{pin.commit[:9]} ({number}{date})"
