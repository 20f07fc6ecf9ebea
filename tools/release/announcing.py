"""The release at GitHub: the changelog's section, checksums, and the SBOM of each wheel, put there with `gh`."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

from tools.errors import ToolError
from tools.paths import Checkout
from tools.release.changelog import section_of
from tools.release.distribution import Distribution
from tools.release.gates.files import read_files
from tools.release.gates.source import tag_of
from tools.release.versions import VERSION
from tools.util.atomic_files import write_file, write_text
from tools.util.cmd import run
from tools.util.files import remove_tree

CHECKSUMS = "SHA256SUMS"
NOTES = "notes.md"


def write_assets(checkout: Checkout, dist: Path, version: str, into: Path) -> list[Path]:
    """Write what accompanies a release into the folder `into`, which is emptied first; return its files.

    That is `notes.md`, `SHA256SUMS` as sha256sum reads it, and for each wheel the SBOMs in it.
    """
    files = read_files(dist)[0]
    if not files:
        raise ToolError(f"{dist} has no wheels or sdists.", fix="Name the folder of the files that were published.")
    remove_tree(into)
    section = section_of(checkout.root / "CHANGELOG.md", version)
    write_text(into / NOTES, f"{section.text}\n")
    lines = sorted(f"{file.sha256}  {file.path.name}" for file in files)
    write_text(into / CHECKSUMS, "\n".join([*lines, ""]))
    for file in files:
        _write_sboms(file, into)
    return sorted(into.iterdir())


def announce(checkout: Checkout, version: str, assets: Sequence[Path]) -> None:
    """Make the release at GitHub, of a tag that is there; in a pre-release, nothing is called the latest."""
    notes = [path for path in assets if path.name == NOTES]
    found = VERSION.fullmatch(version)
    final = bool(found and found["final"] == version)
    words = ["gh", "release", "create", tag_of(version), "--verify-tag", "--title", f"llamapack {version}"]
    words += ["--notes-file", str(notes[0]), *([] if final else ["--prerelease"])]
    run([*words, *(path for path in assets if path.name != NOTES)], cwd=checkout.root)


def _write_sboms(file: Distribution, into: Path) -> None:
    if not file.is_wheel:
        return
    with zipfile.ZipFile(file.path) as archive:
        for name in archive.namelist():
            if ".dist-info/sboms/" in name and not name.endswith("/"):
                write_file(into / f"{file.path.stem}.{Path(name).name}", archive.read(name))
