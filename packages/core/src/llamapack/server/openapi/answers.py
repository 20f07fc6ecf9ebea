"""What is answered at the routes of OpenAI's, Anthropic's and llama.cpp's interfaces, and errors."""

from __future__ import annotations

from collections.abc import Mapping

from llamapack.server.openapi.parts import ANY, Schema, array, flag, number, object_of, one_of, text, whole, words

_COUNTS = object_of({name: whole() for name in ("prompt_tokens", "completion_tokens", "total_tokens")})
_CHAT_CHOICE = object_of(
    {
        "index": whole(),
        "finish_reason": words("stop", "length", "tool_calls"),
        "message": object_of({"role": text(), "content": one_of(text(), {"type": "null"})}, ("role",)),
    },
    ("index", "finish_reason", "message"),
)
_TEXT_CHOICE = object_of(
    {"index": whole(), "finish_reason": words("stop", "length"), "text": text()}, ("index", "finish_reason", "text")
)
_VECTOR = one_of(array(number()), text("base64"))
_VECTORS = array(
    object_of({"index": whole(), "embedding": one_of(array(number()), array(array(number())))}, ("index", "embedding"))
)
_ENTRY = object_of({"id": text(), "object": text(), "created": whole(most=2**53), "owned_by": text()}, ("id", "object"))

ERRORS: Mapping[str, Schema] = {
    "Error": object_of(
        {
            "error": object_of(
                {
                    "message": text("What is wrong."),
                    "type": text(),
                    "code": one_of(text(), whole(), about="A word of this server, or the status, by llama.cpp's."),
                },
                ("message", "type", "code"),
            )
        },
        ("error",),
    ),
    "AnthropicError": object_of(
        {"type": words("error"), "error": object_of({"type": text(), "message": text()}, ("type", "message"))},
        ("type", "error"),
    ),
    "OllamaError": object_of({"error": text()}, ("error",)),
}
ANSWERS: Mapping[str, Schema] = {
    **ERRORS,
    "ChatCompletion": object_of(
        {"id": text(), "object": words("chat.completion"), "choices": array(_CHAT_CHOICE), "usage": _COUNTS},
        ("id", "object", "choices", "usage"),
    ),
    "TextCompletion": object_of(
        {"id": text(), "object": words("text_completion"), "choices": array(_TEXT_CHOICE), "usage": _COUNTS},
        ("id", "object", "choices", "usage"),
    ),
    "Completion": one_of(
        object_of({"index": whole(), "content": text(), "stop": flag()}),
        array(object_of({}), "For several prompts."),
    ),
    "Response": object_of(
        {"id": text(), "object": words("response"), "status": text(), "output": array(object_of({"type": text()}))},
        ("id", "object", "status", "output"),
    ),
    "AnthropicAnswer": object_of(
        {
            "id": text(),
            "type": words("message"),
            "role": words("assistant"),
            "content": array(object_of({"type": text()}, ("type",))),
            "stop_reason": one_of(text(), {"type": "null"}),
            "usage": object_of({"input_tokens": whole(), "output_tokens": whole()}),
        },
        ("id", "type", "role", "content", "stop_reason", "usage"),
    ),
    "InputTokens": object_of({"input_tokens": whole(least=0)}, ("input_tokens",)),
    "EmbeddingList": one_of(
        object_of(
            {"object": words("list"), "data": array(object_of({"index": whole(), "embedding": _VECTOR}))},
            ("object", "data"),
        ),
        _VECTORS,
    ),
    "Embeddings": _VECTORS,
    "Ranks": one_of(
        object_of(
            {
                "results": array(
                    object_of({"index": whole(), "relevance_score": number()}, ("index", "relevance_score"))
                )
            },
            ("results",),
        ),
        array(object_of({"index": whole(), "score": number()}, ("index", "score")), "For a request with `texts`."),
    ),
    "Transcription": object_of({"text": text()}),
    "Tokens": object_of({"tokens": array(one_of(whole(), object_of({"id": whole(), "piece": ANY})))}, ("tokens",)),
    "Content": object_of({"content": text()}, ("content",)),
    "RenderedPrompt": object_of({"prompt": text()}, ("prompt",)),
    "ModelList": object_of({"object": words("list"), "data": array(_ENTRY)}, ("object", "data")),
    "Properties": object_of({"default_generation_settings": object_of({})}, ("default_generation_settings",)),
    "Success": object_of({"success": flag()}, ("success",)),
    "Health": object_of({"status": text()}, ("status",)),
    "Document": object_of({"openapi": text(), "paths": object_of({})}, ("openapi", "paths")),
}
