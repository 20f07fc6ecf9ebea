"""What sessions share: what tools log is shown, their errors end a session with one message, suites get workers."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from tools.errors import ToolError, UnavailableError
from tools.sessions import common
from tools.sessions.common import reporting_tool_errors

log = logging.getLogger("llamapack.tools.some.module")


class EndedError(Exception):
    """What nox raises to end a session."""


class Session:
    """A Nox session as far as it is asked for."""

    def __init__(self) -> None:
        """Begin with nothing shown."""
        self.shown: list[tuple[str, str]] = []

    def log(self, message: str) -> None:
        """Show a step."""
        self.shown.append(("log", message))

    def warn(self, message: str) -> None:
        """Show a warning."""
        self.shown.append(("warn", message))

    def skip(self, message: str) -> None:
        """End without a failure."""
        raise EndedError("skipped", message)

    def error(self, message: str) -> None:
        """End with a failure."""
        raise EndedError("failed", message)


def test_what_tools_log_is_shown_by_the_session() -> None:
    session: Any = Session()
    with reporting_tool_errors(session):
        log.info("a step")
        log.warning("a warning")
    log.warning("later")
    assert session.shown == [("log", "a step"), ("warn", "a warning")]


@pytest.mark.parametrize(
    ("error", "ended"),
    [
        (UnavailableError("No GPU.", fix="Buy one."), ("skipped", "No GPU. Buy one.")),
        (ToolError("It failed.", why="A reason.", fix="Try again."), ("failed", "It failed.\nA reason.\nTry again.")),
    ],
)
def test_an_error_of_a_tool_ends_the_session_with_its_message(error: ToolError, ended: tuple[str, str]) -> None:
    session: Any = Session()
    with pytest.raises(EndedError) as caught, reporting_tool_errors(session):
        raise error
    assert caught.value.args == ended


def test_any_other_error_is_a_bug_and_shows_its_traceback() -> None:
    session: Any = Session()
    with pytest.raises(KeyError), reporting_tool_errors(session):
        raise KeyError("bug")


@pytest.mark.parametrize(("processors", "options"), [(1, []), (2, ["2"]), (4, ["4"]), (64, ["4"])])
def test_workers_are_as_many_as_the_processors_and_four_at_most(
    monkeypatch: pytest.MonkeyPatch, processors: int, options: list[str]
) -> None:
    monkeypatch.setattr(common, "processors", lambda: processors)
    assert common.workers() == (["--numprocesses", *options, "--dist", "worksteal"] if options else [])


def test_temporary_files_are_made_in_memory_unless_a_place_was_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(common, "memory_folder", lambda mib: tmp_path)
    assert common.scratch_in_memory() == {"TMPDIR": str(tmp_path)}
    monkeypatch.setenv("TMPDIR", "/mine")
    assert common.scratch_in_memory() == {}
    monkeypatch.delenv("TMPDIR")
    monkeypatch.setattr(common, "memory_folder", lambda mib: None)
    assert common.scratch_in_memory() == {}
