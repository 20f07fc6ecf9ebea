"""Errors in an engine's answers, as ours."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from llamapack.errors import LlamapackError, PromptTooLongError, RequestError

TOO_LONG = "exceed_context_size_error"
_TOO_LARGE = re.compile(r"input \((\d+) tokens\) is too large to process.*batch size: (\d+)", re.DOTALL)


def read_json(status: int, body: bytes) -> Any:
    """Return the body of an answer, read as JSON; raises the error that a status of 400 or more stands for."""
    if status >= 400:
        raise error_of(status, _error_in(body))
    return json.loads(body)


def check_chunk(chunk: Mapping[str, Any]) -> None:
    """Raise the error that came in the middle of a stream."""
    if isinstance(error := chunk.get("error"), Mapping):
        raise error_of(int(error.get("code", 500)), error)


def error_of(status: int, error: Mapping[str, Any]) -> LlamapackError:
    """Return the error that an answer stands for."""
    message, kind = str(error.get("message", "")), str(error.get("type", ""))
    if kind == TOO_LONG:
        return too_long(int(error.get("n_prompt_tokens", 0)), int(error.get("n_ctx", 0)))
    if found := _TOO_LARGE.search(message):
        return PromptTooLongError(
            f"The text has {found[1]} tokens, but {found[2]} are processed at once, and this kind of model needs all.",
            fix=f"Shorten the text, or use Llama(..., batch_size={found[1]}, ubatch_size={found[1]}).",
        )
    what = "The engine could not answer" if status >= 500 else "The engine refuses the request"
    return RequestError(f"{what} (status {status}): {message}", status=status, kind=kind)


def too_long(tokens: int, context: int) -> PromptTooLongError:
    """Return the error for a prompt of so many tokens."""
    return PromptTooLongError(
        f"The prompt has {tokens} tokens, but a request has a context of {context}.",
        why="The answer needs room in it, too." if tokens <= context else "",
        fix="Shorten the prompt, use Llama(..., ctx_size=N) with a larger N (it is divided among `parallel` requests), "
        'or let conversations lose their beginning with on_overflow="drop-oldest".',
    )


def _error_in(body: bytes) -> Mapping[str, Any]:
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        error = None
    return error if isinstance(error, Mapping) else {"message": body.decode("utf-8", "replace")}
