"""Write commits as patch files: the same commits are the same bytes, whoever writes them and with whichever git."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

from tools.errors import ToolError
from tools.git.apply import fits
from tools.git.patch import Patch
from tools.git.repository import Commits, Git
from tools.git.scratch_clone import scratch_clone
from tools.git.snapshot import scratch_index
from tools.util.scratch import temporary_folder

_FORMAT = (
    *("format-patch", "--stdout", "-1", "-p", "--zero-commit", "--no-signature", "--no-numbered", "--no-thread"),
    *("--no-attach", "--no-base", "--no-cover-letter", "--no-notes", "--no-from", "--no-to", "--no-cc"),
    *("--no-add-header", "--no-signoff", "--subject-prefix=PATCH", "--encode-email-headers"),
    *("--binary", "--full-index", "--no-renames", "--unified=3", "--inter-hunk-context=0", "--diff-algorithm=myers"),
    *("--indent-heuristic", "--src-prefix=a/", "--dst-prefix=b/", "--no-relative", "--no-color", "--no-ext-diff"),
    *("--no-textconv", "--submodule=short", "--ignore-submodules=none"),
)
_NAME_LENGTH = 52
_EXPORTED: dict[str, bytes] = {}
"""The patch files of commits that were written before: the id of a commit says all that goes into its file."""
_REWORD = "Word that line otherwise: git commit --amend (or git rebase -i)"


def export_commits(git: Git, commits: Commits) -> tuple[Patch, ...]:
    """Return each commit as a patch of the series, in order; one that a patch file cannot hold is refused."""
    if not commits:
        return ()
    _refuse_merges(git, commits)
    with scratch_clone(git) as clone, scratch_index(clone, f"{next(iter(commits))}^") as index:
        return tuple(_export(clone, index, commit, number) for number, commit in enumerate(commits, start=1))


def exported_contents(git: Git, commits: Commits) -> dict[str, bytes]:
    """Return the bytes of the patch file that would hold each commit, to compare with files that are there.

    Merges and commits without a parent are left out: no patch file holds them. Whether a file can hold the others is
    not looked at.
    """
    if new := [commit for commit, parents in commits.items() if commit not in _EXPORTED and len(parents) == 1]:
        with scratch_clone(git) as clone:
            _EXPORTED.update({commit: _content(clone, commit) for commit in new})
    return {commit: _EXPORTED[commit] for commit in commits if commit in _EXPORTED}


def _content(clone: Git, commit: str) -> bytes:
    return clone.run(*_FORMAT, commit).stdout.encode("utf-8", "surrogateescape")


def _export(clone: Git, index: Git, commit: str, number: int) -> Patch:
    """Return `commit` as a patch; `index`, which holds its parent's tree, holds its own afterwards."""
    options = ("--format=%f%x00%B%x00", "--numstat", "--no-renames", "--no-textconv", "--no-ext-diff")
    slug, message, changes = clone.run("log", "-1", *options, commit).stdout.split("\0")
    _refuse_unwritable(f"{commit[:9]} ({message.partition(chr(10))[0]})", changes.split("\n"))
    slug = re.sub(r"[^a-z0-9]+", "-", slug.lower()).strip("-")
    name = f"{number:04}-{slug[:_NAME_LENGTH].rstrip('-') or 'patch'}.patch"
    patch = Patch(name=name, content=_content(clone, commit))
    body, change = _as_am_reads(clone, commit, patch)
    _refuse_altered_message(commit, message, body)
    _refuse_altered_change(index, commit, change)
    return patch


def _refuse_merges(git: Git, commits: Commits) -> None:
    if merge := next((commit for commit, parents in commits.items() if len(parents) != 1), ""):
        raise ToolError(
            f"{merge[:9]} ({git.ask('log', '-1', '--format=%s', merge)}) is a merge.",
            why="A series is a line of patches.",
            fix="Rebase without merges: git rebase",
        )


def _refuse_unwritable(subject: str, changes: Sequence[str]) -> None:
    """Raise ToolError for a commit whose changes, as `git log --numstat` lists them, a patch file cannot hold."""
    if not any(changes):
        raise ToolError(f"{subject} changes nothing.", fix="Drop it: git rebase --empty=drop")
    if binary := [line.split("\t")[2] for line in changes if line.startswith("-\t-\t")]:
        raise ToolError(
            f"{subject} changes the binary file {binary[0]}.",
            why="A patch of the series is text that people read.",
            fix="Keep that file in this project instead.",
        )


def _as_am_reads(clone: Git, commit: str, patch: Patch) -> tuple[str, Patch]:
    """Return the message and the change that `git am` would read out of the patch, split and parsed as it does."""
    with temporary_folder("mail") as folder:
        file = folder / patch.name
        file.write_bytes(patch.content)
        count = clone.ask("mailsplit", "--keep-cr", f"-o{folder}", "--", file)
        if count != "1":
            raise ToolError(
                f"The message of {commit[:9]} has a line that begins like the `From ` line of a mailbox.",
                why="`git am` would take what follows it for another patch, so that nobody could apply the file.",
                fix=_REWORD,
            )
        body, change = folder / "body", folder / "diff"
        mail = (folder / "0001").read_bytes().decode("utf-8", "surrogateescape")
        headers = clone.run("mailinfo", "-b", "--no-scissors", "--encoding=UTF-8", body, change, stdin=mail).stdout
        subject = re.search(r"^Subject: (.*)$", headers, re.MULTILINE)
        text = body.read_text(encoding="utf-8", errors="surrogateescape")
        return f"{subject[1] if subject else ''}\n\n{text}", Patch(name=patch.name, content=change.read_bytes())


def _refuse_altered_message(commit: str, message: str, read: str) -> None:
    """Compare the message with the one that `git am` would read out of the patch."""
    wanted, found = list(_lines(message)), list(_lines(read))
    if wanted != found:
        line = next((w for w, f in zip(wanted, [*found, *[""] * len(wanted)], strict=False) if w != f), "")
        raise ToolError(
            f"The message of {commit[:9]} would come back changed at the line: {line!r}",
            why="`git am` ends a message at a line that begins like a diff or with three dashes, and joins the "
            "lines of a subject.",
            fix=_REWORD,
        )


def _refuse_altered_change(index: Git, commit: str, change: Patch) -> None:
    """Apply the change that `git am` would read to the index, and compare that with the commit."""
    compare = ("diff-index", "--cached", "--quiet", commit)
    if not fits(index, change) or index.run(*compare, statuses=(0, 1)).returncode:
        raise ToolError(
            f"A patch file cannot hold {commit[:9]}: applied again, it gives other files.",
            why="The change that `git am` reads out of it is not the commit's.",
            fix="Make the change in another way: git commit --amend (or git rebase -i)",
        )


def _lines(message: str) -> Iterator[str]:
    yield from (line.rstrip() for line in message.splitlines() if line.strip())


def committed_patches(git: Git, commits: Commits) -> dict[str, str]:
    """Return the SHA-256 of the patch file of each commit that can be one, in their order."""
    contents = exported_contents(git, commits)
    return {commit: hashlib.sha256(content).hexdigest() for commit, content in contents.items()}
