"""Requests and answers of Ollama's interface: the fields that are translated."""

from __future__ import annotations

from collections.abc import Mapping

from llamapack.server.openapi.parts import (
    ANY,
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

_NUMBERS = (
    *("temperature", "top_p", "min_p", "typical_p", "repeat_penalty", "presence_penalty", "frequency_penalty"),
    *("mirostat_tau", "mirostat_eta"),
)
_WHOLE = ("top_k", "mirostat", "num_keep", "num_predict")
_OPTIONS = request(
    {
        **{name: number() for name in _NUMBERS},
        **{name: whole() for name in _WHOLE},
        "repeat_last_n": whole("How many tokens count as the last ones; -1 is for all of the context.", least=-1),
        "seed": {"type": "integer", "description": "Of 32 bits; of others, the lowest 32 are taken."},
        "stop": one_of(text(), array(text())),
    }
)
_KEEP = one_of(
    number(),
    text(pattern=r"^(-?\d+|-?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+)$"),
    about='How long the model stays loaded: seconds, or such as "5m"; negative is for ever.',
)
_COMMON: Mapping[str, Schema] = {
    "stream": flag("Whether the answer comes in parts, a JSON object in each line; true if it is not given."),
    "format": one_of(words("", "json"), object_of({}), about="The form of the answer: JSON, or a JSON schema."),
    "think": one_of(flag(), words("low", "medium", "high", "max"), about="Whether, or how much, is to be thought."),
    "logprobs": flag("Whether the probabilities of tokens are told."),
    "top_logprobs": whole("Of how many tokens at each.", least=0, most=20),
    "options": _OPTIONS,
    "keep_alive": _KEEP,
}
_CALL = object_of(
    {"function": request({"name": text(), "arguments": object_of({})}, ("name",))},
    ("function",),
)
_TOOL = object_of(
    {
        "type": words("function"),
        "function": request(
            {"name": text(), "description": text(), "parameters": object_of({}, about="A JSON schema.")}, ("name",)
        ),
    },
    ("type", "function"),
)
_MESSAGE = request(
    {
        "role": text("system, user, assistant, tool, or another one that the model's template knows.", minLength=1),
        "content": text(),
        "thinking": text("What the model had thought."),
        "images": array(text("base64")),
        "tool_calls": array(_CALL),
        "tool_name": text("Which tool this is the result of."),
    },
    ("role",),
)
_NAME = text("The name of the model.", minLength=1)
_TIMES: Mapping[str, Schema] = {
    name: whole(most=2**63)
    for name in (
        *("total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration"),
        *("eval_count", "eval_duration"),
    )
}
_DONE: Mapping[str, Schema] = {
    "model": text(),
    "created_at": text(format="date-time"),
    "done": flag(),
    "done_reason": text(),
    **_TIMES,
}
_ENTRY: Mapping[str, Schema] = {
    "name": text(),
    "model": text(),
    "size": whole(most=2**63),
    "digest": text(),
    "details": object_of({}),
}

OLLAMA: Mapping[str, Schema] = {
    "OllamaMessage": _MESSAGE,
    "OllamaTool": _TOOL,
    "OllamaChatRequest": request(
        {
            **_COMMON,
            "model": _NAME,
            "messages": array(named("OllamaMessage"), "The chat so far; without any, the model is only loaded."),
            "tools": array(named("OllamaTool")),
        },
        ("model",),
    ),
    "OllamaGenerateRequest": request(
        {
            **_COMMON,
            "model": _NAME,
            "prompt": text("The prompt; without one, the model is only loaded."),
            "suffix": text("What stands after the gap that is to be filled."),
            "system": text(),
            "images": array(text("base64")),
            "raw": flag("Whether the prompt is passed on as it is, without the chat template."),
        },
        ("model",),
    ),
    "OllamaEmbedRequest": request(
        {
            "model": _NAME,
            "input": one_of(text(), array(text())),
            "dimensions": whole("How many numbers of each vector are wanted; 0 for all.", least=0),
            "truncate": {**ANY, "description": "Is passed over: texts that are too long are errors."},
            "keep_alive": _KEEP,
        },
        ("model", "input"),
    ),
    "OllamaEmbeddingsRequest": request({"model": _NAME, "prompt": text(), "keep_alive": _KEEP}, ("model",)),
    "OllamaShowRequest": request({"model": _NAME, "verbose": flag()}, ("model",)),
    "OllamaChatAnswer": object_of(
        {**_DONE, "message": object_of({"role": text(), "content": text()})}, ("model", "done")
    ),
    "OllamaGenerateAnswer": object_of({**_DONE, "response": text()}, ("model", "done", "response")),
    "OllamaEmbedAnswer": object_of({"model": text(), "embeddings": array(array(number()))}, ("model", "embeddings")),
    "OllamaEmbeddingsAnswer": object_of({"embedding": array(number())}, ("embedding",)),
    "OllamaShowAnswer": object_of(
        {
            "template": text(),
            "details": object_of({}),
            "model_info": object_of({}),
            "capabilities": array(text()),
        },
        ("details", "model_info", "capabilities"),
    ),
    "OllamaList": object_of({"models": array(object_of(_ENTRY, tuple(_ENTRY)))}, ("models",)),
    "OllamaVersion": object_of({"version": text()}, ("version",)),
}
