"""Compile small programs around a source file of llama.cpp, patched or as upstream has it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tools.git.repository import Git
from tools.paths import TRACKING
from tools.vendoring.ensure import ensure_source
from tools.vendoring.source.tracking import BASE


def compiler() -> str:
    """Return this machine's C++ compiler; skip the test if there is none."""
    found = shutil.which(os.environ.get("CXX", "c++")) or shutil.which("g++") or shutil.which("clang++")
    if not found:
        pytest.skip("a small C++ program is compiled, and this machine has no C++ compiler on PATH")
    return found


def source_tree(name: str, into: Path, *more: str) -> Path:
    """Copy llama.cpp's ggml folder, and `more` of its files or folders, into `into`.

    `name` is `patched` for the source with our patches, `upstream` for the pinned source without them.
    """
    ensure_source()
    revision = {"patched": "refs/heads/llamapack", "upstream": BASE}[name]
    git = Git.at(TRACKING)
    names = git.names(
        "ls-tree", "-r", "-z", "--name-only", revision, "ggml/include", "ggml/src/ggml-cpu/arch/x86", *more
    )
    top = git.names("ls-tree", "-z", "--name-only", revision, "ggml/src/")
    names += tuple(path for path in top if path.endswith((".h", ".cpp", ".c")))
    for path, content in zip(names, git.blobs([git.id_of(f"{revision}:{path}") for path in names]), strict=True):
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        (into / path).write_bytes(content)
    return into


def upstream_file(name: str, path: str) -> bytes:
    """Return the contents of a file of llama.cpp: `patched` with our patches, `upstream` without them."""
    ensure_source()
    revision = {"patched": "refs/heads/llamapack", "upstream": BASE}[name]
    git = Git.at(TRACKING)
    (content,) = git.blobs([git.id_of(f"{revision}:{path}")])
    return content


def compile_program(command: Sequence[str], sources: Sequence[Path], program: Path, tree: Path) -> Path:
    """Compile `sources` with the headers of `tree`, and return the program."""
    includes = [f"-I{tree / folder}" for folder in ("ggml/include", "ggml/src", "include", "src")]
    arguments = [*command, "-std=c++17", *includes, *map(str, sources), "-o", str(program)]
    done = subprocess.run(arguments, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return program
