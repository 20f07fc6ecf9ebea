"""Small wheels and sdists that pass every gate, to be spoiled one by one: real metadata, libraries of a few bytes."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import tomllib

from tests.support.release.bills import bill_text
from tools.matrix import Cell, load_matrix
from tools.paths import CORE, package_folder
from tools.release.versions import base_of, with_version

ABI = "0123abcd"
Files = dict[str, bytes]


def project_of(backend: str, version: str) -> Mapping[str, object]:
    """Return the table [project] of a backend's package, as it is at `version`."""
    path = package_folder(backend) / "pyproject.toml"
    text = with_version(path.read_text(encoding="utf-8"), base_of(version), path)
    table: Mapping[str, object] = tomllib.loads(text)["project"]
    return {**table, "version": version}


def metadata_of(backend: str, version: str) -> str:
    """Return METADATA as the build writes it for a package of this project, with its long description."""
    project = project_of(backend, version)
    lines = ["Metadata-Version: 2.4", f"Name: {project['name']}", f"Version: {project['version']}"]
    lines += [f"Summary: {project['description']}", "License-Expression: MIT", "License-File: LICENSE"]
    lines += ["Requires-Python: >=3.10", *(f"Requires-Dist: {each}" for each in _texts(project["dependencies"]))]
    extras = project.get("optional-dependencies", {})
    assert isinstance(extras, dict)
    for extra, wanted in extras.items():
        lines += [f"Provides-Extra: {extra}", *(_of_extra(each, extra) for each in wanted)]
    readme = (package_folder(backend) / "README.md").read_text(encoding="utf-8")
    return "\n".join([*lines, "Description-Content-Type: text/markdown", "", readme])


def _texts(value: object) -> list[str]:
    assert isinstance(value, list)
    return [str(each) for each in value]


def _of_extra(requirement: str, extra: str) -> str:
    name, _, marker = (part.strip() for part in requirement.partition(";"))
    return f"Requires-Dist: {name}; {f'({marker}) and ' if marker else ''}extra == '{extra}'"


def files_of(cell: Cell, version: str, *, tag: str = "", abi: str = ABI) -> Files:
    """Return the files of a build's wheel but RECORD; `tag` is the platform, that of the matrix if it is empty."""
    package = "llamapack" if cell.backend == "cpu" else f"llamapack_{cell.backend}"
    info = f"{package}-{version}.dist-info"
    tag = tag or load_matrix().wheel_tag(cell.target)
    libraries = {"backend.json": json.dumps({"abi_id": abi}), f"libggml-{cell.backend}.so": cell.id}
    if cell.backend == "cpu":
        libraries = {"abi.json": json.dumps({"abi_id": abi}), f"libggml-base-{abi}.so": cell.target}
    return {
        f"{package}/__init__.py": f'"""{package}."""\n'.encode(),
        **{f"{package}/lib/{name}": content.encode() for name, content in libraries.items()},
        f"{info}/METADATA": metadata_of(cell.backend, version).encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: py3-none-{tag}\n".encode(),
        f"{info}/licenses/LICENSE": (CORE / "LICENSE").read_bytes(),
        f"{info}/sboms/{package}.cdx.json": bill_text(project_of(cell.backend, version)).encode(),
    }


def write_wheel(folder: Path, cell: Cell, version: str, *, tag: str = "", files: Files | None = None) -> Path:
    """Write a build's wheel with `files`, those of `files_of` by default, and a RECORD of them; return its path."""
    tag = tag or load_matrix().wheel_tag(cell.target)
    files = files or files_of(cell, version, tag=tag)
    info = next(name.split("/")[0] for name in files if ".dist-info/" in name)
    path = folder / f"{info.removesuffix('.dist-info')}-py3-none-{tag}.whl"
    rows = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in files.items()]
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr(f"{info}/RECORD", "\n".join([*rows, f"{info}/RECORD,,", ""]))
    return path


def write_sdist(folder: Path, backend: str, version: str) -> Path:
    """Write a package's sdist, with its metadata only; return its path."""
    stem = f"{'llamapack' if backend == 'cpu' else f'llamapack_{backend}'}-{version}"
    path = folder / f"{stem}.tar.gz"
    files = {"PKG-INFO": metadata_of(backend, version).encode(), "pyproject.toml": b"[project]\n"}
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(f"{stem}/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def write_release(folder: Path, version: str, builds: tuple[Cell, ...]) -> None:
    """Write the wheel of each of `builds`, and the sdists of their packages."""
    for cell in builds:
        write_wheel(folder, cell, version)
    for backend in {cell.backend for cell in builds}:
        write_sdist(folder, backend, version)


def rewrite(path: Path, change: Callable[[Files], None]) -> None:
    """Change the files of a wheel and write it anew, with a RECORD that agrees with them."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/RECORD")}
    change(files)
    info = next(name.split("/")[0] for name in files if ".dist-info/" in name)
    rows = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in files.items()]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr(f"{info}/RECORD", "\n".join([*rows, f"{info}/RECORD,,", ""]))


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
