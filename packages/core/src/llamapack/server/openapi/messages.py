"""Chats as OpenAI's and Anthropic's clients send them."""

from __future__ import annotations

from collections.abc import Mapping

from llamapack.server.openapi.parts import (
    Schema,
    array,
    flag,
    named,
    number,
    object_of,
    one_of,
    request,
    text,
    whole,
    words,
)
from llamapack.server.openapi.sampling import GENERATING, MODEL, N

_DATA = "A data: address with base64; nothing is fetched."
_FUNCTION = object_of({"name": text(), "arguments": text("A JSON object, as text.")}, ("name", "arguments"))
_TEMPLATE = object_of({}, about="Values for the chat template, such as `enable_thinking`.")
_EFFORT = text('How much is to be thought; "none" switches it off, others are given to the chat template.')

_PARTS = {
    "TextPart": object_of({"type": words("text"), "text": text()}, ("type", "text")),
    "ImagePart": object_of(
        {"type": words("image_url"), "image_url": object_of({"url": text(_DATA)}, ("url",))}, ("type", "image_url")
    ),
    "AudioPart": object_of(
        {
            "type": words("input_audio"),
            "input_audio": object_of({"data": text("base64"), "format": text()}, ("data",)),
        },
        ("type", "input_audio"),
    ),
}
_CONTENT = one_of(text(), array(one_of(*map(named, _PARTS))))
_MESSAGE = object_of(
    {
        "role": words("system", "developer", "user", "assistant", "tool"),
        "content": one_of(_CONTENT, {"type": "null"}),
        "reasoning_content": text("What the model had thought."),
        "tool_calls": array(
            object_of({"id": text(), "type": words("function"), "function": _FUNCTION}, ("type", "function"))
        ),
        "tool_call_id": text("Which call of a tool this is the result of."),
        "name": text(),
    },
    ("role", "content"),
)
_TOOL = object_of(
    {
        "type": words("function"),
        "function": object_of(
            {"name": text(), "description": text(), "parameters": object_of({}, about="A JSON schema.")}, ("name",)
        ),
    },
    ("type", "function"),
)
_FORMAT = object_of(
    {
        "type": words("text", "json_object", "json_schema"),
        "schema": object_of({}),
        "json_schema": object_of({"name": text(), "schema": object_of({})}),
    },
    about="The form of the answer: text, JSON, or JSON by a schema.",
)
_CHAT: Mapping[str, Schema] = {
    "messages": array(named("ChatMessage"), "The chat so far."),
    "tools": array(named("Tool"), "Functions that the model may call."),
    "tool_choice": words("auto", "none", "required"),
    "parallel_tool_calls": flag("Whether several may be called at once."),
    "response_format": _FORMAT,
    "chat_template_kwargs": _TEMPLATE,
    "reasoning_effort": _EFFORT,
    "reasoning_format": words("none", "auto", "deepseek", "deepseek-legacy"),
    "add_generation_prompt": flag("Whether the model is asked to answer; true if it is not given."),
    "continue_final_message": one_of(
        flag(), words("reasoning_content", "content"), about="Whether the last message is to be gone on with."
    ),
}
_LOG_PROBABILITIES: Mapping[str, Schema] = {
    "logprobs": flag("Whether the probabilities of tokens are told; also the number of `top_logprobs`."),
    "top_logprobs": whole("Of how many tokens at each; only with `logprobs`.", least=0),
}

_CALL = object_of(
    {
        "type": words("function_call"),
        "call_id": text(),
        "name": text(),
        "arguments": text("A JSON object, as text."),
    },
    ("type", "call_id", "name", "arguments"),
)
_RESULT = object_of(
    {"type": words("function_call_output"), "call_id": text(), "output": text()}, ("type", "call_id", "output")
)
_INPUT = object_of(
    {"role": words("user", "system", "developer", "assistant"), "content": named("InputContent")},
    ("role", "content"),
)
_INPUT_TEXT = object_of({"type": words("input_text"), "text": text()}, ("type", "text"))
_INPUT_IMAGE = object_of({"type": words("input_image"), "image_url": text(_DATA)}, ("type", "image_url"))
_RESPONSE: Mapping[str, Schema] = {
    "input": one_of(text(), array(one_of(*map(named, ("InputMessage", "FunctionCall", "FunctionCallOutput"))))),
    "instructions": text("What the system is to say first."),
    "max_output_tokens": whole("How many tokens at most.", least=-1),
    "reasoning": object_of({"effort": _EFFORT}),
    "tools": array(
        object_of(
            {"type": words("function"), "name": text(), "description": text(), "parameters": object_of({})},
            ("type", "name", "parameters"),
        )
    ),
    "previous_response_id": text("Is not supported, and so must be empty: answers are not kept.", maxLength=0),
}

_BLOCKS = {
    "TextBlock": object_of({"type": words("text"), "text": text()}, ("type", "text")),
    "ThinkingBlock": object_of({"type": words("thinking"), "thinking": text()}, ("type", "thinking")),
    "ImageBlock": object_of(
        {
            "type": words("image"),
            "source": object_of(
                {"type": words("base64"), "media_type": text(), "data": text("base64")}, ("type", "data")
            ),
        },
        ("type", "source"),
    ),
    "ToolUseBlock": object_of(
        {"type": words("tool_use"), "id": text(), "name": text(), "input": object_of({})},
        ("type", "id", "name", "input"),
    ),
    "ToolResultBlock": object_of(
        {"type": words("tool_result"), "tool_use_id": text(), "content": text()}, ("type", "tool_use_id")
    ),
}
_ANTHROPIC: Mapping[str, Schema] = {
    "messages": array(named("AnthropicMessage")),
    "system": one_of(text(), array(named("TextBlock"))),
    "max_tokens": whole("How many tokens at most; 4096 if it is not given.", least=-1),
    "stop_sequences": array(text()),
    "stream": flag(),
    "temperature": number(),
    "top_k": whole(),
    "top_p": number(),
    "tools": array(
        object_of({"name": text(), "description": text(), "input_schema": object_of({})}, ("name", "input_schema"))
    ),
    "tool_choice": object_of({"type": words("auto", "any", "tool", "none"), "name": text()}, ("type",)),
    "thinking": object_of({"type": words("enabled", "disabled"), "budget_tokens": whole()}, ("type",)),
    "metadata": object_of({"user_id": text()}),
    "chat_template_kwargs": _TEMPLATE,
}

MESSAGES: Mapping[str, Schema] = {
    **_PARTS,
    **_BLOCKS,
    "ChatMessage": _MESSAGE,
    "Tool": _TOOL,
    "ChatRequest": request(
        {**MODEL, **_CHAT, **N, **GENERATING, **_LOG_PROBABILITIES},
        ("messages",),
        never_null=("reasoning_format",),
    ),
    "InputContent": one_of(text(), array(one_of(_INPUT_TEXT, _INPUT_IMAGE))),
    "InputMessage": _INPUT,
    "FunctionCall": _CALL,
    "FunctionCallOutput": _RESULT,
    "ResponseRequest": request({**MODEL, **GENERATING, **_RESPONSE}, ("input",)),
    "AnthropicMessage": object_of(
        {"role": words("user", "assistant"), "content": one_of(text(), array(one_of(*map(named, _BLOCKS))))},
        ("role", "content"),
    ),
    "AnthropicRequest": request({**MODEL, **_ANTHROPIC}, ("messages",)),
}
