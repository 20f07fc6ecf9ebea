"""Ollama's requests as llama.cpp's server takes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llamapack.server.ollama.options import sampling_of
from llamapack.server.reading import Json, field, wrong

_MOST_PROBABILITIES = 20
"""Of a token; for all of the vocabulary, reading and writing them would hold up the server."""
_MOST_DIMENSIONS = 2**31 - 1
_EFFORTS = ("low", "medium", "high", "max")


@dataclass(frozen=True, kw_only=True)
class Translated:
    """A request for the runner: where it goes, and its body."""

    path: str
    body: Json


def chat_request(request: Json, *, stream: bool) -> Translated:
    """Translate a request of `/api/chat`."""
    tools = _tools(request)
    body = {
        "messages": _messages(field(request, "messages", list, [])),
        **({"tools": tools} if tools else {}),
        **_answer_format(request),
        **_thinking(request),
        **_log_probabilities(request),
        **_chat_sampling(request),
        "stream": stream,
    }
    return Translated(path="/v1/chat/completions", body=body)


def generate_request(request: Json, *, stream: bool) -> Translated:
    """Translate a request of `/api/generate`: a chat of one message, a raw text, or one with a gap to fill."""
    message = {"role": "user", "content": field(request, "prompt", str, ""), "images": request.get("images")}
    system = field(request, "system", str, "")
    messages = [*([{"role": "system", "content": system}] if system else []), message]
    chat = chat_request({**request, "messages": messages, "tools": None}, stream=stream)  # checks what others pass over
    if field(request, "template", str, ""):
        raise wrong("template is not supported: the model's own chat template is used")
    if request.get("context"):
        raise wrong("context is not supported: use /api/chat, with the messages so far")
    prompt, raw = message["content"], field(request, "raw", bool, False)
    if suffix := field(request, "suffix", str, ""):
        body = {"input_prefix": prompt, "input_suffix": suffix, **_plain_format(request), **sampling_of(request)}
        return Translated(path="/infill", body={**body, "stream": stream})
    if raw:
        if request.get("images"):
            raise wrong("raw prompts cannot have images")
        body = {"prompt": prompt, **_plain_format(request), **sampling_of(request), "stream": stream}
        return Translated(path="/completion", body=body)
    return chat


def embed_request(request: Json) -> Translated:
    """Translate a request of `/api/embed`; the input is a text, or a list of texts."""
    given = request.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise wrong("'input' must be a text or a list of texts.")
    return Translated(path="/v1/embeddings", body={"input": texts})


def dimensions_of(request: Json) -> int:
    """Return how many numbers of each vector are wanted; 0 is for all."""
    dimensions = field(request, "dimensions", int, 0)
    if not 0 <= dimensions <= _MOST_DIMENSIONS:
        raise wrong(f"dimensions must be from 0 to {_MOST_DIMENSIONS}")
    return dimensions


def _tools(request: Json) -> list[Json]:
    return [_tool(tool) for tool in field(request, "tools", list, [])]


def _tool(tool: Any) -> Json:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict) or tool.get("type") != "function":
        raise wrong('each tool must be an object with type "function" and a function')
    if not isinstance(function.get("name"), str):
        raise wrong("the function of each tool needs a name")
    field(function, "description", str, "")
    field(function, "parameters", dict, {})
    return {**tool, "function": {name: value for name, value in function.items() if value is not None}}


def _chat_sampling(request: Json) -> dict[str, Any]:
    found = sampling_of(request)
    if "n_predict" in found:
        found["max_tokens"] = found.pop("n_predict")
    return found


def _answer_format(request: Json) -> dict[str, Any]:
    wanted = request.get("format")
    if wanted is None or wanted == "":
        return {}
    if wanted == "json":
        return {"response_format": {"type": "json_object"}}
    if isinstance(wanted, dict):
        return {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": wanted}}}
    raise wrong('format must be "json" or a JSON schema')


def _plain_format(request: Json) -> dict[str, Any]:
    """Return the wanted format for prompts that are no chats."""
    wanted = _answer_format(request).get("response_format")
    if wanted is None:
        return {}
    return {"json_schema": wanted["json_schema"]["schema"] if "json_schema" in wanted else {"type": "object"}}


def _thinking(request: Json) -> dict[str, Any]:
    wanted = request.get("think")
    if wanted is None:
        return {}
    if isinstance(wanted, bool):
        return {"chat_template_kwargs": {"enable_thinking": wanted}}
    if wanted in _EFFORTS:
        return {"chat_template_kwargs": {"enable_thinking": True, "reasoning_effort": wanted}}
    raise wrong(f"think must be true, false, or one of {', '.join(_EFFORTS)}")


def _log_probabilities(request: Json) -> dict[str, Any]:
    top = field(request, "top_logprobs", int, 0)
    if not 0 <= top <= _MOST_PROBABILITIES:
        raise wrong(f"top_logprobs must be from 0 to {_MOST_PROBABILITIES}")
    if not field(request, "logprobs", bool, False) and not top:
        return {}
    return {"logprobs": True, "top_logprobs": top}


def _messages(given: Sequence[Any]) -> list[dict[str, Any]]:
    """Return messages as OpenAI has them: calls of tools get numbers, by which their results name them."""
    found: list[dict[str, Any]] = []
    open_calls: list[tuple[str, str]] = []  # name and number of calls without a result
    number = 0
    for message in given:
        if not isinstance(message, dict):
            raise wrong("each message must be an object")
        role, text = field(message, "role", str, ""), field(message, "content", str, "")
        if not role:
            raise wrong("each message needs a role")
        made: dict[str, Any] = {"role": role, "content": _content(text, field(message, "images", list, []))}
        if thinking := field(message, "thinking", str, ""):
            made["reasoning_content"] = thinking
        if calls := field(message, "tool_calls", list, []):
            made["tool_calls"] = []
            for call in calls:
                made["tool_calls"].append(_call(call, f"call_{number}"))
                open_calls.append((made["tool_calls"][-1]["function"]["name"], f"call_{number}"))
                number += 1
        name = field(message, "tool_name", str, "") or field(message, "name", str, "")
        if role == "tool":
            made["tool_call_id"] = _answered(open_calls, name)
            made |= {"name": name} if name else {}
        found.append(made)
    return found


def _answered(open_calls: list[tuple[str, str]], name: str) -> str:
    """Return the number of the call that a result is for: the first of that name, or the first of all."""
    for each in open_calls:
        if not name or each[0] == name:
            open_calls.remove(each)
            return each[1]
    return "call_unknown"


def _call(call: Any, number: str) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise wrong("each call of a tool needs a function with a name")
    arguments = field(function, "arguments", dict, {})
    made = {"name": function["name"], "arguments": json.dumps(arguments)}
    return {"id": number, "type": "function", "function": made}


def _content(text: str, images: Sequence[Any]) -> str | list[dict[str, Any]]:
    if not images:
        return text
    if not all(isinstance(image, str) for image in images):
        raise wrong("images must be a list of base64 texts")
    parts: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
    for image in images:
        # decoders go by the bytes, not by this type
        address = image if image.startswith("data:") else f"data:image/png;base64,{image}"
        parts.append({"type": "image_url", "image_url": {"url": address}})
    return parts
