"""Errors in an engine's answers, as ours."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from llamapack.engine.bodies import error_in, error_of
from llamapack.errors import InputError, LlamapackError, PromptTooLongError, ReplyError
from llamapack.llama.plans.answers import Answer
from llamapack.llama.plans.options import OnOverflow

TOO_LONG = "exceed_context_size_error"
_WHOLE = "non-causal attention requires n_ubatch"
_TOO_LARGE = re.compile(r"input \((\d+) tokens\) is too large to process.*batch size: (\d+)", re.DOTALL)


def read_json(status: int, body: bytes) -> Any:
    """Return the body of an answer, read as JSON; raises the error that a status of 400 or more stands for."""
    if status >= 400:
        raise _error_of(status, error_in(body))
    return json.loads(body)


def check_chunk(chunk: Mapping[str, Any]) -> None:
    """Raise the error that came in the middle of a stream."""
    if isinstance(error := chunk.get("error"), Mapping):
        raise _error_of(int(error.get("code", 500)), error)


def check_room(answer: Answer, context: int, on_overflow: OnOverflow) -> None:
    """Raise ReplyError if the context was full before the answer was complete."""
    if answer.finish == "length" and answer.usage.total >= context - 1 and on_overflow != "shift":
        raise ReplyError(
            f"The context is full: {answer.usage.prompt} tokens of the prompt and {answer.usage.completion} of the "
            f"answer, which is not complete, are the {context} that a request has.",
            text=answer.text,
            fix='Use max_tokens, Llama(..., ctx_size=N) with a larger N, or Llama(..., on_overflow="shift").',
        )


def _error_of(status: int, error: Mapping[str, Any]) -> LlamapackError:
    if error.get("type") == TOO_LONG:
        return too_long(int(error.get("n_prompt_tokens", 0)), int(error.get("n_ctx", 0)))
    if found := _TOO_LARGE.search(str(error.get("message", ""))):
        return PromptTooLongError(
            f"The text has {found[1]} tokens, but {found[2]} are processed at once, and this kind of model needs all.",
            fix=f"Shorten the text, or use Llama(..., batch_size={found[1]}, ubatch_size={found[1]}).",
        )
    if _WHOLE in str(error.get("message", "")):
        return InputError(
            "An image or audio has more tokens than are processed at once.",
            why="This model reads it as a whole.",
            fix="Use Llama(..., batch_size=N, ubatch_size=N) with a larger N.",
        )
    return error_of(status, error)


def too_long(tokens: int, context: int) -> PromptTooLongError:
    """Return the error for a prompt of so many tokens."""
    return PromptTooLongError(
        f"The prompt has {tokens} tokens, but a request has a context of {context}.",
        why="The answer needs room in it, too." if tokens <= context else "",
        fix="Shorten the prompt, use Llama(..., ctx_size=N) with a larger N (requests at once share it), "
        'or let conversations lose their beginning with on_overflow="drop-oldest".',
    )
