"""A wheel or an sdist as a file: its name, version and metadata, read without unpacking it."""

from __future__ import annotations

import email.parser
import email.policy
import hashlib
import tarfile
import zipfile
from dataclasses import dataclass
from email.message import Message
from functools import cached_property
from pathlib import Path

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from tools.errors import ToolError


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """A file that can be uploaded: `project` is its normalized name."""

    path: Path
    project: str
    version: str
    metadata_text: bytes
    sha256: str

    @property
    def is_wheel(self) -> bool:
        """True for a wheel, False for an sdist."""
        return self.path.suffix == ".whl"

    @property
    def metadata_sha256(self) -> str:
        """The digest of the metadata."""
        return hashlib.sha256(self.metadata_text).hexdigest()

    @cached_property
    def metadata(self) -> Message:
        """The fields of the metadata."""
        return email.parser.BytesParser(policy=email.policy.compat32).parsebytes(self.metadata_text)

    @property
    def requires_python(self) -> str:
        """The versions of Python it is for; empty for all."""
        return str(self.metadata.get("Requires-Python", ""))

    @property
    def requirements(self) -> tuple[str, ...]:
        """What it requires, with extras and markers as the metadata spells them."""
        return tuple(str(value) for value in self.metadata.get_all("Requires-Dist", []))


def read_distribution(path: Path) -> Distribution:
    """Read a wheel or an sdist; raises ToolError for a file that is neither, is damaged, or contradicts its name."""
    try:
        if path.suffix == ".whl":
            name, number, _, _ = parse_wheel_filename(path.name)
            text = _of_wheel(path)
        else:
            name, number = parse_sdist_filename(path.name)
            text = _of_sdist(path)
    except (InvalidSdistFilename, InvalidWheelFilename) as error:
        raise ToolError(f"{path.name} is neither the name of a wheel nor of an sdist.", why=str(error)) from error
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, KeyError) as error:
        raise ToolError(f"{path.name} cannot be read.", why=f"It is damaged: {error}") from error
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    found = Distribution(path=path, project=name, version=str(number), metadata_text=text, sha256=digest)
    said = (canonicalize_name(str(found.metadata["Name"])), str(found.metadata["Version"]))
    if said != (name, str(number)):
        raise ToolError(f"{path.name} is not what its name says.", why=f"Its metadata are of {said[0]} {said[1]}.")
    return found


def _of_wheel(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        (name,) = _only([each for each in archive.namelist() if each.count("/") == 1 and each.endswith("/METADATA")])
        return archive.read(name)


def _of_sdist(path: Path) -> bytes:
    with tarfile.open(path) as archive:
        (name,) = _only([each for each in archive.getnames() if each.count("/") == 1 and each.endswith("/PKG-INFO")])
        file = archive.extractfile(name)
        assert file is not None, name
        return file.read()


def _only(names: list[str]) -> list[str]:
    if len(names) != 1:
        raise KeyError(f"it has {len(names)} files of metadata")
    return names


def bill_of(wheel: Path) -> bytes:
    """Return the bill of materials inside a wheel; raises ToolError if there is none, or more than one of ours."""
    with zipfile.ZipFile(wheel) as archive:
        stem = wheel.name.partition("-")[0]
        found = [name for name in archive.namelist() if name.endswith(f".dist-info/sboms/{stem}.cdx.json")]
        if len(found) != 1:
            raise ToolError(
                f"{wheel.name} has no software bill of materials.",
                why="It was built by an older checkout, or CMake did not write it.",
                fix="Build the wheel again.",
            )
        return archive.read(found[0])
