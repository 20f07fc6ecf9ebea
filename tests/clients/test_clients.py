"""litellm, LangChain's ChatOpenAI and `llm`, as their users have them, with `llamapack serve`."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.support.llama.media_files import noise, saved
from tests.support.llama.templates import CALL
from tests.support.server.serving import Served, wait_until

QUESTION = "Say hello."
ASK = [{"role": "user", "content": QUESTION}]
TOOL = {
    "type": "function",
    "function": {
        "name": "temperature",
        "description": "How warm it is.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "enum": ["Rome", "Oslo"]}},
            "required": ["city"],
        },
    },
}
SCHEMA = {
    "type": "object",
    "properties": {"year": {"type": "integer"}},
    "required": ["year"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "year", "schema": SCHEMA, "strict": True}}
CLIENTS = ("openai", "anthropic", "ollama_chat")


@pytest.fixture(scope="module")
def expected(server: Served) -> str:
    """The greedy answer, by llama.cpp's own interface."""
    answer = server.ask("POST", "/v1/chat/completions", {"messages": ASK, "max_tokens": 8, "temperature": 0})[1]
    return str(answer["choices"][0]["message"]["content"])


@pytest.fixture(scope="module")
def bias(server: Served) -> dict[str, int]:
    """What makes the model begin a call of a tool."""
    tokens = server.ask("POST", "/tokenize", {"content": CALL, "parse_special": True})[1]["tokens"]
    return {str(tokens[0]): 100}


def image() -> str:
    return f"data:image/png;base64,{base64.b64encode(saved(noise(), 'PNG')).decode()}"


def seeing() -> list[dict[str, Any]]:
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": image()}}]
    return [{"role": "user", "content": parts}]


# litellm


@pytest.fixture(scope="module")
def litellm() -> Any:
    found: Any = import_module("litellm")
    found.telemetry = False
    return found


def base_of(client: str, server: Served) -> str:
    return f"{server.url}/v1" if client == "openai" else server.url


@pytest.mark.parametrize("client", CLIENTS)
def test_litellm_chats_and_streams(litellm: Any, server: Served, expected: str, client: str) -> None:
    told = {"model": f"{client}/any", "api_base": base_of(client, server), "api_key": "none", "max_tokens": 8}
    whole = litellm.completion(**told, messages=ASK, temperature=0)
    assert whole.choices[0].message.content.strip() == expected.strip()
    pieces = [
        chunk.choices[0].delta.content or ""
        for chunk in litellm.completion(**told, messages=ASK, temperature=0, stream=True)
    ]
    assert len(pieces) > 2
    assert "".join(pieces).strip() == expected.strip()


def test_litellm_calls_tools_and_keeps_schemas(litellm: Any, server: Served, bias: dict[str, int]) -> None:
    told = {"model": "openai/any", "api_base": f"{server.url}/v1", "api_key": "none", "temperature": 0}
    answer = litellm.completion(**told, messages=ASK, tools=[TOOL], logit_bias=bias, max_tokens=40)
    call = answer.choices[0].message.tool_calls[0]
    assert (call.function.name, json.loads(call.function.arguments)["city"] in ("Rome", "Oslo")) == (
        "temperature",
        True,
    )
    answer = litellm.completion(**told, messages=ASK, response_format=FORMAT, max_tokens=60)
    assert isinstance(json.loads(answer.choices[0].message.content)["year"], int)


def test_litellm_sends_images_and_texts_to_embed(litellm: Any, server: Served, embedder: Served) -> None:
    told = {"model": "openai/any", "api_base": f"{server.url}/v1", "api_key": "none"}
    answer = litellm.completion(**told, messages=seeing(), max_tokens=4)
    text = litellm.completion(**told, messages=ASK, max_tokens=4)
    assert answer.usage.prompt_tokens > text.usage.prompt_tokens
    found = litellm.embedding(
        model="openai/any", api_base=f"{embedder.url}/v1", api_key="none", input=["a", "b c"], encoding_format="float"
    )
    assert [len(each["embedding"]) for each in found.data] == [len(found.data[0]["embedding"])] * 2


def test_litellm_raises_its_own_errors(litellm: Any, server: Served) -> None:
    told = {"model": "openai/any", "api_base": f"{server.url}/v1", "api_key": "none", "max_retries": 0}
    with pytest.raises(litellm.BadRequestError, match="exceeds the available context size"):
        litellm.completion(**told, messages=[{"role": "user", "content": "long " * 20_000}])
    with pytest.raises(litellm.BadRequestError, match="expecting"):
        litellm.completion(**told, messages=ASK, extra_body={"grammar": "root ::= ((("})


def test_a_stream_that_litellm_leaves_frees_its_slot(litellm: Any, server: Served) -> None:
    told = {"model": "openai/any", "api_base": f"{server.url}/v1", "api_key": "none", "max_tokens": 1500}
    stream = litellm.completion(**told, messages=ASK, stream=True, extra_body={"ignore_eos": True})
    next(iter(stream))
    assert server.active() == 1
    stream.completion_stream.close()
    wait_until(lambda: server.active() == 0)


# LangChain


@pytest.fixture(scope="module")
def chat(server: Served) -> Callable[..., Any]:
    made: Any = import_module("langchain_openai").ChatOpenAI

    def make(**more: Any) -> Any:
        return made(model="any", base_url=f"{server.url}/v1", api_key="none", temperature=0, max_retries=0, **more)

    return make


def test_langchain_chats_and_streams(chat: Callable[..., Any], expected: str) -> None:
    model = chat(max_tokens=8)
    answer = model.invoke(QUESTION)
    assert answer.content == expected
    assert answer.usage_metadata["output_tokens"] == 8
    pieces = [chunk.content for chunk in model.stream(QUESTION)]
    assert len(pieces) > 2
    assert "".join(pieces) == expected
    assert [each.content for each in model.batch([QUESTION] * 3)] == [expected] * 3


def test_langchain_calls_tools_and_keeps_schemas(chat: Callable[..., Any], bias: dict[str, int]) -> None:
    answer = chat(max_tokens=40, logit_bias=bias).bind_tools([TOOL]).invoke(QUESTION)
    (call,) = answer.tool_calls
    assert (call["name"], call["args"]["city"] in ("Rome", "Oslo")) == ("temperature", True)
    asked = chat(max_tokens=60).with_structured_output({"title": "year", **SCHEMA}, method="json_schema")
    assert isinstance(asked.invoke(QUESTION)["year"], int)


def test_langchain_sends_images_and_texts_to_embed(chat: Callable[..., Any], embedder: Served) -> None:
    message = import_module("langchain_core.messages").HumanMessage(content=seeing()[0]["content"])
    with_image, text = (
        chat(max_tokens=4).invoke(each).usage_metadata["input_tokens"] for each in ([message], "What is this?")
    )
    assert with_image > text
    embeddings = import_module("langchain_openai").OpenAIEmbeddings(
        model="any", base_url=f"{embedder.url}/v1", api_key="none", check_embedding_ctx_length=False
    )
    one, two = embeddings.embed_documents(["a", "b c"])
    assert (len(one), one != two) == (len(two), True)


def test_langchain_raises_openais_errors(chat: Callable[..., Any]) -> None:
    with pytest.raises(import_module("openai").BadRequestError, match="exceed"):
        chat(max_tokens=4).invoke("long " * 20_000)


# llm


@pytest.fixture(scope="module")
def llm(server: Served, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """The command, with a model that asks the server."""
    folder = tmp_path_factory.mktemp("llm")
    (folder / "extra-openai-models.yaml").write_text(
        f"- model_id: local\n  model_name: any\n  api_base: {server.url}/v1\n  vision: true\n"
        "  supports_schema: true\n  supports_tools: true\n"
    )

    def run(*words: str, text: str = "") -> Any:
        command = [sys.executable, "-m", "llm", "-m", "local", "--key", "none", *words]
        variables = {**os.environ, "LLM_USER_PATH": str(folder)}
        return subprocess.run(command, capture_output=True, text=True, check=False, input=text, env=variables)

    return run


def test_llm_answers(llm: Callable[..., Any], expected: str) -> None:
    for more in ((), ("--no-stream",)):
        done = llm(QUESTION, "-o", "max_tokens", "8", "-o", "temperature", "0", *more)
        assert (done.returncode, done.stdout.strip()) == (0, expected.strip()), done.stderr


def test_llm_keeps_schemas_and_sends_images(llm: Callable[..., Any], tmp_path: Path) -> None:
    done = llm(QUESTION, "--schema", "year int", "-o", "max_tokens", "60")
    assert isinstance(json.loads(done.stdout)["year"], int), done.stderr
    (picture := tmp_path / "a.png").write_bytes(saved(noise(), "PNG"))
    done = llm("What is this?", "-a", str(picture), "-o", "max_tokens", "4", "--usage")
    assert done.returncode == 0, done.stderr
    assert "Token usage" in done.stderr


def test_llm_tells_of_errors(llm: Callable[..., Any]) -> None:
    done = llm(text="long " * 20_000)
    assert done.returncode != 0
    assert "exceed" in done.stderr
