"""One file of the cache, and what is known of it: a JSON file beside it, without which it is none."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llamapack.server.prompt_cache.prefixes import Prefix

STATE, ABOUT, UNFINISHED = ".state", ".json", ".part"
OURS = re.compile(r"[0-9a-f]{32}\.(state|json|part)")
"""The names of files that are the cache's. Others are left alone."""
_FORMAT = 1
_HASH = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file of `size` bytes, for a prompt of `length` bytes, which with its answer was `tokens` tokens."""

    name: str
    chain: Sequence[str]
    length: int
    tokens: int
    size: int

    @property
    def file(self) -> str:
        """The name of the file with the state."""
        return self.name + STATE

    def tokens_of(self, length: int) -> int:
        """Return about how many tokens so many bytes of its prompt are."""
        return min(self.tokens, round(self.tokens * length / self.length))


def write_entry(folder: Path, name: str, prefix: Prefix, tokens: int) -> Entry:
    """Make the unfinished file `name` a file of the cache. Raises OSError."""
    unfinished = folder / (name + UNFINISHED)
    unfinished.chmod(0o600)
    size = unfinished.stat().st_size
    entry = Entry(name=name, chain=prefix.chain, length=prefix.length, tokens=tokens, size=size)
    facts = {"format": _FORMAT, "length": entry.length, "tokens": tokens, "size": size, "chain": list(prefix.chain)}
    unfinished.replace(folder / entry.file)
    written = folder / (os.urandom(16).hex() + UNFINISHED)
    written.write_text(json.dumps(facts), encoding="ascii")
    written.chmod(0o600)
    written.replace(folder / (name + ABOUT))
    return entry


def read_entry(path: Path) -> Entry:
    """Read what is known of a file. Raises OSError, and ValueError if it is damaged, or the file is another one."""
    found: Any = json.loads(path.read_text(encoding="ascii"))
    if not isinstance(found, dict) or found.get("format") != _FORMAT:
        raise ValueError("it was written by another version")
    chain = found.get("chain")
    if not isinstance(chain, list) or not all(isinstance(each, str) and _HASH.fullmatch(each) for each in chain):
        raise ValueError("it has no hashes")
    length, tokens, size = (_number(found, name) for name in ("length", "tokens", "size"))
    entry = Entry(name=path.stem, chain=tuple(chain), length=length, tokens=tokens, size=size)
    if path.with_name(entry.file).stat().st_size != size:
        raise ValueError("the file with the state has another size")
    return entry


def _number(found: Mapping[str, Any], name: str) -> int:
    value = found.get(name)
    if not isinstance(value, int) or value <= 0:
        raise ValueError(f"{name} is no number")
    return value


def remove_entry(folder: Path, name: str) -> None:
    """Remove a file, and what is known of it. Raises OSError, but not if it is gone."""
    for ending in (ABOUT, STATE, UNFINISHED):
        (folder / (name + ending)).unlink(missing_ok=True)
