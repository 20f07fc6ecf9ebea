"""What a runner logs becomes records; errors of loading are kept for the exception."""

from __future__ import annotations

import io
import logging

import pytest
from llamapack.runner.log import Log

LINES = b"<7>details\n<4>careful\r\n<3>no such file\nfree(): invalid pointer\n<3>caf\xe9\n"


def test_lines_are_logged_at_their_levels_and_errors_are_held(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "llamapack.native"):
        log = Log(io.BytesIO(LINES))
        log.finish(10)
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("DEBUG", "details"),
        ("WARNING", "careful"),
        ("WARNING", "free(): invalid pointer"),
    ]
    assert log.last == ("details", "careful", "no such file", "free(): invalid pointer", "caf�")
    assert list(log.release()) == ["no such file", "caf�"]
    assert list(log.release()) == []


def test_only_the_last_lines_are_kept() -> None:
    log = Log(io.BytesIO(b"".join(b"<7>%d\n" % number for number in range(1000))))
    log.finish(10)
    assert log.last == tuple(map(str, range(980, 1000)))


def test_a_handler_that_fails_does_not_end_reading(caplog: pytest.LogCaptureFixture) -> None:
    class Fails(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise ValueError(record.getMessage())

    logger = logging.getLogger("llamapack.native")
    handler = Fails()
    logger.addHandler(handler)
    try:
        log = Log(io.BytesIO(b"<4>one\n<4>two\n"))
        log.finish(10)
    finally:
        logger.removeHandler(handler)
    assert log.last == ("one", "two")
