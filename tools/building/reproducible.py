"""Build the core wheel a second time in another folder, and compare the two byte by byte."""

from __future__ import annotations

import logging
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tools.building.build import COLD_BUILD_MIB, build_environment, make_wheel
from tools.building.wheels import core_wheel, host_build
from tools.errors import ToolError
from tools.paths import CORE, ROOT
from tools.util import stamps
from tools.util.disk import require_space
from tools.util.scratch import temporary_folder

log = logging.getLogger(f"llamapack.{__name__}")

RECOMPILE = {"CCACHE_RECACHE": "1"}


def require_reproducible(*, recompile: bool = False) -> str:
    """Return the digest of both wheels; raises ToolError with the names of the files that differ.

    The second build takes its objects from the compiler cache if they are there. With `recompile` it does not, so that
    the compiler, too, must produce the same output twice.
    """
    first = core_wheel()
    with second_build(recompile=recompile) as second:
        if stamps.file_digest(first) == stamps.file_digest(second):
            return stamps.file_digest(first)
        raise ToolError(
            "Two builds of the core wheel in different folders are different.",
            why="\n".join(differences(first, second)) or "Their files are the same; order or dates are not.",
            fix="Look for a path, a date or an order of files that got into them.",
        )


@contextmanager
def second_build(*, recompile: bool = False) -> Iterator[Path]:
    """Yield a wheel that was built from a copy of the package in another folder; it is removed afterwards."""
    build = host_build()
    with temporary_folder("another-folder") as scratch:
        place = scratch.resolve()
        require_space(place, COLD_BUILD_MIB, purpose="a second build")
        core = place / CORE.relative_to(ROOT)
        shutil.copytree(CORE, core, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        (out := place / "out").mkdir()
        environment = build_environment(build)
        settings = {**environment.settings, "CCACHE_BASEDIR": str(place), **(RECOMPILE if recompile else {})}
        environment = replace(environment, settings=settings)
        log.info(f"Building the core wheel again, in {place}")
        yield make_wheel(build, environment, package=core, folder=place / build.folder.relative_to(ROOT), out=out)


def differences(first: Path, second: Path) -> list[str]:
    """Return the names of files that only one wheel has, or that differ."""
    one, other = (_checksums(path) for path in (first, second))
    lines = [f"{name}: in one wheel only" for name in sorted(one.keys() ^ other.keys())]
    return lines + [f"{name}: different" for name in sorted(one.keys() & other.keys()) if one[name] != other[name]]


def _checksums(wheel: Path) -> dict[str, int]:
    with zipfile.ZipFile(wheel) as archive:
        return {entry.filename: entry.CRC for entry in archive.infolist()}
