"""Read and write vendor/llama.cpp.toml, the one place that says which llama.cpp this is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomllib

from tools.errors import ToolError
from tools.paths import PIN

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
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise ToolError(
            f"{path} does not exist.", fix=f"Run: git checkout -- {path.name} (in {path.parent})"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ToolError(f"{path} is not valid TOML.", why=str(error), fix="Correct that line.") from error
    return _pin(_Fields(path=path, values=data))


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


@dataclass(frozen=True, kw_only=True)
class _Fields:
    """A table of the file; `where` begins the names in messages."""

    path: Path
    values: Mapping[str, Any]
    where: str = ""

    def text(self, name: str, pattern: re.Pattern[str], wanted: str) -> str:
        value = self._value(name)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise self._wrong(name, wanted)
        return value

    def number(self, name: str) -> int:
        value = self._value(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self._wrong(name, "a whole number, 0 or more")
        return value

    def tables(self, name: str) -> list[_Fields]:
        value = self.values.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self._wrong(name, f"a list of tables: [[{name}]]")
        return [_Fields(path=self.path, values=item, where=f"{name}[{number}].") for number, item in enumerate(value)]

    def only(self, *known: str) -> None:
        if unknown := sorted(set(self.values) - set(known)):
            raise ToolError(
                f"{self.path}: unknown field {self.where}{unknown[0]}.",
                fix=f"Take it out; known fields: {', '.join(known)}.",
            )

    def _value(self, name: str) -> object:
        if name not in self.values:
            raise ToolError(
                f"{self.path}: the field {self.where}{name} is missing.", fix="Add it; vendor/README.md lists them."
            )
        return self.values[name]

    def _wrong(self, name: str, wanted: str) -> ToolError:
        value = self.values.get(name)
        return ToolError(f"{self.path}: {self.where}{name} is {value!r}.", fix=f"It must be {wanted}.")


def _pin(fields: _Fields) -> Pin:
    fields.only("repository", "commit", "tree", "ggml_tree", "build_number", "mirrors")
    ids = {name: fields.text(name, _ID, "an object id of 40 hex digits") for name in ("commit", "tree", "ggml_tree")}
    return Pin(
        repository=fields.text("repository", _ADDRESS, "an address or a path that git can clone"),
        build_number=fields.number("build_number"),
        mirrors=tuple(_mirror(table) for table in fields.tables("mirrors")),
        **ids,
    )


def _mirror(fields: _Fields) -> Mirror:
    fields.only("package", "version", "sha256", "git_dir")
    return Mirror(
        package=fields.text("package", _NAME, "the name of a package"),
        version=fields.text("version", _NAME, "the version of that package"),
        sha256=fields.text("sha256", _SHA256, "the SHA-256 of its source distribution, 64 hex digits"),
        git_dir=fields.text("git_dir", _FOLDER, "a relative folder with forward slashes"),
    )
