"""Plans of what needs no chat template: completions, text between two others, and tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llamapack._util.arguments import check_int, check_sequence
from llamapack.errors import InputError, LlamapackError, RequestError, TaskError
from llamapack.llama.plans.answers import Answer, read_logprobs, read_progress, read_timing
from llamapack.llama.plans.events import TextEvent
from llamapack.llama.plans.media import MediaReader, base64_of, fetch_files
from llamapack.llama.plans.messages import MARK, Message, check_marks
from llamapack.llama.plans.options import OnOverflow
from llamapack.llama.plans.refusals import check_chunk, check_room
from llamapack.llama.plans.replies import Reply, Usage
from llamapack.llama.plans.steps import CANCELLED, Ask, Close, Next, Open, Plan, Tell


def complete(
    path: str, body: Mapping[str, Any], context: int, on_overflow: OnOverflow, *, streamed: bool
) -> Plan[Reply[str]]:
    """Complete a text by `/completion`, or write the one between two others by `/infill`."""
    try:
        answer = yield from (_streamed(path, body) if streamed else _whole(path, body))
    except RequestError as error:
        raise _no_infill(error) from error
    check_room(answer, context, on_overflow)
    return Reply(
        value=answer.text,
        text=answer.text,
        finish=answer.reason,
        usage=answer.usage,
        timing=answer.timing,
        logprobs=tuple(answer.logprobs),
        model=answer.model,
    )


def complete_with_media(
    filling: Plan[dict[str, Any]], body: Mapping[str, Any], context: int, on_overflow: OnOverflow, *, streamed: bool
) -> Plan[Reply[str]]:
    """Complete a text with images and audio in it; `filling` is the plan of its prompt."""
    prompt = yield from filling
    return (yield from complete("/completion", {**body, "prompt": prompt}, context, on_overflow, streamed=streamed))


def with_media(prompt: str, parts: Sequence[Message], mark: str, reader: MediaReader) -> Plan[dict[str, Any]]:
    """Return a prompt with images and audio at its marks, or before it; `mark` is the engine's own mark.

    Raises InputError if there are not as many marks, and for a prompt without a text behind the last.
    """
    if MARK in prompt:
        check_marks(prompt.count(MARK), len(parts))
    else:
        prompt = MARK * len(parts) + prompt
    if prompt.endswith(MARK):
        raise InputError(
            "The prompt ends with an image or audio.",
            why="The model completes a text, and there is none behind it.",
            fix="Write a text behind the last mark.",
        )
    return _filled(prompt.replace(MARK, mark), parts, reader)


def _filled(prompt: str, parts: Sequence[Message], reader: MediaReader) -> Plan[dict[str, Any]]:
    yield from fetch_files([{"content": parts}], reader)
    return {"prompt_string": prompt, "multimodal_data": [base64_of(part) for part in parts]}


def _whole(path: str, body: Mapping[str, Any]) -> Plan[Answer]:
    data = yield Ask(path=path, body=body)
    answer = Answer(text=data["content"])
    _read_end(answer, data)
    return answer


def _streamed(path: str, body: Mapping[str, Any]) -> Plan[Answer]:
    answer = Answer()
    yield Open(path=path, body={**body, "stream": True}, progress=True)
    while (chunk := (yield Next())) is not None:
        if chunk is CANCELLED:
            answer.finish = "cancelled"
            break
        check_chunk(chunk)
        for event in read_progress(chunk):
            yield Tell(event=event)
        if text := chunk.get("content"):
            answer.text += text
            yield Tell(event=TextEvent(text=text))
        _read_end(answer, chunk)
    yield Close()
    return answer


def _read_end(answer: Answer, data: Mapping[str, Any]) -> None:
    answer.logprobs += read_logprobs(data.get("completion_probabilities") or ())
    answer.model = data.get("model") or answer.model
    if timings := data.get("timings"):
        answer.timing = read_timing(timings)
    prompt = data.get("tokens_evaluated", 0)
    answer.usage = Usage(
        prompt=prompt,
        completion=data.get("tokens_predicted", 0),
        cached=max(0, prompt - answer.timing.prompt_tokens) if data.get("timings") else 0,
    )
    if data.get("stop_type"):
        answer.finish = "length" if data["stop_type"] == "limit" else "stop"


def _no_infill(error: RequestError) -> LlamapackError:
    if error.status != 501 or "nfill" not in str(error):
        return error
    return TaskError(
        "infill needs a model that was trained to fill gaps, with tokens for prefix, suffix and middle.",
        why=error.what,
        fix="Use a model for code, such as Qwen2.5-Coder or StarCoder2.",
    )


def tokenize(text: str, *, special: bool, parse_special: bool) -> Plan[list[int]]:
    """Return the tokens of a text."""
    if not isinstance(text, str):
        raise InputError(f"The text must be a str, not {text!r}.")
    body = {"content": text, "add_special": special, "parse_special": parse_special}
    return [int(token) for token in (yield Ask(path="/tokenize", body=body))["tokens"]]


def detokenize(tokens: Sequence[int]) -> Plan[str]:
    """Return the text of tokens."""
    body = {"tokens": [check_int("A token", token, 0) for token in check_sequence("tokens", tokens)]}
    return str((yield Ask(path="/detokenize", body=body))["content"])
