"""Hollow wheels and sdists: real names, tags and metadata, and nothing inside, for tests of indexes and resolution."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import tomllib

from tools.matrix import load_matrix
from tools.paths import package_folder
from tools.release.versions import base_of, with_version

GENERATOR = "Wheel-Version: 1.0\nGenerator: llamapack tests\nRoot-Is-Purelib: false\nTag: {tag}\n"


def hollow_wheel(
    folder: Path,
    name: str,
    version: str,
    *,
    tag: str = "py3-none-any",
    requires: Sequence[str] = (),
    extras: Mapping[str, Sequence[str]] | None = None,
    python: str = ">=3.10",
) -> Path:
    """Write a wheel with metadata only; the same arguments make the same bytes."""
    stem = f"{name.replace('-', '_')}-{version}"
    path = folder / f"{stem}-{tag}.whl"
    text = metadata(name, version, requires, extras or {}, python)
    records = [f"{stem}.dist-info/{each},," for each in ("METADATA", "WHEEL", "RECORD")]
    parts = {"METADATA": text, "WHEEL": GENERATOR.format(tag=tag), "RECORD": "\n".join([*records, ""])}
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for each, content in parts.items():
            archive.writestr(zipfile.ZipInfo(f"{stem}.dist-info/{each}"), content)
    return path


def hollow_sdist(folder: Path, name: str, version: str) -> Path:
    """Write an sdist that cannot be built: whoever tries fails at once, with a word of its own."""
    stem = f"{name.replace('-', '_')}-{version}"
    path = folder / f"{stem}.tar.gz"
    build = '[build-system]\nrequires = []\nbuild-backend = "it_was_tried_to_build_an_sdist"\nbackend-path = ["."]\n'
    with tarfile.open(path, "w:gz") as archive:
        for each, text in (("PKG-INFO", metadata(name, version, (), {}, ">=3.10")), ("pyproject.toml", build)):
            info = tarfile.TarInfo(f"{stem}/{each}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return path


def metadata(name: str, version: str, requires: Iterable[str], extras: Mapping[str, Sequence[str]], python: str) -> str:
    """Return the text of METADATA."""
    lines = ["Metadata-Version: 2.2", f"Name: {name}", f"Version: {version}", f"Requires-Python: {python}"]
    lines += [f"Requires-Dist: {each}" for each in requires]
    for extra, wanted in extras.items():
        lines.append(f"Provides-Extra: {extra}")
        for each in wanted:
            requirement, _, marker = (part.strip() for part in each.partition(";"))
            marker = f"({marker}) and " if marker else ""
            lines.append(f"Requires-Dist: {requirement}; {marker}extra == '{extra}'")
    return "\n".join([*lines, ""])


def release(folder: Path, version: str, *, backends: Sequence[str] = (), targets: Sequence[str] = ()) -> list[Path]:
    """Write hollow wheels of all packages of this project as their pyproject.toml would make them for `version`.

    Only for some `backends` or `targets`, if given.
    """
    return [
        project_wheel(folder, cell.backend, version, load_matrix().wheel_tag(cell.target))
        for cell in load_matrix().builds
        if cell.backend in (backends or load_matrix().backends) and cell.target in (targets or load_matrix().targets)
    ]


def project_wheel(folder: Path, backend: str, version: str, platform: str) -> Path:
    """Write the hollow wheel of one package for `version` and a platform tag, with the pins of that version."""
    path = package_folder(backend) / "pyproject.toml"
    text = with_version(path.read_text(encoding="utf-8"), base_of(version), path)
    project = tomllib.loads(text)["project"]
    return hollow_wheel(
        folder,
        project["name"],
        version,
        tag=f"py3-none-{platform}",
        requires=project["dependencies"],
        extras=project.get("optional-dependencies"),
        python=project["requires-python"],
    )


def dependencies(folder: Path) -> list[Path]:
    """Write a hollow wheel, for every system, of all that the packages of this project require from others."""
    wanted = {"click": "8.5", "numpy": "2.4", "psutil": "7.2", "rich": "15.0", "prompt_toolkit": "3.0.53"} | {
        **{"huggingface_hub": "2.4", "starlette": "1.10", "tomli": "2.4", "uvicorn": "0.55"},
        **{"cuda-pathfinder": "1.9", "nvidia-cublas": "13.0.2", "nvidia-cuda-runtime": "13.0.96"},
    }
    return [hollow_wheel(folder, name, version) for name, version in wanted.items()]
