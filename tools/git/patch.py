"""Read the patch series: patches/NNNN-name.patch, applied in the order of their names."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError

NAME = re.compile(r"\d{4}-[a-z0-9][a-z0-9._-]*\.patch")
HEADERS = ("Why", "Upstream", "Drop when")
PLACEHOLDER = "(to be written)"


@dataclass(frozen=True, kw_only=True)
class Patch:
    """One patch file."""

    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        """Of its bytes."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def text(self) -> str:
        """Its content; bytes that are not UTF-8 are kept as surrogates."""
        return self.content.decode("utf-8", "surrogateescape")

    @property
    def message(self) -> str:
        """Its header and message."""
        return self.text.partition("\ndiff --git ")[0]

    @property
    def change(self) -> str:
        """Its difference, without the ids of contents."""
        return re.sub(r"^index .*$", "", self.text.partition("\ndiff --git ")[2], flags=re.MULTILINE)

    @property
    def files(self) -> tuple[str, ...]:
        """The files it changes."""
        found = re.findall(r"^diff --git a/(.+) b/\1$", self.text, re.MULTILINE)
        return tuple(dict.fromkeys(found))

    @property
    def missing_headers(self) -> tuple[str, ...]:
        """Which of Why, Upstream and Drop when its message lacks."""
        pattern = rf"^({'|'.join(HEADERS)}): (?!{re.escape(PLACEHOLDER)})\S"
        given = re.findall(pattern, self.message, re.MULTILINE)
        return tuple(name for name in HEADERS if name not in given)


def read_series(folder: Path) -> tuple[Patch, ...]:
    """Return the patches in `folder`, in order; none is a series too. Two of one number are refused."""
    patches = read_patches(folder)
    for first, second in itertools.pairwise(patches):
        if first.name[:4] == second.name[:4]:
            raise ToolError(
                f"{first.name} and {second.name} in {folder} have the same number.",
                why="The numbers are the order of the series.",
                fix="Give one of them the next free number; or, to write what is applied: inv vendor.create-patches",
            )
    return patches


def read_patches(folder: Path) -> tuple[Patch, ...]:
    """Return the patch files in `folder`; a badly named one is refused."""
    patches = tuple(
        Patch(name=path.name, content=path.read_bytes()) for path in sorted(folder.glob("*.patch")) if path.is_file()
    )
    for patch in patches:
        if not NAME.fullmatch(patch.name):
            raise ToolError(
                f"{folder / patch.name} is not named as a patch of the series.",
                fix="Call it NNNN-name.patch, all lower case, or take it out of the folder.",
            )
    return patches


def series_digest(patches: Sequence[Patch]) -> str:
    """Return one SHA-256 for the names and contents of a series."""
    return hashlib.sha256("".join(f"{patch.sha256} {patch.name}\n" for patch in patches).encode()).hexdigest()
