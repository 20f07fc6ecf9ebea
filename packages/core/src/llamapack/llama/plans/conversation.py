"""The plan of a call: turns of the model and of its tools, until the answer is there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llamapack.errors import PromptTooLongError, ReplyError, ToolError
from llamapack.llama.plans.answers import Answer, Assembler, read_answer
from llamapack.llama.plans.events import TextEvent, ToolCallEvent, ToolResultEvent
from llamapack.llama.plans.media import MediaReader, fetch_files, media_in
from llamapack.llama.plans.messages import Message
from llamapack.llama.plans.options import OnOverflow
from llamapack.llama.plans.refusals import check_chunk, check_room
from llamapack.llama.plans.replies import Reply, Timing, Usage
from llamapack.llama.plans.steps import CANCELLED, Ask, Close, Next, Open, Plan, Tell, Use
from llamapack.typed.calls import ToolResult
from llamapack.typed.codecs import shown
from llamapack.typed.returns import Returns
from llamapack.typed.tools import Toolbox

CHAT = "/v1/chat/completions"
CONTINUED: Mapping[str, object] = {"add_generation_prompt": False, "continue_final_message": "content"}


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a call asks: the messages, the fields of the request, and what the answer must be.

    `context` is how many tokens a request may have. `thinks` is True where the model may think before it answers; what
    must hold for the answer does not hold for its thinking.
    """

    messages: tuple[Message, ...]
    body: Mapping[str, Any]
    context: int
    returns: Returns | None = None
    toolbox: Toolbox | None = None
    tool_choice: str = "auto"
    max_turns: int = 8
    on_overflow: OnOverflow = "error"
    thinks: bool = False
    streamed: bool = False
    reader: MediaReader = field(default_factory=MediaReader)


@dataclass(kw_only=True)
class Progress:
    """What there is of the answer so far."""

    messages: list[Message]
    added: list[Message] = field(default_factory=list)
    results: list[ToolResult] = field(default_factory=list)
    usage: Usage = field(default_factory=lambda: Usage(prompt=0, completion=0))
    timing: Timing = field(default_factory=Timing)

    def add(self, message: Message) -> None:
        """Add a message to the conversation."""
        self.messages.append(message)
        self.added.append(message)

    def count(self, answer: Answer) -> None:
        """Count the tokens and the time of a turn."""
        self.usage += answer.usage
        self.timing += answer.timing


def converse(question: Question) -> Plan[Reply[Any]]:
    """Ask the model; let tools run until it answers."""
    yield from fetch_files(question.messages, question.reader)
    progress = Progress(messages=list(question.messages))
    if question.toolbox is not None and question.tool_choice != "none":
        answer = yield from _with_tools(question, progress, question.toolbox)
        if answer.finish == "cancelled" or not _grammar(question):
            return _reply(question, progress, answer)
    answer = yield from _last_turn(question, progress)
    return _reply(question, progress, answer)


def _grammar(question: Question) -> str:
    return question.returns.grammar if question.returns else ""


def _with_tools(question: Question, progress: Progress, toolbox: Toolbox) -> Plan[Answer]:
    """Take turns until the model calls no tools any more, and return that answer."""
    told = not _grammar(question)  # else the answer that holds is asked for afterwards
    forced = question.tool_choice not in ("auto", "none")
    for number in range(question.max_turns):
        body = {**question.body, **_tools(toolbox, question.tool_choice if number == 0 else "auto")}
        answer = yield from _turn(question, progress, body, told=told)
        progress.count(answer)
        if answer.finish == "cancelled" or (not answer.calls and not (forced and number == 0)):
            return answer
        if not answer.calls:
            raise _not_called(question, answer)
        if body.get("parallel_tool_calls") is False:
            del answer.calls[1:]  # the grammar of some templates allows several all the same
        _check_complete(answer)
        progress.add(answer.message())
        for call in answer.calls:
            yield Tell(event=ToolCallEvent(call=call))
        results = yield Use(toolbox=toolbox, calls=answer.calls)
        for result in results:
            progress.results.append(result)
            progress.add({"role": "tool", "tool_call_id": result.call.id, "content": result.text})
            yield Tell(event=ToolResultEvent(result=result))
    raise ToolError(
        f"The model still calls tools after {question.max_turns} answers.",
        why=f"It called {', '.join(dict.fromkeys(result.call.name for result in progress.results))} last.",
        fix="Use a larger max_turns, or say in the prompt when it is to answer.",
    )


def _check_complete(answer: Answer) -> None:
    """Raise ReplyError if the answer ends within a call: llama.cpp would not take it back."""
    for call in answer.calls:
        try:
            json.loads(call.arguments_json or "{}")
        except (ValueError, RecursionError) as error:
            raise ReplyError(
                f"The model's call of the tool {call.name} is not complete: {shown(call.arguments_json)}",
                text=answer.text,
                why="It was cut off at max_tokens." if answer.finish == "length" else str(error),
                fix="Use a larger max_tokens.",
            ) from error


def _not_called(question: Question, answer: Answer) -> ToolError:
    cut = answer.finish == "length"
    return ToolError(
        f"The model called no tool, though tool_choice is {question.tool_choice!r}: {shown(answer.text)}",
        why="It may write a text before the call, and was cut off at max_tokens." if cut else "",
        fix="Use a larger max_tokens, or say in the prompt that it is to call a tool at once.",
    )


def _tools(toolbox: Toolbox, choice: str) -> dict[str, Any]:
    """Return the fields that offer tools; llama.cpp has no choice of a single one, so that it is the only one then."""
    offered = [toolbox.tools[choice]] if choice in toolbox.tools else list(toolbox.tools.values())
    return {
        "tools": [each.to_openai() for each in offered],
        "tool_choice": "required" if choice in toolbox.tools else choice,
    }


def _last_turn(question: Question, progress: Progress) -> Plan[Answer]:
    """Let the model answer without calling tools; a grammar holds for the answer, not for the thinking before it."""
    body = dict(question.body)
    if question.toolbox is not None:
        body.update(_tools(question.toolbox, "none"))
    thinking = ""
    if grammar := _grammar(question) or body.pop("grammar", ""):
        if question.thinks:
            thought = yield from _think(question, progress, body)
            progress.count(thought)
            thinking = thought.thinking
            if thought.finish == "cancelled":
                return thought
        body["grammar"] = grammar
    if not thinking:
        answer = yield from _turn(question, progress, body, told=True)
    else:
        begun = {"role": "assistant", "content": "", "reasoning_content": thinking}
        answer = yield from _turn(question, progress, {**body, **CONTINUED}, told=True, begun=begun)
        answer.thinking = thinking
    progress.count(answer)
    return answer


def _think(question: Question, progress: Progress, body: Mapping[str, Any]) -> Plan[Answer]:
    """Let the model think, up to where its answer begins."""
    assembler = Assembler()
    yield from _opened(question, progress, {**body, "stream": True, "timings_per_token": True})
    while (chunk := (yield Next())) is not None:
        if chunk is CANCELLED:
            assembler.answer.finish = "cancelled"
            break
        check_chunk(chunk)
        for event in assembler.add(chunk):
            if isinstance(event, TextEvent):
                yield Close()
                return _thought(assembler.answer)
            yield Tell(event=event)
    yield Close()
    return _thought(assembler.answer)


def _thought(answer: Answer) -> Answer:
    """Count the tokens of thinking by its timing: a stream that was left does not say its usage."""
    timing = answer.timing
    answer.usage = Usage(
        prompt=timing.prompt_tokens + answer.cached, completion=timing.completion_tokens, cached=answer.cached
    )
    return answer


def _turn(
    question: Question, progress: Progress, body: Mapping[str, Any], *, told: bool, begun: Message | None = None
) -> Plan[Answer]:
    """Let the model answer once; `told` says whether who listens is told its text, and `begun` is its beginning."""
    if not question.streamed:
        data = yield from _fitting(question, progress, body, begun, stream=False)
        return _checked(question, read_answer(data))
    assembler = Assembler()
    yield from _opened(question, progress, {**body, "stream": True}, begun)
    while (chunk := (yield Next())) is not None:
        if chunk is CANCELLED:
            assembler.answer.finish = "cancelled"
            break
        check_chunk(chunk)
        for event in assembler.add(chunk):
            if told or not isinstance(event, TextEvent):
                yield Tell(event=event)
    yield Close()
    return _checked(question, assembler.done())


def _opened(
    question: Question, progress: Progress, body: Mapping[str, Any], begun: Message | None = None
) -> Plan[None]:
    more = {"stream_options": {"include_usage": True}}
    yield from _fitting(question, progress, {**body, **more}, begun, stream=True)


def _fitting(
    question: Question, progress: Progress, body: Mapping[str, Any], begun: Message | None, *, stream: bool
) -> Plan[Any]:
    """Make a request; with "drop-oldest", without the oldest messages that do not fit."""
    while True:
        messages = [*progress.messages, *([begun] if begun else [])]
        whole = {**body, "messages": messages}
        try:
            if stream:
                return (yield Open(path=CHAT, body=whole, progress=question.streamed))
            return (yield Ask(path=CHAT, body=whole))
        except PromptTooLongError as error:
            if question.on_overflow != "drop-oldest" or not drop_oldest(progress.messages):
                _raise_with_media(error, messages)
                raise


def _raise_with_media(error: PromptTooLongError, messages: Sequence[Message]) -> None:
    """Raise the error with how many images and audio are in the prompt, if any are."""
    if count := len(list(media_in(messages))):
        why = f"{count} images and audio in it are among these tokens. {error.why}".strip()
        raise PromptTooLongError(error.what, why=why, fix=error.fix) from error


def drop_oldest(messages: list[Message]) -> bool:
    """Remove the oldest turn: a message of the user, and all up to the next one. The last one stays, and the system's.

    Returns False if nothing can be removed.
    """
    first = 1 if messages and messages[0]["role"] in ("system", "developer") else 0
    users = [index for index, message in enumerate(messages) if index >= first and message["role"] == "user"]
    if len(users) < 2:
        return False
    del messages[first : users[1]]
    return True


def _checked(question: Question, answer: Answer) -> Answer:
    check_room(answer, question.context, question.on_overflow)
    return answer


def _reply(question: Question, progress: Progress, answer: Answer) -> Reply[Any]:
    progress.add(answer.message())
    returns, finish = question.returns, answer.reason
    return Reply(
        value=answer.text if returns is None or finish == "cancelled" else returns.value_of(answer.text, finish),
        text=answer.text,
        thinking=answer.thinking,
        tool_calls=tuple(progress.results),
        finish=finish,
        usage=progress.usage,
        timing=progress.timing,
        logprobs=tuple(answer.logprobs),
        messages=tuple(progress.added),
        id=answer.id,
        model=answer.model,
        created=answer.created,
    )
