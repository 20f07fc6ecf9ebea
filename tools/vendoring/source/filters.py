"""Read vendor/sync.toml: which of upstream's files each package takes, and where they go."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

import tomllib

from tools.errors import ToolError


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
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise ToolError(f"{path} does not exist.", fix=f"Run: git checkout -- vendor/{path.name}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ToolError(f"{path} is not valid TOML.", why=str(error), fix="Correct that line.") from error
    sections = tuple(_section(path, name, values) for name, values in data.items())
    if not sections:
        raise ToolError(f"{path} has no section.", fix=f"Run: git checkout -- vendor/{path.name}")
    _refuse_shared_trees(path, sections)
    return sections


def _section(path: Path, name: str, values: object) -> Section:
    if not isinstance(values, dict):
        raise ToolError(f"{path}: {name} stands outside a section.", fix="Put it under [core] or another section.")
    if unknown := sorted(set(values) - {"into", "take", "own", "shared"}):
        raise ToolError(f"{path}: unknown key {name}.{unknown[0]}.", fix="Known keys: into, take, own, shared.")
    into = _folder(path, f"{name}.into", values.get("into"))
    shared = _folder(path, f"{name}.shared", values["shared"]) if "shared" in values else ""
    take = _strings(path, f"{name}.take", values.get("take"))
    if not take:
        raise ToolError(f"{path}: {name}.take is empty.", fix="List at least one pattern of upstream's files.")
    own = _strings(path, f"{name}.own", values.get("own", []))
    return Section(name=name, into=into, take=take, own=own, shared=shared)


def _folder(path: Path, key: str, value: object) -> str:
    if not isinstance(value, str) or not is_inside(value):
        raise ToolError(f"{path}: {key} is {value!r}.", fix="It must be a folder below the checkout.")
    return value


def _strings(path: Path, key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip("!") for item in value):
        raise ToolError(f"{path}: {key} is {value!r}.", fix="It must be a list of patterns, such as 'ggml/src/*'.")
    return tuple(value)


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
