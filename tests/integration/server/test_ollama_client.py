"""Ollama's client for Python, as its users have it, with `llamapack serve`."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ollama
import pytest

from tests.support.llama.templates import CALL
from tests.support.server.serving import SMALL, Served, wait_until

ASK: Any = [{"role": "user", "content": "Say hello."}]
GREEDY: Any = {"temperature": 0, "num_predict": 8}


def connected(served: Served) -> ollama.Client:
    return ollama.Client(host=served.url)


@pytest.fixture
def client(server: Served) -> Iterator[ollama.Client]:
    with connected(server) as client:
        yield client


def test_a_chat_and_its_stream_say_the_same(client: ollama.Client, server: Served) -> None:
    whole = client.chat("any", ASK, options=GREEDY)
    assert (whole.done, whole.done_reason, whole.eval_count, whole.model) == (True, "length", 8, "any")
    assert whole.prompt_eval_count
    assert whole.total_duration
    assert whole.prompt_eval_count > 5
    assert whole.total_duration > 1_000_000
    parts = list(client.chat("any", ASK, options=GREEDY, stream=True))
    assert len(parts) > 3
    assert "".join(part.message.content or "" for part in parts) == whole.message.content
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
    with server.begin("POST", "/api/chat", {"model": "any", "messages": ASK, "options": GREEDY}) as answer:
        assert answer.headers["Content-Type"] == "application/x-ndjson"  # streams are what Ollama does by default
        assert all(json.loads(line)["model"] == "any" for line in answer)


def test_texts_with_a_template_raw_and_in_json(client: ollama.Client) -> None:
    chat = client.generate("any", "Say hello.", options=GREEDY)
    assert chat.response == client.chat("any", ASK, options=GREEDY).message.content
    raw = client.generate("any", "One, two, three,", raw=True, options={**GREEDY, "num_predict": 4})
    assert "four" in (raw.response or "")
    parts = list(
        client.generate("any", "One, two, three,", raw=True, options={**GREEDY, "num_predict": 4}, stream=True)
    )
    assert "".join(part.response or "" for part in parts) == raw.response
    assert parts[-1].eval_count == 4
    schema = {"type": "object", "properties": {"year": {"type": "integer"}}, "required": ["year"]}
    found = client.generate("any", "When?", format=schema, options={**GREEDY, "num_predict": 60})
    assert isinstance(json.loads(found.response or "")["year"], int)


def test_tools_and_their_results_reach_the_model(client: ollama.Client) -> None:
    def temperature(city: str) -> str:
        """Measure the temperature.

        Args:
            city: Where.
        """
        return city

    call: Any = {
        "role": "assistant",
        "tool_calls": [{"function": {"name": "temperature", "arguments": {"city": "Rome"}}}],
    }
    messages: Any = [*ASK, call, {"role": "tool", "content": "30", "tool_name": "temperature"}]
    with_tool = client.chat("any", messages, tools=[temperature], options=GREEDY)
    without = client.chat("any", messages, options=GREEDY)
    assert with_tool.prompt_eval_count
    assert without.prompt_eval_count
    assert with_tool.prompt_eval_count > without.prompt_eval_count
    assert CALL not in (with_tool.message.content or "")


def test_models(client: ollama.Client, server: Served) -> None:
    (listed,) = client.list().models
    assert listed.model == "SmolLM2-135M-Instruct.Q4_1"
    assert listed.details is not None
    assert (listed.details.family, listed.details.parameter_size) == ("llama", "134.52M")
    assert listed.details.quantization_level == "Q4_1"
    (running,) = client.ps().models
    assert (running.model, running.context_length) == (listed.model, 2048)
    shown = client.show("any")
    assert shown.modelinfo is not None
    assert shown.modelinfo["llama.context_length"] == 8192
    assert shown.capabilities == ["completion", "tools"]
    assert "/" not in str(server.ask("GET", "/api/tags")[1])
    assert server.ask("GET", "/api/version")[1]["version"]


def test_loading_and_unloading_answer_at_once(client: ollama.Client) -> None:
    assert client.generate("any", "").done_reason == "load"
    assert client.chat("any", [], keep_alive="5m").done_reason == "load"
    assert client.generate("any", "", keep_alive=0).done_reason == "unload"


def test_embeddings(embedder: Served) -> None:
    with connected(embedder) as client:
        found = client.embed("any", ["a b", "c d"])
        assert [len(vector) for vector in found.embeddings] == [64, 64]
        assert client.embed("any", "a b").embeddings[0] == pytest.approx(found.embeddings[0], abs=1e-5)
        assert client.embeddings("any", "a b").embedding == pytest.approx(found.embeddings[0], abs=1e-5)
        assert len(client.embed("any", "a b", dimensions=16).embeddings[0]) == 16
        assert client.show("any").capabilities == ["embedding"]


def test_errors_are_those_of_the_client(client: ollama.Client, server: Served) -> None:
    for call, status, message in (
        (lambda: client.chat("any", ASK, options={"temperature": "hot"}), 400, "option 'temperature' must be a number"),
        (lambda: client.generate("any", "word " * 4000), 400, "exceeds the available context size"),
        (lambda: client.pull("llama3"), 501, "does not fetch, make or change models"),
        (lambda: client.delete("llama3"), 501, "does not fetch, make or change models"),
        (lambda: client.embed("any", "a"), 501, "does not support embeddings"),
        (lambda: client.generate("any", "a", images=[b"GIF89a"]), 400, "image input is not supported"),
    ):
        with pytest.raises(ollama.ResponseError, match=message) as caught:
            call()
        assert caught.value.status_code == status
    for body in (b"", b"[]", b'{"model": 5}', b'{"messages": []}', b"[" * 100_000, b'{"model": "a", "messages": [1]}'):
        status, error, _ = server.ask("POST", "/api/chat", body)
        assert (status, list(error)) == (400, ["error"])
    assert server.ask("GET", "/api/nowhere")[1] == {"error": "There is no such route here."}


def test_a_stream_that_is_left_frees_its_slot(client: ollama.Client, server: Served) -> None:
    stream = client.generate("any", "One,", raw=True, stream=True, options={"num_predict": -1, "temperature": 0})
    next(iter(stream))
    assert server.active() == 1
    stream.close()  # type: ignore[attr-defined]  # it is a generator
    wait_until(lambda: server.active() == 0, 2)


def test_a_stream_whose_runner_is_killed_ends_with_an_error(serve: Callable[..., Served], model_path: Path) -> None:
    served = serve(*SMALL, model=model_path)
    with connected(served) as client:
        stream = iter(client.generate("any", "One,", raw=True, stream=True, options={"num_predict": -1}))
        next(stream)
        os.kill(served.runner, signal.SIGKILL)
        with pytest.raises(ollama.ResponseError, match="was ended by SIGKILL"):
            list(stream)
        assert client.generate("any", "One,", raw=True, options=GREEDY).response
