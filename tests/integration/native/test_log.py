"""llama.cpp's log lines, as Python sees them."""

import logging
import signal
from collections.abc import Callable
from pathlib import Path

import llamapack
import pytest
from llamapack._native.log import sync_log_level

from tests.support.children import python

QUIET = "import sys, llamapack; llamapack.Model(sys.argv[1]).close()"
LEAVE_OPEN = """
import logging, sys, llamapack
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
model = llamapack.Model(sys.argv[1])
context = llamapack.Context(model, n_ctx=64)
context.decode([1])
print("end of the program")
"""


def test_nothing_is_printed_unless_logging_is_configured(model_path: Path) -> None:
    answer = python(QUIET, model_path)
    assert (answer.status, answer.out, answer.err) == (0, "", "")


def test_lines_arrive_whole_with_their_level(model_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="llamapack.native"):
        llamapack.Model(model_path, vocab_only=True).close()
    lines = [record.getMessage() for record in caplog.records if record.name == "llamapack.native"]
    assert any("general.architecture str" in line for line in lines)
    assert not [line for line in lines if "\n" in line]
    assert {record.levelno for record in caplog.records} <= {logging.INFO, logging.WARNING}


def test_lines_below_the_loggers_level_do_not_arrive(model_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="llamapack.native"):
        llamapack.Model(model_path, vocab_only=True).close()
    assert caplog.records == []
    sync_log_level()


class Failing(logging.Handler):
    """A handler whose first record does something bad."""

    def __init__(self, deed: Callable[[], object]) -> None:
        super().__init__()
        self.deed, self.records = deed, 0

    def emit(self, record: logging.LogRecord) -> None:
        self.records += 1
        if self.records == 1:
            self.deed()


def fail() -> None:
    raise KeyError("from the handler")


@pytest.mark.parametrize(
    ("deed", "error"), [(fail, KeyError), (lambda: signal.raise_signal(signal.SIGINT), KeyboardInterrupt)]
)
def test_what_happens_in_a_handler_comes_out_after_the_call(
    model_path: Path, deed: Callable[[], object], error: type[BaseException]
) -> None:
    handler, logger = Failing(deed), logging.getLogger("llamapack.native")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        with pytest.raises(error):
            llamapack.Model(model_path, vocab_only=True)
        assert handler.records > 10
        llamapack.Model(model_path, vocab_only=True).close()
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        sync_log_level()


def test_objects_left_open_at_exit_are_freed_without_a_word(model_path: Path) -> None:
    answer = python(LEAVE_OPEN, model_path)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.splitlines()[-1] == "end of the program"
