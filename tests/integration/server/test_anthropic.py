"""Anthropic's client for Python, as its users have it, with `llamapack serve`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from tests.support.server.serving import Served, wait_until

GREEDY = {"temperature": 0}
ASK: Any = [{"role": "user", "content": "Say hello."}]
TOOL: Any = {
    "name": "temperature",
    "description": "Measure the temperature.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string", "enum": ["Rome", "Oslo"]}},
        "required": ["city"],
    },
}


@pytest.fixture
def client(server: Served) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0) as client:
        yield client


def text_of(message: Any) -> str:
    return "".join(block.text for block in message.content)


def test_a_chat_and_its_stream_say_the_same(client: anthropic.Anthropic) -> None:
    whole = client.messages.create(model="any", messages=ASK, max_tokens=8, extra_body=GREEDY)
    assert whole.stop_reason == "max_tokens"
    with client.messages.stream(model="any", messages=ASK, max_tokens=8, extra_body=GREEDY) as stream:
        pieces = list(stream.text_stream)
    assert len(pieces) > 2
    assert "".join(pieces) == text_of(whole)


def test_tokens_are_counted(client: anthropic.Anthropic) -> None:
    assert client.messages.count_tokens(model="any", messages=ASK).input_tokens > 5


def test_results_of_tools_are_taken(client: anthropic.Anthropic) -> None:
    call = {"type": "tool_use", "id": "call_1", "name": "temperature", "input": {"city": "Rome"}}
    result = {"type": "tool_result", "tool_use_id": "call_1", "content": "30"}
    messages: Any = [
        {"role": "user", "content": "How warm is it in Rome?"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    with_tools = client.messages.count_tokens(model="any", messages=messages, tools=[TOOL]).input_tokens
    assert with_tools > client.messages.count_tokens(model="any", messages=messages).input_tokens
    answer = client.messages.create(model="any", messages=messages, tools=[TOOL], max_tokens=8, extra_body=GREEDY)
    assert answer.usage.input_tokens + (answer.usage.cache_read_input_tokens or 0) == with_tools


def test_errors_are_those_of_the_client(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="there is no sampler `nope`") as caught:
        client.messages.create(model="any", messages=ASK, max_tokens=8, extra_body={"samplers": ["nope"]})
    body: Any = caught.value.body
    assert (body["type"], body["error"]["type"]) == ("error", "invalid_request_error")


def test_a_stream_that_is_left_frees_its_slot(client: anthropic.Anthropic, server: Served) -> None:
    with client.messages.stream(
        model="any",
        messages=ASK,
        max_tokens=100_000,
        extra_body={"ignore_eos": True},
    ) as stream:
        next(iter(stream.text_stream))
        assert server.active() == 1
    wait_until(lambda: server.active() == 0, 2)
