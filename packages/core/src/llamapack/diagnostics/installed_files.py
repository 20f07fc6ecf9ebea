"""The files of llamapack and its plug-ins as they are now, beside those that were installed.

A wheel brings a list of its files with a SHA-256 of each, RECORD, which pip and other installers keep.
Source: "Recording installed projects" and "Binary distribution format" of the Python Packaging User Guide; PEP 770.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import Distribution, PackagePath, distributions
from pathlib import Path
from typing import Any

NAME = "llamapack"
PACKAGE = Path(__file__).parents[1]
"""The folder that runs, which need not be the one that is installed."""
_OF_THE_INSTALLER = frozenset({"INSTALLER", "REQUESTED", "RECORD", "direct_url.json"})
_REWRITE = frozenset({"conda"})
"""Installers that change libraries after they were recorded."""


@dataclass(frozen=True, kw_only=True)
class InstalledPackage:
    """A package of ours, and what became of its files."""

    name: str
    version: str
    sbom: str | None
    """The SHA-256 of its software bill of materials; None if it has none."""
    compared: bool
    """False if there is no list of files, the installer does not keep to it, other files run, or they are in a zip."""
    changed: tuple[str, ...] = ()
    """Files with other contents than the installed ones, from the folder of packages."""
    missing: tuple[str, ...] = ()

    def to_data(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def installed_packages() -> list[InstalledPackage]:
    """Return llamapack and its plug-ins, by name; where one is installed twice, what Python imports."""
    found: dict[str, Distribution] = {}
    for each in distributions():
        name = (each.metadata["Name"] or "").lower().replace("_", "-")
        if name == NAME or name.startswith(f"{NAME}-"):
            found.setdefault(name, each)
    return [_examine(name, each) for name, each in sorted(found.items())]


def problems(packages: list[InstalledPackage]) -> list[dict[str, str]]:
    """Return what is wrong, in the words of the doctor's report."""
    return [
        {
            "what": f"Files of {each.name} are not those that were installed.",
            "why": "; ".join(_said(each)),
            "fix": f'python -m pip install --force-reinstall --no-deps "{each.name}=={each.version}"',
        }
        for each in packages
        if each.changed or each.missing
    ]


def _said(package: InstalledPackage) -> Iterator[str]:
    for word, files in (("changed", package.changed), ("missing", package.missing)):
        if files:
            more = f" and {len(files) - 3} more" if len(files) > 3 else ""
            yield f"{word}: {', '.join(files[:3])}{more}"


def _examine(name: str, package: Distribution) -> InstalledPackage:
    files = package.files or []
    folder = Path(str(package.locate_file("")))
    compared = bool(files) and folder.is_dir() and (package.read_text("INSTALLER") or "").strip() not in _REWRITE
    if name == NAME:
        compared = compared and (folder / NAME).resolve() == PACKAGE.resolve()
    changed, missing = [], []
    for file in files if compared else ():
        if file.hash is None or file.hash.mode != "sha256" or file.name in _OF_THE_INSTALLER:
            continue
        try:
            if digest(file) != file.hash.value:
                changed.append(str(file))
        except OSError:
            missing.append(str(file))
    return InstalledPackage(
        name=name,
        version=package.version,
        sbom=_bill(files),
        compared=compared,
        changed=tuple(changed),
        missing=tuple(missing),
    )


def digest(file: PackagePath) -> str:
    """Return the SHA-256 of a file as RECORD writes it. Raises OSError."""
    found = hashlib.sha256()
    with Path(str(file.locate())).open("rb") as opened:
        while part := opened.read(1 << 20):
            found.update(part)
    return base64.urlsafe_b64encode(found.digest()).decode().rstrip("=")


def _bill(files: list[PackagePath]) -> str | None:
    """Return the SHA-256 of the bill of materials, in the usual hexadecimal digits."""
    for file in files:
        if file.parent.name == "sboms" and file.name.endswith(".cdx.json"):
            try:
                return hashlib.sha256(Path(str(file.locate())).read_bytes()).hexdigest()
            except OSError:
                return None
    return None
