"""Requests of one thread: answers whole and in pieces, errors, and leaving before the end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llamapack
import pytest
from llamapack.engine import Engine, Response
from llamapack.errors import CancelledError, ClosedError, InputError, RequestError

from tests.support.engine.requests import (
    PARALLEL,
    busy_slots,
    completed,
    decode_steps,
    marked,
    still_streaming,
    wait_until,
)

QUESTION = [{"role": "user", "content": "Say a few words on the sea."}]
CHAT = {"messages": QUESTION, "max_tokens": 24, "temperature": 0, "seed": 1}


def ask(engine: Engine, path: str, body: object = None) -> Any:
    method = "GET" if body is None else "POST"
    return engine.request(method, path, body).json()  # type: ignore[arg-type]  # of the tests' own making


def text_of(events: Iterator[llamapack.engine.ServerEvent]) -> str:
    deltas = (event.json()["choices"][0]["delta"] for event in events)
    return "".join(delta.get("content") or "" for delta in deltas)


def test_a_streamed_answer_is_the_whole_one_in_pieces(engine: Engine) -> None:
    whole = engine.request("POST", "/v1/chat/completions", CHAT)
    answer = whole.json()
    assert (whole.status, whole.content_type) == (200, "application/json; charset=utf-8")
    assert answer["usage"]["completion_tokens"] == 24
    stream = engine.request("POST", "/v1/chat/completions", {**CHAT, "stream": True})
    assert (stream.status, stream.content_type) == (200, "text/event-stream")
    text = text_of(stream.events())
    assert text == answer["choices"][0]["message"]["content"]
    assert len(text) > 20


def test_the_model_is_the_one_of_the_file(engine: Engine, model: llamapack.Model) -> None:
    properties = ask(engine, "/props")
    assert properties["total_slots"] == PARALLEL
    assert properties["model_path"] == str(engine.path)
    (listed,) = ask(engine, "/v1/models")["data"]
    assert listed["meta"]["n_vocab"] == model.n_vocab
    text = "Grüße, 世界 \N{SLIGHTLY SMILING FACE}"
    tokens = ask(engine, "/tokenize", {"content": text})["tokens"]
    assert tokens == list(model.vocab.tokenize(text, add_special=False))
    assert ask(engine, "/detokenize", {"tokens": tokens})["content"] == text


def test_a_grammar_is_enforced(engine: Engine) -> None:
    assert completed(engine, marked("only-this-0815")) == "only-this-0815"


WRONG = {
    "no path of that name": ("GET", "/nothing", None, 404, "there is no GET /nothing"),
    "another method": ("DELETE", "/props", None, 404, "there is no DELETE /props"),
    "no JSON": ("POST", "/completion", b"{not json", 400, "the body is not JSON, from byte 3: parse error at line 1"),
    "no body": ("POST", "/completion", b"", 400, "parse error"),
    "no object": ("POST", "/v1/responses", b'"text"', 400, "the body is not a JSON object"),
    "no array": ("POST", "/lora-adapters", {}, 400, "the body is not a JSON array"),
    "no prompt": ("POST", "/completion", {}, 400, "prompt"),
    "nested too deeply": ("POST", "/completion", b"[" * 100_000, 400, "nests more than 256"),
    "an unfinished grammar": ("POST", "/completion", {"prompt": "a", "grammar": "root ::= ("}, 400, "line 1"),
    "a grammar without end": ("POST", "/completion", {"prompt": "a", "grammar": "root ::= root"}, 400, "root"),
    "a picture in the network": (
        "POST",
        "/v1/chat/completions",
        {
            "messages": [
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://localhost:9/a.png"}}]}
            ]
        },
        400,
        "an engine loads nothing from the network: `http://localhost:9/a.png`",
    ),
    "more than the context": ("POST", "/completion", {"prompt": "sea " * 6000}, 400, "exceeds the available context"),
    "a wrong type": ("POST", "/v1/chat/completions", {"messages": "hello"}, 400, "messages"),
    "an impossible slot": ("POST", "/slots/9?action=save", {"filename": "a"}, 501, "slots action"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_request_says_what_is_wrong_and_the_next_one_works(engine: Engine, case: str) -> None:
    method, path, body, status, message = WRONG[case]
    with pytest.raises(RequestError) as caught:
        engine.request(method, path, body).json()
    assert caught.value.status == status
    assert message in str(caught.value)
    assert completed(engine, marked("after")) == "after"


def test_a_wrong_request_for_a_stream_is_refused_likewise(engine: Engine) -> None:
    with pytest.raises(RequestError, match="status 400"):
        next(engine.request("POST", "/completion", {"prompt": "a", "grammar": "(", "stream": True}).events())


def test_what_is_no_json_is_refused_before_it_is_sent(engine: Engine) -> None:
    with pytest.raises(InputError, match="does not become JSON"):
        engine.request("POST", "/completion", {"prompt": object()})


@pytest.mark.parametrize("leave", [Response.close, Response.cancel])
def test_a_stream_that_is_left_frees_its_slot_at_once(engine: Engine, leave: Any) -> None:
    stream = still_streaming(engine)
    assert busy_slots(engine) == 1
    before = decode_steps(engine)
    leave(stream)
    wait_until(lambda: busy_slots(engine) == 0)
    assert decode_steps(engine) - before < 50  # of the thousand that it would have been
    stream.close()


def test_a_stream_that_is_dropped_frees_its_slot_at_once(engine: Engine) -> None:
    stream = still_streaming(engine)
    assert busy_slots(engine) == 1
    del stream
    wait_until(lambda: busy_slots(engine) == 0)


def test_reading_on_after_a_cancel_is_an_error(engine: Engine) -> None:
    stream = still_streaming(engine)
    stream.cancel()
    with pytest.raises(CancelledError):
        stream.read()
    with pytest.raises(ClosedError):
        stream.read()


def test_a_request_that_waits_can_be_cancelled_while_others_stream(engine: Engine) -> None:
    streams = [still_streaming(engine) for _ in range(PARALLEL)]
    waiting = engine.request("POST", "/completion", marked("never"))
    time.sleep(0.05)  # so that it is in llama.cpp's queue, usually: either way it has to end
    waiting.cancel()
    with pytest.raises(CancelledError):
        waiting.read()
    assert busy_slots(engine) == PARALLEL  # nothing made room for it
    for stream in streams:
        stream.close()
    wait_until(lambda: busy_slots(engine) == 0)


def test_an_exception_in_the_reader_frees_the_slot(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError), still_streaming(engine):
        raise ZeroDivisionError
    wait_until(lambda: busy_slots(engine) == 0)


def test_a_request_after_close_is_refused(model_path: Path) -> None:
    engine = Engine(model_path, ctx_size=64, warmup=False)
    engine.close()
    engine.close()
    with pytest.raises(ClosedError):
        engine.request("GET", "/props")
