"""OpenAI's client for Python, as its users have it, with `llamapack serve`."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.support.llama.templates import CALL
from tests.support.server.serving import Served, wait_until

ASK: Any = [{"role": "user", "content": "Say hello."}]
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "temperature",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "enum": ["Rome", "Oslo"]}},
            "required": ["city"],
        },
    },
}
SCHEMA: Any = {"type": "object", "properties": {"year": {"type": "integer"}}, "required": ["year"]}


@pytest.fixture
def client(server: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_a_chat_and_its_stream_say_the_same(client: openai.OpenAI) -> None:
    whole: Any = client.chat.completions.create(model="any", messages=ASK, max_tokens=8, temperature=0)
    assert whole.usage.completion_tokens == 8
    assert whole.choices[0].finish_reason == "length"
    stream: Any = client.chat.completions.create(model="any", messages=ASK, max_tokens=8, temperature=0, stream=True)
    pieces = [chunk.choices[0].delta.content or "" for chunk in stream]
    assert len(pieces) > 2
    assert "".join(pieces) == whole.choices[0].message.content


def test_completions_and_responses(client: openai.OpenAI) -> None:
    text = client.completions.create(model="any", prompt="One, two, three,", max_tokens=4, temperature=0)
    assert "four" in text.choices[0].text
    answer = client.responses.create(model="any", input="Say hello.", max_output_tokens=8, temperature=0)
    assert answer.output_text
    events = [
        event.type for event in client.responses.create(model="any", input="Hi", max_output_tokens=4, stream=True)
    ]
    assert events[0] == "response.created"
    assert events[-1] in ("response.completed", "response.incomplete")


def test_a_tool_is_called(client: openai.OpenAI, server: Served) -> None:
    tokens = server.ask("POST", "/tokenize", {"content": CALL, "parse_special": True})[1]["tokens"]
    answer: Any = client.chat.completions.create(
        model="any",
        messages=[{"role": "user", "content": "How warm is it in Rome?"}],
        tools=[TOOL],
        logit_bias={str(tokens[0]): 100},
        max_tokens=40,
        temperature=0,
    )
    call = answer.choices[0].message.tool_calls[0]
    assert call.function.name == "temperature"
    assert json.loads(call.function.arguments)["city"] in ("Rome", "Oslo")


def test_a_schema_is_kept(client: openai.OpenAI) -> None:
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "year", "schema": SCHEMA}}
    answer: Any = client.chat.completions.create(
        model="any", messages=ASK, response_format=wanted, max_tokens=60, temperature=0
    )
    assert isinstance(json.loads(answer.choices[0].message.content)["year"], int)


def test_models_are_listed_without_a_path(client: openai.OpenAI, server: Served) -> None:
    assert [model.id for model in client.models.list()] == ["SmolLM2-135M-Instruct.Q4_1"]
    assert "/" not in json.dumps(server.ask("GET", "/v1/models")[1])


def test_embeddings(embedder: Served) -> None:
    with openai.OpenAI(base_url=f"{embedder.url}/v1", api_key="none", max_retries=0) as client:
        found = client.embeddings.create(model="any", input=["a b", "c d"])
        assert len(found.data) == 2
        assert len(found.data[0].embedding) == 64


def test_errors_are_those_of_the_client(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="there is no sampler `nope`"):
        client.chat.completions.create(model="any", messages=ASK, extra_body={"samplers": ["nope"]})
    with pytest.raises(openai.NotFoundError, match="There is no such route here"):
        client.files.list()
    with pytest.raises(openai.BadRequestError, match="exceeds the available context size"):
        client.completions.create(model="any", prompt="word " * 4000, max_tokens=1)


def test_a_stream_that_is_left_frees_its_slot(client: openai.OpenAI, server: Served) -> None:
    stream = client.completions.create(
        model="any", prompt="One,", max_tokens=100_000, stream=True, extra_body={"ignore_eos": True}
    )
    next(iter(stream))
    assert server.active() == 1
    stream.close()
    began = time.monotonic()
    wait_until(lambda: server.active() == 0)
    assert time.monotonic() - began < 1


def test_a_request_that_times_out_in_the_client_frees_its_slot(client: openai.OpenAI, server: Served) -> None:
    body = {"ignore_eos": True}
    with pytest.raises(openai.APITimeoutError):
        client.completions.create(model="any", prompt="One,", max_tokens=100_000, extra_body=body, timeout=0.5)
    wait_until(lambda: server.active() == 0, 2)


def test_more_requests_than_slots_wait_and_are_all_answered(client: openai.OpenAI) -> None:
    texts: list[str] = []

    def ask() -> None:
        answer = client.completions.create(model="any", prompt="One, two, three,", max_tokens=4, temperature=0)
        texts.append(answer.choices[0].text)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(texts) == 6
