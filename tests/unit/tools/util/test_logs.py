"""What tools log is shown by whoever calls them, and by nobody else."""

from __future__ import annotations

import io
import logging

import pytest

from tools.util.logs import TOOLS, shown_by


def test_steps_and_warnings_are_shown_and_details_are_not() -> None:
    stream, log = io.StringIO(), logging.getLogger("llamapack.tools.some.module")
    with shown_by(logging.StreamHandler(stream)):
        log.debug("a detail")
        log.info("a step of 50%")
        log.warning("a warning")
    log.warning("later")
    assert stream.getvalue() == "a step of 50%\na warning\n"


def test_the_logger_is_afterwards_as_it_was() -> None:
    before = (TOOLS.level, TOOLS.propagate, list(TOOLS.handlers))
    with pytest.raises(ValueError, match=r"^stop$"), shown_by(logging.NullHandler()):
        raise ValueError("stop")
    assert (TOOLS.level, TOOLS.propagate, list(TOOLS.handlers)) == before
