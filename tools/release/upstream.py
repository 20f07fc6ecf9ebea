"""Propose a newer llama.cpp: find upstream's newest release, and write what a bump to it would do to the patches."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError
from tools.paths import Checkout
from tools.util.atomic_files import write_text
from tools.util.cmd import run
from tools.vendoring.dry_run import Outcome

PLACES = ("CHANGELOG.md", "docs", "packages", "patches", "vendor")
"""What an update may change."""
_NAME = re.compile(r"b\d+")
_RELEASE = re.compile(r"refs/tags/b(?P<number>\d+)")


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A bump: the name of upstream's release, and the report on the patches."""

    ref: str
    report: str
    conflicts: tuple[str, ...]


def newest_release(repository: str) -> str:
    """Return upstream's newest release, such as b7311; raises ToolError if it cannot be asked or has none."""
    command = ["git", "ls-remote", "--tags", "--refs", repository, "b*"]
    done = run(command, check=False, timeout=120)
    if done.returncode:
        raise ToolError(f"{repository} cannot be asked for its releases.", why=done.stderr.strip(), fix="Try it later.")
    numbers = [int(found["number"]) for line in done.stdout.splitlines() if (found := _RELEASE.search(line))]
    if not numbers:
        raise ToolError(f"{repository} has no tags b1, b2 and so on.", fix="Name the commit: inv vendor.bump REF")
    return f"b{max(numbers)}"


def proposal(ref: str, outcomes: Iterable[Outcome], lines: Iterable[str]) -> Proposal:
    """Return what is proposed: `lines` of the dry run as Markdown, which becomes the text of the pull request."""
    conflicts = tuple(outcome.name for outcome in outcomes if outcome.how == "conflict")
    head = f"llama.cpp {ref}. Each patch, tried in a scratch clone:"
    tail = (
        "Conflicts are resolved by hand: `inv vendor.bump` stops at each." if conflicts else "No patch is in conflict."
    )
    report = "\n".join([head, "", "```", *lines, "```", "", tail, ""])
    return Proposal(ref=ref, report=report, conflicts=conflicts)


def pack(checkout: Checkout, file: Path) -> None:
    """Write what the update changed as one patch, with new files; raises ToolError if nothing changed."""
    run(["git", "add", "--all", "--", *PLACES], cwd=checkout.root)
    changes = run(["git", "diff", "--cached", "--binary"], cwd=checkout.root).stdout
    if not changes:
        raise ToolError("The update changed nothing.", fix="Begin with: inv update.prepare --into FOLDER")
    write_text(file, changes)


def measure(checkout: Checkout, report: Path) -> None:
    """Run the benchmark of speed and add its table to the report; what Nox itself says is not in it."""
    table = run([sys.executable, "-m", "nox", "-s", "bench"], cwd=checkout.root).stdout.strip()
    text = report.read_text(encoding="utf-8")
    write_text(report, f"{text}\n`nox -s bench` on the runner, with this llama.cpp on both sides:\n\n{table}\n")


def open_pull_request(checkout: Checkout, ref: str, *, changes: Path, body: Path) -> None:
    """Commit `changes` on a branch of its own, push it, and open a pull request with the text in `body`, with `gh`."""
    if not _NAME.fullmatch(ref):
        raise ToolError(f"{ref!r} is no release of llama.cpp.", fix="Releases are called b and a number: b7311.")
    branch, title = f"llama.cpp-{ref}", f"Move to llama.cpp {ref}"
    author = ["-c", "user.name=github-actions", "-c", "user.email=github-actions@users.noreply.github.com"]
    steps: Sequence[Sequence[str]] = (
        ["git", "switch", "--create", branch],
        ["git", "apply", "--index", str(changes)],
        ["git", *author, "commit", "--message", title],
        ["gh", "auth", "setup-git"],
        ["git", "push", "--force", "origin", branch],
        ["gh", "pr", "create", "--title", title, "--body-file", str(body), "--head", branch],
    )
    for step in steps:
        run(step, cwd=checkout.root)


def write_report(path: Path, made: Proposal) -> None:
    """Write the report for later jobs, and for the text of the pull request."""
    write_text(path, made.report)
