"""Ollama's requests become llama.cpp's, and its answers become Ollama's; what is wrong is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llamapack.server.ollama.answers import Answer, ChatAnswer, TextAnswer, embeddings_of
from llamapack.server.ollama.durations import seconds
from llamapack.server.ollama.options import sampling_of
from llamapack.server.ollama.requests import chat_request, dimensions_of, embed_request, generate_request
from llamapack.server.reading import model_name, read_object
from llamapack.server.refusal import Refusal

TOOL = {"type": "function", "function": {"name": "temperature", "parameters": {"type": "object"}}}


def test_options_have_llama_cpps_names() -> None:
    given = {
        "num_predict": -2,
        "num_keep": 4,
        "temperature": 0,
        "top_k": 3.0,
        "stop": ["a", "b"],
        "seed": -1,
        "num_ctx": 4096,
        "use_mmap": True,
        "tfs_z": 1.0,
        "invented": object,
        "min_p": None,
    }
    assert sampling_of({"options": given}) == {
        "n_predict": -1,
        "n_keep": 4,
        "temperature": 0,
        "top_k": 3,
        "stop": ["a", "b"],
        "seed": 4294967295,
    }
    assert sampling_of({"options": {"stop": "a"}}) == {"stop": ["a"]}
    assert sampling_of({}) == sampling_of({"options": None}) == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": "hot"}, "option 'temperature' must be a number"),
        ({"temperature": True}, "option 'temperature' must be a number"),
        ({"top_k": 1.5}, "option 'top_k' must be a whole number"),
        ({"top_k": 2**31}, "option 'top_k' must be from -2147483648 to 2147483647"),
        ({"repeat_last_n": -2}, "option 'repeat_last_n' must be from -1 to 2147483647"),
        ({"stop": [1]}, "option 'stop' must be a list of texts"),
        ([], "'options' must be an object."),
    ],
)
def test_wrong_options_are_named(options: object, message: str) -> None:
    with pytest.raises(Refusal) as caught:
        sampling_of({"options": options})
    assert (caught.value.status, caught.value.message) == (400, message)


def test_a_chat_becomes_a_chat() -> None:
    request = {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What is this?", "images": ["aGk=", "data:image/gif;base64,aGk="]},
        ],
        "tools": [TOOL],
        "format": {"type": "object"},
        "think": "high",
        "top_logprobs": 2,
        "options": {"num_predict": 5},
    }
    translated = chat_request(request, stream=True)
    assert translated.path == "/v1/chat/completions"
    assert translated.body == {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
                    {"type": "image_url", "image_url": {"url": "data:image/gif;base64,aGk="}},
                ],
            },
        ],
        "tools": [TOOL],
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}},
        "chat_template_kwargs": {"enable_thinking": True, "reasoning_effort": "high"},
        "logprobs": True,
        "top_logprobs": 2,
        "max_tokens": 5,
        "stream": True,
    }


def test_an_image_is_no_address() -> None:
    """Whatever stands there is the content of a file in base64, never fetched."""
    message = {"role": "user", "content": "", "images": ["http://127.0.0.1/a.png"]}
    body = chat_request({"messages": [message]}, stream=False).body
    assert body["messages"][0]["content"][0]["image_url"]["url"] == "data:image/png;base64,http://127.0.0.1/a.png"


def test_results_of_tools_name_their_calls() -> None:
    def call(name: str) -> dict[str, Any]:
        return {"function": {"name": name, "arguments": {"city": "Rome"}}}

    messages = [
        {"role": "assistant", "thinking": "Hm.", "tool_calls": [call("warm"), call("wind"), call("warm")]},
        {"role": "tool", "content": "1", "tool_name": "wind"},
        {"role": "tool", "content": "2", "tool_name": "warm"},
        {"role": "tool", "content": "3"},
        {"role": "tool", "content": "4"},
    ]
    made = chat_request({"messages": messages}, stream=False).body["messages"]
    assert made[0]["reasoning_content"] == "Hm."
    assert [each["id"] for each in made[0]["tool_calls"]] == ["call_0", "call_1", "call_2"]
    assert json.loads(made[0]["tool_calls"][0]["function"]["arguments"]) == {"city": "Rome"}
    assert [each["tool_call_id"] for each in made[1:]] == ["call_1", "call_0", "call_2", "call_unknown"]


def test_a_prompt_becomes_a_chat_a_text_or_a_gap() -> None:
    chat = generate_request({"prompt": "Hi", "system": "Be brief.", "format": "json"}, stream=False)
    assert chat.path == "/v1/chat/completions"
    assert [message["role"] for message in chat.body["messages"]] == ["system", "user"]
    assert chat.body["response_format"] == {"type": "json_object"}
    raw = generate_request({"prompt": "Hi", "raw": True, "format": "json", "options": {"num_predict": 3}}, stream=True)
    assert raw.path == "/completion"
    assert raw.body == {"prompt": "Hi", "json_schema": {"type": "object"}, "n_predict": 3, "stream": True}
    gap = generate_request({"prompt": "def f(", "suffix": "return 1"}, stream=False)
    assert gap.path == "/infill"
    assert gap.body == {"input_prefix": "def f(", "input_suffix": "return 1", "stream": False}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"messages": "Hi"}, "'messages' must be a list"),
        ({"messages": ["Hi"]}, "each message must be an object"),
        ({"messages": [{"content": "Hi"}]}, "each message needs a role"),
        ({"messages": [{"role": "user", "content": 5}]}, "'content' must be a text"),
        ({"messages": [{"role": "user", "images": "a"}]}, "'images' must be a list"),
        ({"messages": [{"role": "user", "images": {}}]}, "'images' must be a list"),
        ({"messages": [{"role": "user", "content": "a", "tool_name": {}}]}, "'tool_name' must be a text"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "a", "arguments": 0}}]}]}, "an obj"),
        ({"messages": [{"role": "user", "images": [{}]}]}, "images must be a list of base64 texts"),
        ({"messages": [{"role": "assistant", "tool_calls": [{}]}]}, "needs a function with a name"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "a", "arguments": "b"}}]}]},
            "'arguments' must be an object",
        ),
        ({"format": "xml"}, 'format must be "json" or a JSON schema'),
        ({"think": "much"}, "think must be true, false, or one of"),
        ({"top_logprobs": 21}, "top_logprobs must be from 0 to 20"),
        ({"top_logprobs": -1}, "top_logprobs must be from 0 to 20"),
        ({"tools": [{}]}, 'each tool must be an object with type "function"'),
        ({"tools": ["a"]}, 'each tool must be an object with type "function"'),
        ({"tools": [{"type": "function", "function": {}}]}, "the function of each tool needs a name"),
        ({"tools": [{"type": "function", "function": {"name": "a", "parameters": 1}}]}, "'parameters' must be an obj"),
    ],
)
def test_wrong_chats_are_the_clients_fault(request_: dict[str, Any], message: str) -> None:
    with pytest.raises(Refusal, match=message) as caught:
        chat_request(request_, stream=False)
    assert caught.value.status == 400


@pytest.mark.parametrize("request_", [{"template": "{{ .Prompt }}"}, {"context": [1]}, {"raw": True, "images": ["a"]}])
def test_what_is_not_supported_is_named(request_: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match=r"not supported|cannot have"):
        generate_request(request_, stream=False)


@pytest.mark.parametrize(
    "wrong",
    [{"raw": {}}, {"system": 1}, {"prompt": 1}, {"suffix": 1}, {"think": 1}, {"format": 1}, {"logprobs": 1}],
    ids=lambda wrong: next(iter(wrong)),
)
@pytest.mark.parametrize("kind", [{}, {"raw": True}, {"suffix": "a"}], ids=["chat", "raw", "gap"])
def test_a_field_of_a_wrong_type_is_an_error_where_it_is_not_used_too(
    kind: dict[str, Any], wrong: dict[str, Any]
) -> None:
    with pytest.raises(Refusal) as caught:
        generate_request({**kind, **wrong}, stream=False)
    assert caught.value.status == 400


@pytest.mark.parametrize("dimensions", [-1, 2**31, 1.0, "1", True])
def test_wrong_dimensions_are_an_error(dimensions: object) -> None:
    with pytest.raises(Refusal, match="dimensions"):
        dimensions_of({"dimensions": dimensions})
    assert dimensions_of({}) == dimensions_of({"dimensions": None}) == 0


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "is no JSON"),
        (b"[]", 400, "must be a JSON object"),
        (b'{"a": NaN}', 400, "NaN is no JSON"),
        (b'{"a": [1e999]}', 400, "1e999 is too large a number"),
        (b'{"a": -1e999}', 400, "-1e999 is too large a number"),
        (b'{"a": "\xff"}', 400, "is no JSON"),
        (b'{"a":' * 100_000, 400, "nested too deeply|is no JSON"),
        (b"[" + b"1," * 1_000_001 + b"1]", 413, "more than 1000000 values"),
    ],
)
def test_bodies_are_read_within_limits(body: bytes, status: int, message: str) -> None:
    with pytest.raises(Refusal, match=message) as caught:
        read_object(body)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (5, 5),
        (-1, -1),
        ("5m", 300),
        ("1h30m", 5400),
        ("-1m", -60),
        ("0", 0),
        ("90", 90),
        ("1.5s", 1.5),
        (10**400, 1e9),
    ],
)
def test_durations(value: object, expected: float | None) -> None:
    assert seconds(value, "keep_alive") == expected


@pytest.mark.parametrize("value", ["", "m", "5 m", "five", True, [], "5x"])
def test_what_is_no_duration_is_an_error(value: object) -> None:
    with pytest.raises(Refusal, match="keep_alive"):
        seconds(value, "keep_alive")


def test_a_model_must_be_named() -> None:
    assert (model_name({"model": "a"}), model_name({"name": "b"})) == ("a", "b")
    with pytest.raises(Refusal, match="model is required"):
        model_name({})


def without_times(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in each.items() if key not in ("created_at", "model")} for each in objects]


def test_a_streamed_chat() -> None:
    answer: Answer = ChatAnswer("m", chat=True, seconds_before=0.5)

    def chunk(delta: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"choices": [{"delta": delta, "finish_reason": None, **more}]}

    parts = [
        chunk({"role": "assistant", "content": None}),
        chunk({"reasoning_content": "Hm."}),
        chunk({"content": "Hi"}, logprobs={"content": [{"token": "Hi", "logprob": -1.0, "bytes": [1], "id": 5}]}),
        chunk({"tool_calls": [{"index": 0, "id": "x", "function": {"name": "warm", "arguments": '{"a"'}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]}),
        chunk({}, finish_reason="tool_calls"),
        {
            "choices": [],
            "timings": {"prompt_n": 3, "cache_n": 2, "prompt_ms": 1.5, "predicted_n": 4, "predicted_ms": 2},
        },
    ]
    found = [each for part in parts for each in answer.feed(part)] + list(answer.end(2.0))
    assert {each["model"] for each in found} == {"m"}
    assert without_times(found) == [
        {"message": {"role": "assistant", "content": "", "thinking": "Hm."}, "done": False},
        {
            "message": {"role": "assistant", "content": "Hi"},
            "done": False,
            "logprobs": [{"token": "Hi", "logprob": -1.0}],
        },
        {
            "message": {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"function": {"index": 0, "name": "warm", "arguments": {"a": 1}}}],
            },
            "done": False,
        },
        {
            "message": {"role": "assistant", "content": ""},
            "done": True,
            "done_reason": "stop",
            "total_duration": 2_000_000_000,
            "load_duration": 500_000_000,
            "prompt_eval_count": 5,
            "prompt_eval_duration": 1_500_000,
            "eval_count": 4,
            "eval_duration": 2_000_000,
        },
    ]


def test_whole_answers() -> None:
    message = {"content": "Hi", "tool_calls": [{"function": {"name": "warm", "arguments": '{"a": '}}]}
    chat = ChatAnswer("m", chat=True, seconds_before=0)
    found = chat.whole({"choices": [{"message": message, "finish_reason": "length"}], "timings": {}}, 1.0)
    assert (found["done"], found["done_reason"], found["message"]["content"]) == (True, "length", "Hi")
    assert found["message"]["tool_calls"][0]["function"]["arguments"] == {"": '{"a": '}
    text = TextAnswer("m", chat=False, seconds_before=0)
    found = text.whole({"content": "Hi", "stop_type": "limit", "timings": {"predicted_n": 1}}, 1.0)
    assert (found["response"], found["done_reason"], found["eval_count"]) == ("Hi", "length", 1)


def test_embeddings_come_in_order_and_can_be_cut() -> None:
    assert embed_request({"input": "a"}).body == {"input": ["a"]}
    answer = {"data": [{"index": 1, "embedding": [0.0, 1.0]}, {"index": 0, "embedding": [3.0, 4.0]}]}
    assert embeddings_of(answer, 0) == [[3.0, 4.0], [0.0, 1.0]]
    assert embeddings_of(answer, 1) == [[1.0], [0.0]]
    with pytest.raises(Refusal, match="'input' must be a text or a list of texts"):
        embed_request({"input": [1]})
