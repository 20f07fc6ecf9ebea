"""Read and write vendor/llama.cpp.toml, the one place that says which llama.cpp this is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tools.paths import PIN
from tools.util.toml_table import Table, read_toml

_ID = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_ADDRESS = re.compile(r"[A-Za-z0-9/.~][^\s\x00-\x1f]*")
_FOLDER = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """A source distribution that carries the pinned checkout with its git objects."""

    package: str
    version: str
    sha256: str
    git_dir: str
    """The folder in the archive, below its top one, that holds the objects."""


@dataclass(frozen=True, kw_only=True)
class Pin:
    """One state of llama.cpp, with the ways to get it."""

    repository: str
    commit: str
    tree: str
    ggml_tree: str
    build_number: int
    mirrors: tuple[Mirror, ...]


def load_pin(path: Path = PIN) -> Pin:
    """Return the pin that `path` holds; a missing, unknown or malformed field is refused by its name."""
    table = read_toml(path).only("repository", "commit", "tree", "ggml_tree", "build_number", "mirrors")
    commit, tree, ggml_tree = (
        table.matching(name, _ID.fullmatch, "an object id of 40 hex digits") for name in ("commit", "tree", "ggml_tree")
    )
    if (number := table.number("build_number")) < 0:
        raise table.wrong("build_number", "0 or more")
    return Pin(
        repository=table.matching("repository", _ADDRESS.fullmatch, "an address or a path that git can clone"),
        commit=commit,
        tree=tree,
        ggml_tree=ggml_tree,
        build_number=number,
        mirrors=tuple(map(_mirror, table.tables("mirrors"))) if "mirrors" in table.data else (),
    )


def _mirror(table: Table) -> Mirror:
    table.only("package", "version", "sha256", "git_dir")
    return Mirror(
        package=table.matching("package", _NAME.fullmatch, "the name of a package"),
        version=table.matching("version", _NAME.fullmatch, "the version of that package"),
        sha256=table.matching("sha256", _SHA256.fullmatch, "the SHA-256 of its source distribution, 64 hex digits"),
        git_dir=table.matching("git_dir", _FOLDER.fullmatch, "a relative folder with forward slashes"),
    )


def render_pin(pin: Pin) -> str:
    """Return the text of the file for `pin`."""
    lines = [
        "# Which llama.cpp this is. `inv vendor.bump` writes it; both ids are verified wherever the source comes from.",
        f'repository = "{pin.repository}"',
        f'commit = "{pin.commit}"',
        f'tree = "{pin.tree}"',
        f'ggml_tree = "{pin.ggml_tree}"',
        "# Upstream counts its commits; 0 where the history at hand was too short to count them.",
        f"build_number = {pin.build_number}",
    ]
    for mirror in pin.mirrors:
        lines += [
            "",
            "# A package with an unmodified checkout and its objects, for where git has no network.",
            "[[mirrors]]",
            f'package = "{mirror.package}"',
            f'version = "{mirror.version}"',
            f'sha256 = "{mirror.sha256}"',
            f'git_dir = "{mirror.git_dir}"',
        ]
    return "\n".join(lines) + "\n"
