"""Build the files of a release: portable wheels, and sdists of all packages."""

from __future__ import annotations

from pathlib import Path

import nox

from tools.building import cibuildwheel, wheels
from tools.building.page import ensure_page
from tools.errors import ToolError
from tools.matrix import host_target, load_matrix
from tools.paths import CORE, DIST, HERE, package_folder
from tools.release.gates.source import released_backends, version_of
from tools.sessions.common import CLEAN, audit, prepare, try_to_install_disassembler
from tools.util.cmd import run_live
from tools.util.venv import ensure_environment

SDISTS = "sdists"
NATIVE = frozenset({"metal"})
"""The backends that are built with the compiler of their own system, and not with zig."""


def make_files(session: nox.Session) -> None:
    """Build the wheel of the build that is named after `--`, for the oldest system of its target; or all sdists."""
    if session.posargs[:1] == [SDISTS]:
        for path in sdists(*session.posargs[1:2]):
            session.log(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
        return
    if len(session.posargs) != 1:
        fix = f"For example: nox -s release -- cpu-linux-x86_64; or: nox -s release -- {SDISTS}"
        raise ToolError(f"nox -s release needs one word, and has: {' '.join(session.posargs) or 'none'}.", fix=fix)
    cell = load_matrix().cell(session.posargs[0])
    native = cell.backend in NATIVE and cell.target == host_target()
    wheel = wheels.host_wheel(cell.backend) if native else wheels.portable_wheel(cell.backend, cell.target)
    session.log(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB")
    audit(session, wheel)


def sdists(tag: str = "") -> list[Path]:
    """Make the sdist of every package that is released under `tag` in dist/; llama.cpp's source must be in place."""
    ensure_page()
    environment = ensure_environment(["build"])
    DIST.mkdir(exist_ok=True)
    made = []
    for backend in released_backends(HERE, version_of(HERE, tag)):
        folder = package_folder(backend)
        stem = f"{folder.name.replace('backend-', 'llamapack_') if backend != 'cpu' else 'llamapack'}-"
        options = ["--sdist", "--no-isolation", "--outdir", str(DIST)]
        command = [str(environment.python), "-m", "build", *options, str(folder)]
        run_live(command, what=f"The sdist of {folder.name} could not be made")
        made += [path for path in sorted(DIST.glob("*.tar.gz")) if path.name.startswith(stem)]
    return made


def build_with_cibuildwheel(session: nox.Session) -> None:
    """Build this machine's core wheel with cibuildwheel, and judge its libraries."""
    variables = {**CLEAN, **cibuildwheel.engine(host_target())}
    prepare(session, "packaging")
    try_to_install_disassembler(host_target())
    ensure_page()
    command = cibuildwheel.command(host_target())
    with session.chdir(CORE):
        session.run("python", *command, env=variables)
    session.run("python", "-m", "tools.audit", str(cibuildwheel.built()), env=CLEAN)
