"""The forms of a reference to a model.

| form | stands for |
| --- | --- |
| `models/model.gguf` | a file; one that exists is always meant, whatever its name |
| `hf:org/repo`, `hf:org/repo:Q8_0`, `hf:org/repo/file.gguf`, each with `@revision` | files in a repository of the hub |
| `ollama:name`, `ollama:name:tag` | a model that Ollama has on this machine |
| `https://host/model.gguf#sha256=...` | a file of any server, with its checksum |
| `name` | an entry of the user's list |
"""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

from llamapack._util.arguments import path_exists
from llamapack.errors import InputError

DEFAULT_REVISION = "main"
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(:[A-Za-z0-9][A-Za-z0-9._-]*)?")
# what Windows does not allow; C0, DEL, C1 and what turns the direction of text around; halves of characters
_UNSAFE = re.compile(r'[\\:*?"<>|\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]')
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_HUB_FORMS = "Write hf:org/repo, hf:org/repo:Q8_0 or hf:org/repo/file.gguf, and @revision after it if you want one."
_OLLAMA_FORMS = "Write ollama:name or ollama:name:tag, as `ollama list` shows it."


@dataclass(frozen=True, kw_only=True)
class PathReference:
    """A file of this machine."""

    path: Path


@dataclass(frozen=True, kw_only=True)
class HubReference:
    """A model in a repository of the hub: the file `file`, or the one that fits `tag`, such as Q8_0."""

    repository: str
    tag: str | None = None
    file: str | None = None
    revision: str = DEFAULT_REVISION

    def __str__(self) -> str:
        """Return it as it is written."""
        which = f":{self.tag}" if self.tag else f"/{self.file}" if self.file else ""
        return f"hf:{self.repository}{which}{'' if self.revision == DEFAULT_REVISION else f'@{self.revision}'}"


@dataclass(frozen=True, kw_only=True)
class OllamaReference:
    """A model that Ollama has on this machine; `host` and `namespace` are those of its registry."""

    name: str
    tag: str = "latest"
    host: str = "registry.ollama.ai"
    namespace: str = "library"

    def __str__(self) -> str:
        """Return it as it is written."""
        parts = [self.host, self.namespace, self.name]
        if self.host == OllamaReference.host:
            parts = parts[2:] if self.namespace == OllamaReference.namespace else parts[1:]
        return f"ollama:{'/'.join(parts)}:{self.tag}"


@dataclass(frozen=True, kw_only=True)
class UrlReference:
    """A file of a server, and the SHA-256 that it must have."""

    url: str
    sha256: str
    name: str


@dataclass(frozen=True, kw_only=True)
class AliasReference:
    """A name that the user may have given to another reference."""

    name: str


Reference: TypeAlias = PathReference | HubReference | OllamaReference | UrlReference | AliasReference


def parse(reference: str | os.PathLike[str]) -> Reference:
    """Say what form a reference has; raises InputError for one that is wrong. Nothing is looked up but its file."""
    if not isinstance(reference, str):
        return PathReference(path=Path(reference))
    if not reference:
        raise InputError("The name of the model is empty.", fix="Name a file, or a model such as hf:org/repo.")
    if path_exists(reference):
        return PathReference(path=Path(reference))
    scheme, colon, rest = reference.partition(":")
    if colon and scheme == "hf":
        return _hub(reference, rest)
    if colon and scheme == "ollama":
        return _ollama(reference, rest)
    if "://" in reference:
        return _url(reference)
    if _NAME.fullmatch(reference) and not reference.lower().endswith(".gguf"):
        return AliasReference(name=reference)
    return PathReference(path=Path(reference))


def is_alias(name: str) -> bool:
    """Return True if a name may be in the user's list: it is no path and no other form of a reference."""
    return bool(_NAME.fullmatch(name)) and not name.lower().endswith(".gguf") and name.partition(":")[0] not in _TAKEN


_TAKEN = ("hf", "ollama", "http", "https")


def is_safe(path: str) -> bool:
    """Return True if a path on a server stays within its folder on every system, and is safe to show."""
    parts = path.split("/")
    wrong = any(part in ("", ".", "..") or part != part.strip(" ") or part.endswith(".") for part in parts)
    return not wrong and not _UNSAFE.search(path)


def _hub(reference: str, rest: str) -> HubReference:
    what, at, revision = rest.rpartition("@") if "@" in rest else (rest, "", DEFAULT_REVISION)
    if at and not (_REVISION.fullmatch(revision) and is_safe(revision)):
        raise InputError(f"{reference!r} names no revision after the @.", fix=_HUB_FORMS)
    owner, _, beyond = what.partition("/")
    found = re.match(r"[^:/]*", beyond)
    name = found[0] if found else ""
    tag, file = _tag_or_file(reference, beyond[len(name) :])
    for part in (owner, name):
        if not _PART.fullmatch(part) or "--" in part or ".." in part or part.endswith("."):
            raise InputError(f"{reference!r} names no repository: {part!r} is no part of a name.", fix=_HUB_FORMS)
    return HubReference(repository=f"{owner}/{name}", tag=tag, file=file, revision=revision)


def _tag_or_file(reference: str, text: str) -> tuple[str | None, str | None]:
    if text.startswith(":"):
        if not _TAG.fullmatch(text[1:]):
            raise InputError(f"{reference!r} has {text[1:]!r} after the colon, which is no tag.", fix=_HUB_FORMS)
        return text[1:], None
    if text.startswith("/"):
        file = text[1:]
        if not is_safe(file):
            raise InputError(f"{reference!r} names a file outside the repository, or none.", fix=_HUB_FORMS)
        if not file.lower().endswith(".gguf"):
            raise InputError(f"{reference!r} names {file!r}, which is no .gguf file.", fix=_HUB_FORMS)
        return None, file
    return None, None


def _ollama(reference: str, rest: str) -> OllamaReference:
    path, _, tag = rest.partition(":")
    parts = path.split("/")
    texts = [*parts, tag or "latest"]
    if len(parts) > 3 or not all(_PART.fullmatch(part) and ".." not in part for part in texts):
        raise InputError(f"{reference!r} names no model of Ollama.", fix=_OLLAMA_FORMS)
    host, namespace, name = ("registry.ollama.ai", "library", "")[: 3 - len(parts)] + tuple(parts)
    return OllamaReference(name=name, tag=tag or "latest", host=host, namespace=namespace)


def _url(reference: str) -> UrlReference:
    try:
        parts = split_address(reference)
    except ValueError as error:
        why = f"{error}."
        raise InputError("The address is wrong.", why=why, fix="Write https://host/model.gguf#sha256=...") from None
    url = parts._replace(fragment="").geturl()
    shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"{shown!r} is no address of a web server.", fix="Write https://host/model.gguf#sha256=...")
    if parts.username is not None:
        raise InputError(f"{shown!r} was given with a user name.", fix="Leave it out: addresses are kept in logs.")
    if parts.scheme == "http" and not is_loopback(parts):
        raise InputError(f"{reference!r} is not encrypted.", fix="Write https://...; http is for this machine only.")
    kind, _, digest = parts.fragment.partition("=")
    if kind != "sha256" or not _SHA256.fullmatch(digest):
        raise InputError(
            f"{reference!r} has no checksum.",
            why="Nobody could tell a changed or damaged file from the right one.",
            fix=_with_checksum(parts, url),
        )
    name = unquote(parts.path.rpartition("/")[2])
    if not name.lower().endswith(".gguf") or not is_safe(name) or "/" in name:
        raise InputError(f"{reference!r} does not end in the name of a .gguf file.", fix="Name a .gguf file.")
    return UrlReference(url=url, sha256=digest.lower(), name=name)


def _with_checksum(parts: SplitResult, url: str) -> str:
    found = re.fullmatch(r"/([^/]+/[^/]+)/(?:resolve|blob)/([^/]+)/(.+\.gguf)", parts.path)
    if parts.hostname in ("huggingface.co", "hf.co") and found:
        revision = "" if found[2] == DEFAULT_REVISION else f"@{found[2]}"
        return f"Write hf:{found[1]}/{found[3]}{revision}: the hub knows the checksum."
    return f"Write {url}#sha256=DIGEST, with the 64 digits that `sha256sum` prints for the file."


def split_address(address: str) -> SplitResult:
    """Split an address, with a port that is a number; raises ValueError, also for what urlsplit finds later only."""
    parts = urlsplit(address)
    _ = parts.port
    return parts


def is_loopback(parts: SplitResult) -> bool:
    """Return True for addresses of this machine only."""
    if parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
