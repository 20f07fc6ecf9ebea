"""Requests for texts, embeddings, ranks and tokens."""

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

_TOKEN = whole("The number of a token.", least=0)
_MEDIA = object_of(
    {"prompt_string": text("With a marker for each file."), "multimodal_data": array(text("base64"))},
    ("prompt_string",),
)
_TOKENS = array(one_of(_TOKEN, text()), minItems=1)
_PROMPT = one_of(
    text(minLength=1), _TOKENS, _MEDIA, about="A text, tokens, or both in turn; also with images and audio."
)
_PROMPTS = one_of(
    named("Prompt"), array(named("Prompt"), minItems=1), about="A text, tokens, or both in turn, or a list of these."
)
_EMBEDDING: Mapping[str, Schema] = {
    "input": named("Prompts"),
    "content": named("Prompts"),
    "encoding_format": words("float", "base64"),
    "embd_normalize": whole("-1 for none, 0 for the largest number, 2 for the length, others for a p-norm."),
}
_RANK: Mapping[str, Schema] = {
    "query": text(),
    "documents": array(text(), minItems=1),
    "texts": array(text(), "The documents, as TEI's clients name them.", minItems=1),
    "top_n": whole("How many of the best are wanted.", least=0),
    "return_text": flag("Whether the answer has the texts, too; only with `texts`."),
}
_TRANSCRIPTION: Mapping[str, Schema] = {
    "file": {"type": "string", "contentMediaType": "application/octet-stream", "description": "WAV, MP3 or FLAC."},
    "model": text(),
    "prompt": text("What the model is told; the one for this model if it is not given."),
    "language": text(),
    "response_format": words("json"),
    "temperature": number(),
    "max_tokens": whole(least=0),
    "stream": words("true", "false"),
}

TEXTS: Mapping[str, Schema] = {
    "Prompt": _PROMPT,
    "Prompts": _PROMPTS,
    "CompletionRequest": request(
        {**MODEL, "prompt": named("Prompts"), **N, **GENERATING, "logprobs": whole()}, ("prompt",)
    ),
    "InfillRequest": request(
        {
            **MODEL,
            "input_prefix": text("What stands before the gap."),
            "input_suffix": text("What stands after it."),
            "prompt": text("What the gap begins with."),
            "input_extra": array(object_of({"text": text(), "filename": text()}, ("text",)), "Other files."),
            **GENERATING,
        },
        ("input_prefix", "input_suffix"),
    ),
    "EmbeddingRequest": {
        **request({**MODEL, **_EMBEDDING}),
        "anyOf": [{"required": ["input"]}, {"required": ["content"]}],
    },
    "RankRequest": {
        **request({**MODEL, **_RANK}, ("query",)),
        "anyOf": [{"required": ["documents"]}, {"required": ["texts"]}],
    },
    "TokenizeRequest": request(
        {
            **MODEL,
            "content": one_of(text(), array(one_of(text(), _TOKEN)), about="A text, or texts and tokens in turn."),
            "add_special": flag("Whether the tokens of a beginning and an end are added."),
            "parse_special": flag("Whether texts such as <|im_end|> are one token."),
            "with_pieces": flag("Whether each token comes with its text."),
        },
    ),
    "DetokenizeRequest": request({**MODEL, "tokens": array(_TOKEN)}, ("tokens",)),
    "TranscriptionRequest": object_of(_TRANSCRIPTION, ("file",)),
    "ModelRequest": object_of({"model": text("The name of the model.", minLength=1)}, ("model",)),
}
