"""What tools log, for the tests of them; and the order of tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tools.util.logs import shown_by


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow tests: one that came last would keep one process busy while the others have no work."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


class _Messages(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@pytest.fixture
def said() -> Iterator[list[str]]:
    """What tools log during the test, from INFO up."""
    handler = _Messages()
    with shown_by(handler):
        yield handler.messages


@pytest.fixture
def silent(said: list[str]) -> Iterator[None]:
    """A test in which tools log nothing."""
    yield
    assert said == []
