"""Run llama.cpp's tests of its server against llama-server, the runner, and `llamapack serve`, and compare."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import nox

from tools.errors import ToolError, UnavailableError
from tools.paths import BUILD, ROOT
from tools.sessions.common import CLEAN, prepare
from tools.util.atomic_files import write_text
from tools.vendoring.source.pin import load_pin
from tools.verification.server_tests.expected import Exemption, differences, left_out, load_exemptions
from tools.verification.server_tests.page import PAGE, page
from tools.verification.server_tests.reports import PROGRAMS, Report, read_report
from tools.verification.server_tests.suite import unpack

FOLDER = BUILD / "server-tests"
MODELS = FOLDER / "models"
SUPPORT = "tests.support.upstream_server"
RECORD = "--record"
SHIM = '#!/bin/sh\nexec "{python}" -m {module} "$@"\n'


def check_server(session: nox.Session, build_baseline: Callable[[], Path], build_wheel: Callable[[], Path]) -> None:
    """Run all tests with all three programs; raises ToolError for what differs from expected.toml.

    The first to build is llama-server, the second the core wheel.
    """
    if sys.platform == "win32":
        raise UnavailableError("llama.cpp's tests of its server are run on Linux and macOS only.")
    exemptions = load_exemptions()
    baseline, wheel = build_baseline(), build_wheel()
    prepare(session, "core", "serve", "server-tests", wheel=wheel)
    FOLDER.mkdir(parents=True, exist_ok=True)
    session.run("python", "-m", f"{SUPPORT}.stand_ins", str(MODELS), env=_variables(), silent=True)
    programs = dict(zip(PROGRAMS, (baseline, _runner(session), _shim(session)), strict=True))
    chosen = [word for word in session.posargs if word != RECORD]
    reports = {name: _run(session, name, program, chosen, exemptions) for name, program in programs.items()}
    _compare(exemptions, reports, whole=not chosen)
    if not chosen:
        _write_page(page(exemptions, reports, load_pin().commit), record=RECORD in session.posargs)


def _variables() -> dict[str, str | None]:
    """Return what lets the environment's Python import the helpers of our tests, and nothing of the packages."""
    return {**CLEAN, "PYTHONPATH": str(ROOT)}


def _runner(session: nox.Session) -> Path:
    code = "import llamapack; print(llamapack.runner_path())"
    return Path(str(session.run("python", "-c", code, env=CLEAN, silent=True)).strip())


def _shim(session: nox.Session) -> Path:
    """Return a program that takes the arguments of llama-server, and starts `llamapack serve`."""
    python = Path(session.virtualenv.location, "bin", "python")
    path = FOLDER / "serve-as-llama-server.sh"
    path.write_text(SHIM.format(python=python, module=f"{SUPPORT}.as_serve"), encoding="utf-8")
    path.chmod(0o755)
    return path


def _run(
    session: nox.Session, name: str, program: Path, chosen: Sequence[str], exemptions: Sequence[Exemption]
) -> Report:
    place = FOLDER / name.replace(" ", "-")
    tests = unpack(place)
    report, log, omitted = place / "report.jsonl", place / "tests.log", place / "left-out.txt"
    omitted.write_text("\n".join(left_out(exemptions, name)), encoding="utf-8")
    variables = {
        **_variables(),
        "LLAMA_SERVER_BIN_PATH": str(program),
        "LLAMA_CACHE": str(place / "cache"),
        "PORT": str(_free_port()),
        "LLAMAPACK_STAND_INS": str(MODELS),
        "LLAMAPACK_REPORT": str(report),
        "LLAMAPACK_LEFT_OUT": str(omitted),
    }
    if name == PROGRAMS[-1]:
        variables["LLAMAPACK_NO_DOWNLOADS"] = "1"
    command = ["-m", "pytest", "-p", f"{SUPPORT}.plugin", "-p", "no:cacheprovider", "unit", *chosen]
    session.log(f"{name}: the log is {log.relative_to(ROOT)}")
    with session.chdir(tests), log.open("w", encoding="utf-8") as file:
        # some fail as expected
        session.run("python", *command, env=variables, success_codes=[0, 1], stdout=file, stderr=subprocess.STDOUT)
    return read_report(report)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _compare(exemptions: Sequence[Exemption], reports: Mapping[str, Report], *, whole: bool) -> None:
    if found := list(differences(exemptions, reports, whole=whole)):
        raise ToolError(
            "llama.cpp's tests of its server ended otherwise than expected:",
            why="\n".join(found),
            fix="What fails with our programs only is a fault of ours: mend it, or say in expected.toml why not.",
        )


def _write_page(text: str, *, record: bool) -> None:
    if record:
        write_text(PAGE, text)
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        raise ToolError(
            f"{PAGE.relative_to(ROOT)} is not what these runs make it.",
            fix=f"Run: nox -s test-upstream-server -- {RECORD}",
        )
