"""A small upstream and a checkout that vendors it, for tests; the user's git settings do not reach them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tools.git.repository import Git
from tools.paths import Checkout
from tools.util.files import remove_tree
from tools.vendoring.source.pin import Mirror, Pin, load_pin, render_pin

LINES = "".join(f"line {number}\n" for number in range(1, 41))
FILES = {
    "CMakeLists.txt": "project(toy)\n",
    "LICENSE": "do as you like\n",
    "docs/manual.md": "# Manual\n",
    "ggml/src/ggml.c": LINES,
    "ggml/src/cpu.c": LINES,
    "src/llama.cpp": LINES,
    "src/tool.sh": "#!/bin/sh\n",
}
FILTER = """\
[core]
into = "packages/core/native/llama.cpp"
take = ["CMakeLists.txt", "LICENSE", "ggml/", "src/"]
own = ["OURS.md"]
"""
HEADERS = "Why: it is needed\nUpstream: not told yet\nDrop when: upstream has it\n"
AUTHOR = {
    "GIT_AUTHOR_NAME": "Ada Öst",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": "2026-01-02T03:04:05+0000",
    "GIT_COMMITTER_DATE": "2026-01-02T03:04:05+0000",
}


def commit_files(git: Git, files: Mapping[str, str], message: str) -> str:
    """Write `files` and commit everything."""
    for name, text in files.items():
        path = git.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    author = git.with_variables(**AUTHOR)
    author.run("add", "--all")
    author.run("commit", "--quiet", "--allow-empty", "--cleanup=verbatim", "--file=-", stdin=message)
    return git.id_of("HEAD")


def edited(number: int, text: str, lines: str = LINES) -> str:
    """Return `lines` with line `number` replaced by `text`."""
    rows = lines.splitlines(keepends=True)
    rows[number - 1] = f"{text}\n"
    return "".join(rows)


@dataclass(frozen=True, kw_only=True)
class Toy:
    """The upstream and the checkout."""

    checkout: Checkout
    upstream: Git

    @property
    def git(self) -> Git:
        """The tracking repository."""
        return Git.at(self.checkout.tracking)

    @property
    def synced(self) -> Path:
        """The tree in the core package."""
        return self.checkout.root / "packages/core/native/llama.cpp"

    @property
    def base(self) -> str:
        """The pinned commit."""
        return load_pin(self.checkout.pin_file).commit

    def pin(self, commit: str, **fields: object) -> Pin:
        """Pin `commit` of the upstream."""
        pin = Pin(
            repository=str(self.upstream.folder),
            commit=commit,
            tree=self.upstream.id_of(f"{commit}^{{tree}}"),
            ggml_tree=self.upstream.id_of(f"{commit}:ggml"),
            build_number=7,
            mirrors=(),
        )
        pin = replace(pin, **fields)  # type: ignore[arg-type]
        self.checkout.pin_file.write_text(render_pin(pin), encoding="utf-8")
        return pin

    def write(self, name: str, text: str) -> Path:
        """Write a file of the tracking repository."""
        path = self.checkout.tracking / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return path

    def commit(self, subject: str, files: Mapping[str, str], body: str = HEADERS) -> str:
        """Commit files in the tracking repository, as a maintainer does."""
        return commit_files(self.git, files, f"{subject}\n\n{body}")

    def patches(self) -> dict[str, bytes]:
        """Return the patch folder."""
        return {path.name: path.read_bytes() for path in sorted(self.checkout.patches.glob("*.patch"))}

    def state(self) -> dict[str, str]:
        """Return what must not change when an operation is refused or given up."""
        git = self.git
        return {
            "HEAD": git.id_of("HEAD"),
            "branch": git.attempt("symbolic-ref", "-q", "HEAD").stdout,
            "ours": git.id_of("refs/heads/llamapack"),
            "base": git.id_of("refs/llamapack/base"),
            "status": git.run("status", "--porcelain").stdout,
            "pin": self.checkout.pin_file.read_text(encoding="utf-8"),
        }


def make_toy(folder: Path) -> Toy:
    """Make an upstream with one commit, and a checkout that pins it and has no patches."""
    upstream = Git.create(folder / "upstream", branch="master")
    commit = commit_files(upstream, FILES, "Begin\n")
    upstream.run("update-index", "--chmod=+x", "src/tool.sh")
    upstream.with_variables(**AUTHOR).run("commit", "--quiet", "--amend", "--no-edit")
    (upstream.folder / "src/tool.sh").chmod(0o755)
    commit = upstream.id_of("HEAD")
    toy = Toy(checkout=Checkout(root=folder / "our checkout ä"), upstream=upstream)
    (toy.checkout.root / "vendor").mkdir(parents=True)
    toy.checkout.patches.mkdir()
    toy.checkout.filter_file.write_text(FILTER, encoding="utf-8")
    toy.pin(commit)
    return toy


def copy_toy(toy: Toy, folder: Path) -> Toy:
    """Copy a toy with its upstream to `folder`; making one anew takes a hundred calls of git."""
    upstream, root = folder / "upstream", folder / toy.checkout.root.name
    shutil.copytree(toy.upstream.folder, upstream)
    shutil.copytree(toy.checkout.root, root)
    copied = Toy(checkout=Checkout(root=root), upstream=Git.at(upstream))
    for file in (copied.checkout.pin_file, copied.git.dir / "config"):
        if file.exists():
            text = file.read_text(encoding="utf-8")
            file.write_text(text.replace(str(toy.upstream.folder), str(upstream)), encoding="utf-8")
    return copied


def clone_tracking(toy: Toy) -> None:
    """Put a clone in the place of the tracking repository: it has its branches, not our other refs and notes."""
    folder, clone = toy.checkout.tracking, toy.checkout.root / "clone"
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    nothing = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "HOME": str(folder)}
    argv = ["git", "clone", "--quiet", "--template=", str(folder / ".git"), str(clone)]
    subprocess.run(argv, env={**variables, **nothing}, check=True, capture_output=True)
    remove_tree(folder)
    clone.rename(folder)


def make_archive(toy: Toy, path: Path, *, git_dir: str = ".git/modules/vendor/llama.cpp", commit: str = "HEAD") -> Path:
    """Write a source distribution that carries the upstream's checkout, as a real one does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    module = path.parent / "module.git"
    store = Git(folder=module, dir=module)
    Git.create(path.parent / "throwaway").run(
        *("clone", "--quiet", "--bare", "--depth=1", toy.upstream.dir.as_uri(), str(module))
    )
    store.run("update-ref", "--no-deref", "HEAD", toy.upstream.id_of(commit))
    with tarfile.open(path, "w:gz") as tar:
        tar.add(module, f"package-1.0/{git_dir}")
    return path


def mirror_of(archive: Path, sha256: str) -> Mirror:
    """Return a mirror with the name of an archive."""
    return Mirror(package="package", version="1.0", sha256=sha256, git_dir=".git/modules/vendor/llama.cpp")
