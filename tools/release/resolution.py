"""Ask pip and uv what they would install for any Python and system of the matrix, and compare it with the matrix.

Both run on this machine. uv is made for that. pip takes the tags of another system but reads markers as on this one, so
that `sys_platform == "darwin"` would never be true: foreign_pip.py gives it the other system's values.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomllib
from packaging.requirements import Requirement

from tools.errors import ToolError
from tools.matrix import Matrix, load_matrix
from tools.platforms.target_packages import tags
from tools.release import foreign_pip
from tools.util.cmd import Argument, Result, run
from tools.util.scratch import temporary_folder
from tools.util.venv import Environment

FREE_THREADED = ("3.13t", "3.14t")
UV_PLATFORMS = {
    "linux-x86_64": "x86_64-manylinux_2_28",
    "linux-aarch64": "aarch64-manylinux_2_28",
    "windows-x86_64": "x86_64-pc-windows-msvc",
    "windows-arm64": "aarch64-pc-windows-msvc",
    "macos-arm64": "aarch64-apple-darwin",
    "macos-x86_64": "x86_64-apple-darwin",
}
MARKERS = {
    "linux": {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux"},
    "windows": {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows"},
    "macos": {"os_name": "posix", "sys_platform": "darwin", "platform_system": "Darwin"},
}
MACHINES = {"windows-x86_64": "AMD64", "windows-arm64": "ARM64"}
"""What `platform_machine` is where it is not the end of the target's name."""
OURS = re.compile(r"llamapack(_\w+)?-")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A Python, such as 3.13 or 3.13t, on a target of the matrix."""

    python: str
    target: str

    @property
    def version(self) -> str:
        """The version of Python without the mark of free threading."""
        return self.python.removesuffix("t")

    def __str__(self) -> str:
        """Say it in words."""
        return f"Python {self.python} on {self.target}"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What would be installed, by the names of files; or the error, and then no files."""

    files: frozenset[str]
    error: str = ""

    @property
    def ours(self) -> frozenset[str]:
        """The files of this project."""
        return frozenset(name for name in self.files if OURS.match(name))

    @property
    def compiled(self) -> frozenset[str]:
        """The files that would be compiled: sdists."""
        return frozenset(name for name in self.files if not name.endswith(".whl"))


Request = Sequence[str]
"""The requirements of one installation, in the order in which a user writes them."""
Ask = Callable[[Sequence[Request], Machine, str], list[Answer]]
"""Asks some requests for a machine, in front of the simple API at an address."""


def machines(matrix: Matrix | None = None) -> tuple[Machine, ...]:
    """Return every Python that wheels are for, with those without a GIL, on every target of the matrix."""
    matrix = matrix or load_matrix()
    pythons = (*matrix.wheel_pythons, *FREE_THREADED)
    return tuple(Machine(python=python, target=target) for target in matrix.targets for python in pythons)


def requests(matrix: Matrix | None = None) -> tuple[tuple[str, ...], ...]:
    """Return what users write: the core, each extra, and core and plug-in in either order."""
    written: list[tuple[str, ...]] = [("llamapack",)]
    written += [(f"llamapack[{name}]",) for name in ("chat", "hub", "serve")]
    for plugin in (matrix or load_matrix()).backends.values():
        if plugin.name != "cpu":
            written += [(f"llamapack[{plugin.name}]",), (plugin.wheel,)]
            written += [("llamapack", plugin.wheel), (plugin.wheel, "llamapack")]
    return tuple(written)


def expected(request: Request, machine: Machine, version: str, matrix: Matrix | None = None) -> frozenset[str] | None:
    """Return our files that `request` must bring, by the matrix; None where there is no wheel, and it must fail."""
    matrix = matrix or load_matrix()
    wanted = {"cpu", *(["metal"] if machine.target == "macos-arm64" else [])}
    for requirement in map(Requirement, request):
        names = {requirement.name.removeprefix("llamapack-"), *requirement.extras}
        wanted |= names & matrix.backends.keys()
    if any(machine.target not in matrix.backend(name).targets for name in wanted):
        return None
    tag = matrix.wheel_tag(machine.target)
    return frozenset(f"{matrix.backend(name).wheel.replace('-', '_')}-{version}-py3-none-{tag}.whl" for name in wanted)


def faults(
    ask: Ask, simple: str, version: str, *, chosen: Sequence[Machine] = (), written: Sequence[Request] = ()
) -> Iterator[str]:
    """Ask for every request on every machine, or the given ones; yield what differs from the matrix, in words."""
    written = written or requests()
    for machine in chosen or machines():
        for request, answer in zip(written, ask(written, machine, simple), strict=True):
            if fault := _fault(answer, expected(request, machine, version)):
                yield f"{' '.join(request)}, {machine}: {fault}"


def _fault(answer: Answer, wanted: frozenset[str] | None) -> str:
    if wanted is None:
        return "" if answer.error else f"there is no wheel, but it gets {', '.join(sorted(answer.ours))}"
    if answer.error:
        return f"it fails: {answer.error}"
    if answer.compiled:
        return f"it would compile {', '.join(sorted(answer.compiled))}"
    if answer.ours != wanted:
        return f"it gets {', '.join(sorted(answer.ours))} instead of {', '.join(sorted(wanted))}"
    return ""


def uv_asker(uv: Path, *, binary: bool = True, cache: Path | None = None) -> Ask:
    """Return the function that asks uv; with `binary` false, sdists are allowed. `cache` is a folder for its cache."""

    def ask(written: Sequence[Request], machine: Machine, simple: str) -> list[Answer]:
        options = ["--python-platform", UV_PLATFORMS[machine.target], "--python-version", machine.version]
        options += ["--only-binary", ":all:"] if binary else []
        options += ["--cache-dir", str(cache)] if cache else ["--no-cache"]
        options += ["--no-python-downloads", "--default-index", simple]
        with temporary_folder("uv") as folder:
            python = _free_threaded(folder) if machine.python.endswith("t") else Path(sys.executable)
            command: list[Argument] = [uv, "pip", "compile", "-", "--quiet", "--no-config", "--format", "pylock.toml"]
            return [_asked_uv([*command, "--python", python, *options], request) for request in written]

    return ask


def _asked_uv(command: Sequence[Argument], request: Request) -> Answer:
    floor = load_matrix().toolchains["macos"].version
    done = run(command, env=clean(MACOSX_DEPLOYMENT_TARGET=floor), stdin="\n".join(request), check=False)
    return Answer(files=frozenset(), error=done.stderr) if done.returncode else Answer(files=_locked(done))


def pip_asker(python: Path, *, binary: bool = True) -> Ask:
    """Return the function that asks the pip of the interpreter `python`; without `binary` for its own machine only."""

    def ask(written: Sequence[Request], machine: Machine, simple: str) -> list[Answer]:
        with temporary_folder("pip") as folder:
            options = ["--ignore-installed", "--quiet", "--isolated", "--no-cache-dir", "--disable-pip-version-check"]
            options += ["--index-url", simple, *(_tags(machine, folder) if binary else [])]
            reports = [folder / f"{number}.json" for number in range(len(written))]
            commands = [
                ["install", "--dry-run", *options, "--report", str(report), *request]
                for report, request in zip(reports, written, strict=True)
            ]
            told = json.dumps({"markers": markers(machine) if binary else {}, "commands": commands})
            done = run([python, "-I", foreign_pip.__file__], env=clean(), stdin=told)
            return [_reported(report, answer) for report, answer in zip(reports, json.loads(done.stdout), strict=True)]

    return ask


def _reported(report: Path, answer: Mapping[str, Any]) -> Answer:
    if answer["status"]:
        return Answer(files=frozenset(), error=answer["stderr"])
    chosen = json.loads(report.read_text(encoding="utf-8"))["install"]
    return Answer(files=frozenset(each["download_info"]["url"].rpartition("/")[2] for each in chosen))


def markers(machine: Machine) -> dict[str, str]:
    """Return the values of environment markers (PEP 508) on `machine`."""
    system, _, processor = machine.target.partition("-")
    return {
        **MARKERS[system],
        "platform_machine": MACHINES.get(machine.target, processor),
        "python_version": machine.version,
        "python_full_version": f"{machine.version}.0",
        "implementation_name": "cpython",
        "implementation_version": f"{machine.version}.0",
        "platform_python_implementation": "CPython",
    }


def clients(environment: Environment) -> dict[str, Ask]:
    """Return pip and uv of an environment, by name."""
    return {"pip": pip_asker(environment.python), "uv": uv_asker(environment.program("uv"))}


def _tags(machine: Machine, folder: Path) -> list[str]:
    """Return pip's options for the tags of wheels that `machine` takes."""
    abi = f"cp{machine.python.replace('.', '')}"
    names = [load_matrix().wheel_tag(machine.target)] if machine.target.startswith("windows") else tags(machine.target)
    words = ["--python-version", machine.version, "--implementation", "cp", "--abi", abi, "--only-binary", ":all:"]
    return [*words, "--target", str(folder / "packages"), *(word for name in names for word in ("--platform", name))]


def _locked(done: Result) -> frozenset[str]:
    """Return the files in a lock file (PEP 751) for one machine: of each package a wheel, or the sdist."""
    names = set()
    for package in tomllib.loads(done.stdout).get("packages", []):
        sources = package.get("wheels") or [package["sdist"]]
        names |= {str(each.get("name") or each["url"].rpartition("/")[2]) for each in sources}
    return frozenset(names)


def clean(**more: str) -> dict[str, str]:
    """Return this process's variables without the settings of pip and uv, but with certificates of the system."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "PYTHON"))}
    return kept | {name: os.environ[name] for name in ("PIP_CERT",) if name in os.environ} | more


def _free_threaded(folder: Path) -> Path:
    """Write a program that answers uv as a Python without a GIL; only uv's question about the interpreter is for it."""
    path = folder / "python"
    code = (
        "import sys, sysconfig; "
        "real = sysconfig.get_config_var; "
        "sysconfig.get_config_var = lambda name: 1 if name == 'Py_GIL_DISABLED' else real(name); "
        "code = sys.argv.pop(1); exec(code)"
    )
    if sys.platform == "win32":
        raise ToolError("uv cannot be asked here for a Python without a GIL.", why="That takes a shell script.")
    path.write_text(
        f'#!/bin/sh\nwhile [ "$1" != -c ]; do shift; done\nshift\nexec {sys.executable} -I -B -c "{code}" "$@"\n',
        encoding="utf-8",
    )
    path.chmod(0o755)
    return path
