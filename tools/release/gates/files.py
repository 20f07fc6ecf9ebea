"""The gates that the files of a release must pass before any of them is uploaded.

version      every file has the version of the release, and none is a version for development
size         no file is larger than the index accepts
metadata, licence, pins, tags, contents    see wheel_files
description  the long description can be rendered (twine check --strict)
complete     a wheel for every build of the matrix and an sdist of every package, and nothing else
one build    the plug-ins of a target are of the same build as its core
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path

from packaging.utils import canonicalize_name, parse_wheel_filename
from twine.commands import check as twine_check
from twine.exceptions import InvalidDistribution

from tools.errors import ToolError
from tools.matrix import Cell, Matrix
from tools.release.distribution import Distribution, read_distribution
from tools.release.gates import one_file
from tools.release.gates.faults import Fault
from tools.release.versions import CORE_NAME, is_development

LARGEST_FILE = 100 * 10**6
"""What package indexes accept of a file, in bytes."""
_README = "The long description is README.md of the package."
_RELATIVE_LINK = re.compile(r"\]\(((?!https?://|#|mailto:)[^)\s]+)\)")
SUFFIXES = (".whl", ".tar.gz")


def check(
    folder: Path, matrix: Matrix, version: str, *, builds: Sequence[Cell] = (), largest: int = LARGEST_FILE
) -> list[Fault]:
    """Return what keeps the wheels and sdists in `folder` from being released as `version`.

    Only `builds` of the matrix must be there, all by default. Other files in the folder are not looked at.
    """
    files, faults = read_files(folder)
    for file in files:
        faults += [*_wrong_version(file, version), *_too_large(file.path, largest), *_broken(file)]
    return [*faults, *_incomplete(files, matrix, version, builds), *_other_builds(files, matrix)]


def read_files(folder: Path) -> tuple[list[Distribution], list[Fault]]:
    """Return the wheels and sdists in `folder`, and a fault for each that cannot be read."""
    files, faults = [], []
    for path in sorted(each for each in folder.glob("*") if each.name.endswith(SUFFIXES)):
        try:
            files.append(read_distribution(path))
        except ToolError as error:
            faults.append(Fault(gate="metadata", file=path.name, what=f"{error.what} {error.why}".strip()))
    return files, faults


def unrendered(file: Distribution) -> Iterator[Fault]:
    """Yield faults of the long description: what `twine check --strict` says, and links that lead nowhere.

    On the page of an index there is no repository around it, so that a link must be a whole address.
    """
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]  # a list is enough
    twine_check.logger.addHandler(handler)
    try:
        with redirect_stdout(io.StringIO()):
            failed = twine_check.check([str(file.path)], strict=True)
    except (InvalidDistribution, ValueError, OSError) as error:
        said.append(str(error))
        failed = True
    finally:
        twine_check.logger.removeHandler(handler)
    if failed:
        what = " ".join(" ".join(said).split()) or "twine check --strict refuses it"
        yield Fault(gate="description", file=file.path.name, what=what, fix=_README)
    for link in _RELATIVE_LINK.findall(str(file.metadata.get_payload())):
        what = f"the link to {link} leads nowhere on the page of an index"
        yield Fault(gate="description", file=file.path.name, what=what, fix=_README)


def expected_names(matrix: Matrix, builds: Sequence[Cell]) -> dict[Cell, tuple[str, str]]:
    """Return, for each build, the project and the platform tag of its wheel."""
    return {
        cell: (matrix.backend(cell.backend).wheel, matrix.wheel_tag(cell.target)) for cell in builds or matrix.builds
    }


def _wrong_version(file: Distribution, version: str) -> Iterator[Fault]:
    name = file.path.name
    if is_development(file.version):
        fix = "inv release.prepare X.Y.Z sets the version; then build anew."
        yield Fault(gate="version", file=name, what=f"{file.version} is a version for development", fix=fix)
    elif file.version != version:
        fix = f"Remove it, and build {version} anew if that is missing."
        yield Fault(gate="version", file=name, what=f"this is not {version}, which is to be released", fix=fix)


def _too_large(path: Path, largest: int) -> Iterator[Fault]:
    size = path.stat().st_size
    if size > largest:
        what = f"it has {size / 1e6:.1f} MB, and package indexes accept {largest / 1e6:.0f} MB"
        fix = (
            "docs/development/cuda.md says what takes the room; the index's maintainers can raise the limit on request."
        )
        yield Fault(gate="size", file=path.name, what=what, fix=fix)


def _broken(file: Distribution) -> Iterator[Fault]:
    yield from one_file.broken_metadata(file)
    yield from one_file.broken_pins(file)
    yield from unrendered(file)
    if file.is_wheel:
        yield from one_file.broken_tags(file.path)
        yield from one_file.broken_contents(file.path, file.project)


def _incomplete(files: Sequence[Distribution], matrix: Matrix, version: str, builds: Sequence[Cell]) -> Iterator[Fault]:
    wanted = expected_names(matrix, builds)
    left = [file for file in files if file.version == version]
    for cell, (project, platform) in wanted.items():
        found = [file for file in left if file.is_wheel and file.project == project and platform in _platforms(file)]
        if len(found) != 1:
            names = ", ".join(file.path.name for file in found)
            what = f"there are {len(found)} wheels of it: {names}" if found else f"{project} {version} for {platform}"
            yield Fault(
                gate="complete",
                file=cell.id,
                what=what if found else f"its wheel is missing: {what}",
                fix="Leave the right one only." if found else f'Build it on its own system: nox -s "wheel({cell.id})"',
            )
        left = [file for file in left if file not in found]
    for project in dict.fromkeys(canonicalize_name(project) for project, _ in wanted.values()):
        sources = [file for file in left if not file.is_wheel and file.project == project]
        if not sources:
            fix = "Make it of the package's folder: python -m build --sdist"
            yield Fault(gate="complete", file=project, what=f"the sdist of {version} is missing", fix=fix)
        left = [file for file in left if file not in sources]
    for file in left:
        what = "it is no wheel or sdist of this release"
        yield Fault(gate="complete", file=file.path.name, what=what, fix="Remove it, or add its build to matrix.toml.")


def _other_builds(files: Sequence[Distribution], matrix: Matrix) -> Iterator[Fault]:
    """Yield a fault for each plug-in that does not have the ABI id of the core for the same target."""
    for target in matrix.targets:
        platform = matrix.wheel_tag(target)
        ids: Mapping[str, tuple[str, frozenset[str]]] = {
            file.project: (file.path.name, one_file.abi_ids(file.path))
            for file in files
            if file.is_wheel and platform in _platforms(file)
        }
        core = ids.get(CORE_NAME)
        for project, (name, found) in ids.items():
            if core and project != CORE_NAME and found != core[1]:
                what = f"it has the ABI id {_listed(found)}, and {core[0]} has {_listed(core[1])}"
                yield Fault(gate="one build", file=name, what=what, fix="Build both from the same commit.")


def _platforms(file: Distribution) -> set[str]:
    return {tag.platform for tag in parse_wheel_filename(file.path.name)[3]}


def _listed(ids: frozenset[str]) -> str:
    return ", ".join(sorted(ids)) or "none"
