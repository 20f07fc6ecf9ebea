"""Install the wheels of a release by name, from an index that has nothing else, and answer a prompt with them."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path

from packaging.tags import sys_tags
from packaging.utils import parse_wheel_filename

from tools.errors import ToolError
from tools.release.distribution import Distribution
from tools.release.gates.files import read_files
from tools.release.index import serve_index
from tools.release.versions import CORE_NAME
from tools.util.cmd import run, run_live
from tools.util.scratch import temporary_folder
from tools.util.venv import PIP_VARIABLES, Environment, ensure_environment
from tools.verification.demo_model import demo_model

log = logging.getLogger(f"llamapack.{__name__}")
ALONE = frozenset({"llamapack-metal", "llamapack-vulkan"})
"""The plug-ins that need no package of anybody else, so that an index with the release alone is enough."""


def try_out(dist: Path, version: str) -> tuple[str, ...]:
    """Install what `dist` has for this machine, by name and version, and run it; return the requirements.

    What the core requires of others comes from the pinned list, and everything of this project from `dist`. A plug-in
    that is released alone is installed beside nothing: its core is in an earlier release.
    """
    wheels = fitting(read_files(dist)[0], version)
    wanted = requirements([wheel.project for wheel in wheels], version)
    if not wanted:
        fix = "Build this machine's wheel first: nox -s release -- BUILD"
        raise ToolError(f"{dist} has no wheel of {version} for this machine.", fix=fix)
    with temporary_folder("release") as folder, serve_index(dist) as url:
        environment = ensure_environment(("core",), folder=folder / "env")
        _install(environment, url, wanted, alone=not any(wheel.project == CORE_NAME for wheel in wheels))
        if any(wheel.project == CORE_NAME for wheel in wheels):
            _use(environment)
    return wanted


def fitting(files: Iterable[Distribution], version: str) -> list[Distribution]:
    """Return the wheels of `version` that this Python can install."""
    here = frozenset(sys_tags())
    return [
        file
        for file in files
        if file.is_wheel and file.version == version and parse_wheel_filename(file.path.name)[3] & here
    ]


def requirements(projects: Iterable[str], version: str) -> tuple[str, ...]:
    """Return what to ask pip for: the core with an extra for each plug-in that needs nothing else, or the plug-ins."""
    there = set(projects)
    extras = sorted(project.removeprefix(f"{CORE_NAME}-") for project in there & ALONE)
    if CORE_NAME in there:
        spelled = f"[{','.join(extras)}]" if extras else ""
        return (f"{CORE_NAME}{spelled}=={version}",)
    return tuple(f"{project}=={version}" for project in sorted(there))


def _install(environment: Environment, url: str, wanted: tuple[str, ...], *, alone: bool) -> None:
    words = ["install", "--no-cache-dir", "--only-binary", ":all:", "--index-url", f"{url}/simple/"]
    command = [str(environment.python), "-m", "pip", *words, *(["--no-deps"] if alone else []), *wanted]
    done = run(command, env=_clean(), check=False)
    if done.returncode:
        why = (done.stdout + done.stderr).strip()
        raise ToolError(f"{' '.join(wanted)} cannot be installed by name.", why=why, fix="The release is not usable.")
    log.info("Installed %s", " ".join(wanted))


def _use(environment: Environment) -> None:
    program = environment.program("llamapack")
    run_live([program, "doctor"], what="llamapack doctor failed", env=_clean())
    words = ["run", "--model", str(demo_model()), "--max-tokens", "8", "--temp", "0", "Why is the sky blue?"]
    run_live([program, *words], what="llamapack run failed", env=_clean())


def _clean() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_", "LLAMAPACK_"))}
    return {**kept, **PIP_VARIABLES}
