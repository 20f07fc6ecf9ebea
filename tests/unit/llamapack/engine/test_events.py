"""Server-sent events are found in pieces that end anywhere."""

from __future__ import annotations

import pytest
from llamapack.engine.events import EventReader

STREAM = b'data: {"a": 1}\n\n: ping\n\nevent: message_stop\ndata: {}\n\ndata: one\ndata: two\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_events_come_whole_however_the_bytes_come(size: int) -> None:
    reader = EventReader()
    pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    events = [(event.name, event.data) for piece in pieces for event in reader.feed(piece)]
    assert events == [("", '{"a": 1}'), ("message_stop", "{}"), ("", "one\ntwo")]


def test_data_is_read_as_json() -> None:
    (event,) = EventReader().feed(b'data: {"a": [1]}\n\n')
    assert event.json() == {"a": [1]}
