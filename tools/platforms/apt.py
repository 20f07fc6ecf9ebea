"""Debian's packages: install missing ones, or unpack one from a later release."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError, UnavailableError
from tools.paths import cache_dir
from tools.util.cmd import run, run_live
from tools.util.files import staged_folder
from tools.util.scratch import temporary_folder

log = logging.getLogger(f"llamapack.{__name__}")

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


@dataclass(frozen=True, kw_only=True)
class LaterPackage:
    """A package of a newer release than this machine's; its files are unpacked and used, but never installed.

    Without a version, it is the release's current one: apt checks the signature, and no hash is pinned.
    """

    name: str
    release: str
    version: str = ""
    sha256: str = ""


def is_here() -> bool:
    """Return True if this machine uses apt."""
    return all(shutil.which(program) for program in ("apt-get", "dpkg-query", "dpkg-deb"))


def missing(packages: Sequence[str]) -> tuple[str, ...]:
    """Return those of `packages` that are not installed."""
    said = run(["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *packages], check=False)
    installed = {line.split()[0] for line in said.stdout.splitlines() if line.endswith(" installed")}
    return tuple(name for name in packages if name not in installed)


def require(packages: Sequence[str], *, purpose: str) -> None:
    """Install those of `packages` that are missing; raises UnavailableError if this process is not root."""
    absent = missing(packages)
    if not absent:
        return
    command = f"apt-get install {' '.join(absent)}"
    if os.name != "posix" or os.geteuid() != 0:
        raise UnavailableError(f"{purpose} needs {', '.join(absent)}.", fix=f"Run as root: {command}")
    log.info(f"Installing {', '.join(absent)}, for {purpose}")
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    what, fix = f"{', '.join(absent)} could not be installed", f"Run: apt-get update && {command}"
    run_live(["apt-get", "-qq", "update"], what=what, fix=fix, env=variables)
    options = ["-qq", "--yes", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0"]
    run_live(["apt-get", *options, "install", *absent], what=what, fix=fix, env=variables)


def try_to_install(packages: Sequence[str], *, purpose: str) -> None:
    """Try to install `packages`; if that fails, log the reason and go on: their users report what they skip."""
    if is_here():
        try:
            require(packages, purpose=purpose)
        except ToolError as error:
            log.warning(str(error))


def later_files(packages: Sequence[LaterPackage]) -> Path:
    """Return a folder with the unpacked files of `packages`, all of one release.

    They are downloaded once, from the mirror of this machine's own packages. apt checks the release's signature, and
    each file must have its pinned hash.
    """
    first = packages[0]
    digest = hashlib.sha256(repr(tuple(packages)).encode()).hexdigest()[:12]
    folder = cache_dir() / "debian" / f"{first.name}_{first.version or first.release}_{digest}"
    if not folder.is_dir():
        names = ", ".join(f"{package.name} {package.version}".strip() for package in packages)
        log.info(f"Fetching {names} of Debian {first.release}, for the files only")
        with temporary_folder("debian") as scratch, staged_folder(folder) as staged:
            for file in _download(packages, scratch):
                run(["dpkg-deb", "--extract", file, staged])
    return folder


def _download(packages: Sequence[LaterPackage], scratch: Path) -> list[Path]:
    for name in ("lists/partial", "cache/archives/partial"):
        (scratch / name).mkdir(parents=True)
    (release,) = {package.release for package in packages}
    sources = scratch / "sources.list"
    sources.write_text(f"deb [signed-by={KEYRING}] {mirror()} {release} main\n", encoding="utf-8")
    settings = {
        "Dir::Etc::SourceList": sources,
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": scratch / "lists",
        "Dir::Cache": scratch / "cache",
        "APT::Sandbox::User": "",
        # Headers are the same for every processor, and the hash is for one; programs are only needed for this one.
        "APT::Architecture": "amd64",
        "APT::Architectures": "amd64",
    }
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    run(["apt-get", "-qq", *options, "update"], cwd=scratch)
    wanted = [f"{each.name}={each.version}" if each.version else f"{each.name}/{release}" for each in packages]
    run(["apt-get", "-qq", *options, "download", *wanted], cwd=scratch)
    return [_checked(package, scratch) for package in packages]


def _checked(package: LaterPackage, scratch: Path) -> Path:
    (file,) = scratch.glob(f"{package.name}_*.deb")
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if package.sha256 and found != package.sha256:
        raise ToolError(
            f"{file.name} has the SHA-256 {found}, and {package.sha256} is pinned.",
            fix="Do not use it. If Debian has a new version, change the pin after looking at what is new.",
        )
    return file


def mirror() -> str:
    """Return the mirror that this machine's own Debian packages come from."""
    said = run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Origin: Debian", "Created-By: Packages"])
    mirrors = [line for line in said.stdout.split() if "security" not in line]
    if not (mirrors and KEYRING.exists()):
        raise UnavailableError(
            "apt is not set to Debian's packages on this machine.",
            why="A package of a later release is wanted.",
            fix="Get the files in another way and name their folder: see docs/development/adding-a-backend.md.",
        )
    return mirrors[0]
