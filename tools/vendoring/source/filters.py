"""Read vendor/sync.toml: which of upstream's files each package takes, and where they go."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from tools.errors import ToolError
from tools.util.toml_table import Table, read_toml

_BELOW = "a folder below the checkout"


@dataclass(frozen=True, kw_only=True)
class Section:
    """One package's part of the filter file."""

    name: str
    into: str
    """The synced tree, relative to the checkout."""
    take: tuple[str, ...]
    own: tuple[str, ...] = ()
    shared: str = ""
    """A folder of ours, relative to the checkout, that is copied beside upstream's files as `llamapack/`."""

    def takes(self, path: str) -> bool:
        """Tell whether upstream's file `path` is copied: the last pattern that matches decides."""
        taken = False
        for pattern in self.take:
            if pattern_matches(pattern.removeprefix("!"), path):
                taken = not pattern.startswith("!")
        return taken

    def idle(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return the patterns that match none of `paths`."""
        known = tuple(paths)
        return tuple(p for p in self.take if not any(pattern_matches(p.removeprefix("!"), path) for path in known))

    @property
    def digest(self) -> str:
        """A SHA-256 of what this section says; comments and other sections do not change it."""
        said = json.dumps([self.name, self.into, self.take, self.own, *filter(None, [self.shared])])
        return hashlib.sha256(said.encode()).hexdigest()


def load_filter(path: Path) -> tuple[Section, ...]:
    """Return the sections of the filter file, in its order; a malformed one is refused by its key."""
    file = read_toml(path)
    sections = tuple(_section(file.table(name), name) for name in file.data)
    if not sections:
        raise ToolError(f"{path} has no section.", fix=f"Get it back: git checkout -- {path}")
    _refuse_shared_trees(path, sections)
    return sections


def _section(table: Table, name: str) -> Section:
    table.only("into", "take", "own", "shared")
    into = table.matching("into", is_inside, _BELOW)
    shared = table.matching("shared", is_inside, _BELOW) if "shared" in table.data else ""
    take, own = table.texts("take"), table.texts_or_empty("own")
    if not take or not all(pattern.strip("!") for pattern in take):
        raise table.wrong("take", "a list of patterns, such as 'ggml/src/*'")
    return Section(name=name, into=into, take=take, own=own, shared=shared)


def _refuse_shared_trees(path: Path, sections: tuple[Section, ...]) -> None:
    for section in sections:
        for other in sections:
            if other is not section and PurePosixPath(section.into).is_relative_to(other.into):
                raise ToolError(
                    f"{path}: {section.name}.into is inside {other.name}.into.", fix="Give each section its own folder."
                )


def is_inside(path: str) -> bool:
    """Tell whether `path` is relative, with forward slashes, and stays below where it starts."""
    parts = path.split("/")
    return bool(path) and "\\" not in path and ":" not in parts[0] and not {"", ".", ".."} & set(parts)


def pattern_matches(pattern: str, path: str) -> bool:
    """Tell whether `pattern` matches the whole of `path`."""
    return bool(_expression(pattern).fullmatch(path))


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    pieces = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    whole = pattern + "**" if pattern.endswith("/") else pattern
    words = re.split(r"(\*\*/|\*\*|\*|\?)", whole)
    return re.compile("".join(pieces.get(word) or re.escape(word) for word in words), re.DOTALL)
