"""What Nox sessions share: one message for a failure, environments that are filled once, and a place for tests."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import nox
from nox.command import CommandFailed

from tools.audit.arm import PACKAGES as LLVM
from tools.audit.arm import Arm
from tools.errors import ToolError, UnavailableError
from tools.matrix import Cell, load_matrix
from tools.paths import BUILD, REQUIREMENTS, ROOT
from tools.platforms import apt
from tools.platforms.host import this_host
from tools.util import inherited, stamps
from tools.util.cpu_count import processors
from tools.util.disk import memory_folder
from tools.util.logs import shown_by
from tools.util.venv import NETWORK, PIP_VARIABLES, ensure_environment
from tools.verification.plan import why_not_built

# The installed package must not see the checkout, or packages of the user.
CLEAN: Mapping[str, str | None] = {"PYTHONPATH": None, "PYTHONNOUSERSITE": "1"}
SCRATCH = BUILD / "tests"
SCRATCH_MIB = 2048
"""What the temporary files of unit tests may need: many times what they do need."""
WHOLE = "--whole"
"""The audit's option for a wheel of which nothing may be left out."""
OTHER_NOXFILE = ("-f", "--noxfile")


def start() -> Mapping[str, str]:
    """Give Nox, and so everything that sessions run, a known environment: see tools/util/inherited.py.

    Settings for builds and devices stay. Returns the user's other settings, for the sessions that run llamapack for
    the user instead of testing it.
    """
    settled = inherited.settle(keep=(*inherited.BUILD, *inherited.DEVICES, *inherited.EXTENT))
    # Nox has changed to the noxfile's folder, and only without the option it was started there
    if settled.needs_restart and not any(word.startswith(OTHER_NOXFILE) for word in sys.argv):
        settled.restart()
    return {name: value for name, value in settled.removed.items() if not name.startswith(("PYTHON", "PYTEST_"))}


class SessionHandler(logging.Handler):
    """Shows what tools log among the messages of a session."""

    def __init__(self, session: nox.Session) -> None:
        """Remember the session."""
        super().__init__()
        self.session = session

    def emit(self, record: logging.LogRecord) -> None:
        """Show one record: as a warning, or as a step."""
        show = self.session.warn if record.levelno >= logging.WARNING else self.session.log
        show(record.getMessage())


@contextmanager
def reporting_tool_errors(session: nox.Session) -> Iterator[None]:
    """Call tools: show what they log, and end the session with the message of a ToolError, without a traceback.

    UnavailableError skips the session.
    """
    with shown_by(SessionHandler(session)):
        try:
            yield
        except UnavailableError as error:
            session.skip(" ".join(str(error).splitlines()))
        except ToolError as error:
            session.error(str(error))


def prepare(session: nox.Session, *names: str, wheel: Path | None = None) -> None:
    """Fill the session's environment with requirements/NAME.txt for each name, and `wheel`.

    If it already holds exactly that, nothing runs and no network is needed.
    """
    stamp = Path(session.virtualenv.location, "llamapack-stamp.json")
    key = {name: stamps.file_digest(REQUIREMENTS / f"{name}.txt") for name in names}
    if wheel:
        key |= {"wheel": stamps.file_digest(wheel)}
    if not (changed := stamps.changed(stamp, key)):
        return
    stamp.unlink(missing_ok=True)
    for name in names:
        if name in changed:
            _install(session, name)
    if wheel and "wheel" in changed:
        session.install("--no-deps", "--no-index", "--force-reinstall", str(wheel))
    stamps.write(stamp, key)


def _install(session: nox.Session, name: str) -> None:
    file = str(REQUIREMENTS / f"{name}.txt")
    try:
        session.install("--require-hashes", "--no-deps", "--requirement", file, env=PIP_VARIABLES)
    except CommandFailed as error:
        what = f"The packages of requirements/{name}.txt could not be installed; pip says why above."
        raise ToolError(what, fix=NETWORK) from error


def workers(most: int = 4) -> list[str]:
    """Return the options of pytest that spread a suite over this machine's processors, `most` processes at most.

    A person's own `--numprocesses 0` comes later on the command line, and so overrules them.
    """
    count = min(most, processors())
    return ["--numprocesses", str(count), "--dist", "worksteal"] if count > 1 else []


def scratch_in_memory() -> dict[str, str]:
    """Return the variable that has tests make their temporary files in memory, if it has room for them.

    Unit tests make and remove a hundred thousand small files, most of them git's. Where the person has chosen a place,
    they are made there.
    """
    chosen = "TMPDIR" in os.environ
    return {"TMPDIR": str(folder)} if not chosen and (folder := memory_folder(SCRATCH_MIB)) else {}


def run_pytest(
    session: nox.Session,
    *arguments: str,
    env: Mapping[str, str],
    python: Path | Sequence[str] | None = None,
    path: Callable[[Path], str] = str,
) -> None:
    """Run pytest on installed code, from a folder in which the checkout's own packages cannot be imported.

    `python` is the Python to run, or the command that starts it, and `path` spells a path as it does.
    """
    SCRATCH.mkdir(parents=True, exist_ok=True)
    words = ["python"] if python is None else [str(python)] if isinstance(python, Path) else list(python)
    command = [*words, *pytest_words(path), *arguments]
    with session.chdir(SCRATCH):
        session.run(*command, env=given({**CLEAN, **env}), external=python is not None)


def pytest_words(path: Callable[[Path], str] = str) -> list[str]:
    """Return Python's arguments that run pytest with this checkout's settings; `path` spells a path."""
    settings = ["--config-file", path(ROOT / "pyproject.toml"), "--rootdir", path(ROOT)]
    return ["-m", "pytest", *settings, "--override-ini", "pythonpath=."]


def given(variables: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return `variables`, and one that tells a test process to keep them: see tools/util/inherited.py."""
    names = (name for name, value in variables.items() if value is not None)
    return {**variables, inherited.GIVEN: ",".join(names)}


def cells(kind: str) -> list[object]:
    """Return Nox parameters for the `builds` or `checks` of the matrix, called by their ids.

    A faulty matrix ends the program with its message: nox would show a traceback for any other error of a noxfile.
    """
    try:
        found: Sequence[Cell] = getattr(load_matrix(), kind)
    except ToolError as error:
        raise SystemExit(str(error)) from error
    return [nox.param(cell, id=cell.id) for cell in found]


def skip_unless_here(session: nox.Session, cell: Cell) -> None:
    """Skip the session with the reason if this machine cannot build the wheel of `cell`."""
    if reason := why_not_built(load_matrix(), cell, this_host()):
        session.skip(f"{cell.id}: {reason}")


def try_to_install_disassembler(wheel: str) -> None:
    """Install the disassembler for 64-bit Arm if possible, and if a wheel, by its file or build name, needs it.

    If that fails, the audit's report says what was not judged.
    """
    if re.search("aarch64|arm64", Path(wheel).name) and Arm().unavailable():
        apt.try_to_install(LLVM, purpose="reading instructions of 64-bit Arm")


def audit(session: nox.Session, wheel: Path, *files: str) -> None:
    """Judge the libraries of `wheel`, or `files` of them, by the rules of tools/audit."""
    try_to_install_disassembler(wheel.name)
    place = ensure_environment(["audit"], folder=BUILD / "audit")
    session.run(str(place.python), "-m", "tools.audit", str(wheel), *files, env=CLEAN, external=True)
