"""Llama with a real model: each capability, compared with what the plain objects compute where they can."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import llamapack
import numpy as np
import pytest
from llamapack import Llama, Model
from llamapack.errors import (
    ClosedError,
    GrammarError,
    InputError,
    PromptTooLongError,
    ReplyError,
    SchemaWarning,
    TaskError,
    ToolError,
)
from llamapack.llama import PromptProgressEvent, TextEvent, ThinkingEvent, ToolCallEvent

from tests.support.reference.made_models import write_model

QUESTION = "Why is the sky blue?"


@dataclass
class Book:
    title: str
    year: int


@dataclass(frozen=True)
class Multiple:
    """An annotation as annotated_types has it."""

    multiple_of: int


def test_greedy_answer_is_that_of_generate(llm: Llama, model: Model) -> None:
    reply = llm(QUESTION, max_tokens=12, temperature=0)
    pieces = llamapack.generate(model, QUESTION, chat=True, max_tokens=12, temperature=0)
    assert reply.text == "".join(pieces)
    assert (reply.finish, reply.usage.completion) == ("length", 12)


@pytest.mark.parametrize("options", [{"repeat_penalty": 1.3}, {"logit_bias": {260: 5.0}}, {"dry_multiplier": 1.0}])
def test_greedy_answer_is_that_of_all_samplers(llm: Llama, options: dict[str, Any]) -> None:
    everything = ["penalties", "dry", "top_n_sigma", "top_k", "typ_p", "top_p", "min_p", "xtc", "temperature"]
    text = "I like green tea. " * 6
    quick = llm.complete(text, max_tokens=24, temperature=0, **options).text
    assert quick == llm.complete(text, max_tokens=24, temperature=0, samplers=everything, **options).text
    assert quick != llm.complete(text, max_tokens=24, temperature=0).text


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ("penalties", "dry")),
        ({"samplers": "top_k;penalties;temperature"}, ("penalties",)),
        ({"typical_p": 0.5}, None),
        ({"xtc_probability": 0.5}, None),
        ({"mirostat": 1}, None),
        ({"dynatemp_range": 0.5}, None),
        ({"samplers": "adaptive_p"}, None),
    ],
)
def test_options_of_the_engine_say_whether_the_likeliest_token_may_be_removed(
    tiny: Path, open_llama: Callable[..., Llama], options: dict[str, Any], expected: tuple[str, ...] | None
) -> None:
    with open_llama(tiny, ctx_size=64, parallel=1, **options) as llm:
        assert llm._core.facts.greedy_samplers == expected


def test_stream_has_the_same_text_and_tells_progress(llm: Llama) -> None:
    stream = llm.stream(QUESTION, max_tokens=12, temperature=0)
    events = list(stream.events())
    assert "".join(event.text for event in events if isinstance(event, TextEvent)) == stream.reply.text
    assert stream.reply.text == llm(QUESTION, max_tokens=12, temperature=0).text
    progress = [event for event in events if isinstance(event, PromptProgressEvent)]
    assert progress[-1].processed == progress[-1].total == stream.reply.usage.prompt


def test_cancelled_stream_frees_its_slot(llm: Llama) -> None:
    stream = llm.stream("Count to a thousand", max_tokens=900)
    for piece in stream:
        assert piece
        stream.cancel()
    assert stream.reply.finish == "cancelled"
    assert llm("Hi", max_tokens=1).usage.completion == 1


def test_types_hold(llm: Llama) -> None:
    book = llm("A classic of science fiction", returns=Book, max_tokens=100, temperature=0).value
    assert isinstance(book, Book)
    assert llm("Is the sky blue?", returns=Literal["yes", "no"], temperature=0).value in ("yes", "no")


def test_logprobs_are_those_of_the_tokens(llm: Llama, model: Model) -> None:
    reply = llm(QUESTION, max_tokens=3, temperature=0, logprobs=2)
    assert "".join(token.text for token in reply.logprobs) == reply.text
    generation = llamapack.generate(model, QUESTION, chat=True, max_tokens=3, temperature=0, logprobs=2)
    list(generation)
    expected = [each.logprob for each in generation.logprobs]
    assert [token.logprob for token in reply.logprobs] == pytest.approx(expected, abs=0.05)
    assert all(token.top[0].logprob >= token.logprob for token in reply.logprobs)


def test_map_asks_at_once_and_keeps_the_order(llm: Llama) -> None:
    replies = list(llm.map(["a", "b", "c", "d"], returns=bool, temperature=0))
    assert [reply.index for reply in replies] == [0, 1, 2, 3]
    assert all(isinstance(reply.value, bool) for reply in replies)


def test_leaving_a_map_cancels_the_rest(llm: Llama) -> None:
    for _ in llm.map([f"Write a long story {number}" for number in range(4)], max_tokens=40, ordered=False):
        break
    assert llm("Hi", max_tokens=1).usage.completion == 1
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("llamapack-map")]


def test_chat_is_saved_with_its_state(llm: Llama, tmp_path: Path) -> None:
    chat = llm.chat(system="Be brief", max_tokens=8, temperature=0)
    chat("Name a colour of the sky at noon on a clear day in summer.")
    chat.save(tmp_path / "sky.chat", state=True)
    with_state = llm.load_chat(tmp_path / "sky.chat", max_tokens=4, temperature=0)
    assert with_state.messages == chat.messages
    assert with_state("And at night?").usage.cached > 20
    chat.save(tmp_path / "plain.chat")
    assert llm.load_chat(tmp_path / "plain.chat").messages == chat.messages


def test_completion_continues_a_text(llm: Llama) -> None:
    assert llm.complete("The capital of France is", max_tokens=1, temperature=0).text == " Paris"
    stream = llm.stream_complete("The capital of France is", max_tokens=1, temperature=0)
    assert list(stream) == [" Paris"]


def _logprob(model: Model, prompt: str, answer: str) -> float:
    """Compute the log-likelihood by the plain objects."""
    before = model.vocab.tokenize(prompt)
    tokens = model.vocab.tokenize(prompt + answer)[len(before) :]
    total = 0.0
    with llamapack.Context(model, n_ctx=64) as context:
        context.decode(before)
        for token in tokens:
            logits = context.outputs.logits(-1).astype(np.float64)
            total += float(logits[token] - logits.max() - np.log(np.exp(logits - logits.max()).sum()))
            context.decode([token])
    return total


def test_scores_are_log_likelihoods(llm: Llama, model: Model) -> None:
    prompt, answers = "The capital of France is", [" Paris", " Rome, Italy", " 🦙é"]
    scores = llm.score(prompt, answers, chat=False)
    assert [score.answer for score in scores] == answers
    expected = [_logprob(model, prompt, answer) for answer in answers]
    assert [score.logprob for score in scores] == pytest.approx(expected, rel=0.02, abs=0.05)


def test_tokens_are_those_of_the_vocabulary(llm: Llama, model: Model) -> None:
    text = "Hello, Welt 🦙"
    assert llm.tokenize(text) == list(model.vocab.tokenize(text, add_special=False))
    assert llm.detokenize(llm.tokenize(text)) == text


def test_errors_say_what_to_do_and_the_next_call_works(llm: Llama) -> None:
    with pytest.raises(PromptTooLongError, match=r"but a request has a context of 1024"):
        llm("word " * 2000)
    with pytest.raises(TaskError, match=r"embed needs a model that turns texts into vectors"):
        llm.embed("a")
    with pytest.raises(TaskError, match=r"Use a model for code"):
        llm.infill("def f(", ")")
    with pytest.raises(TaskError, match=r"has no place for tools"):
        llm("Hi", tools=[weather])
    with pytest.raises(ReplyError, match=r"cut off at max_tokens"):
        llm("Numbers", returns=list[int], max_tokens=1)
    with pytest.raises(GrammarError, match=r"column 11: expecting"):
        llm("Hi", grammar="root ::= (")
    assert llm("Hi", max_tokens=1).usage.completion == 1


def test_what_a_grammar_cannot_hold_of_a_type_is_said_before_if_asked(llm: Llama) -> None:
    kind = Annotated[int, Multiple(multiple_of=2)]
    with pytest.warns(SchemaWarning, match="not enforced: #/multipleOf"), contextlib.suppress(ReplyError):
        llm("A number", returns=kind, on_unenforced="warn", max_tokens=4)
    with pytest.raises(GrammarError, match="not enforced: #/multipleOf"):
        llm("A number", returns=kind, on_unenforced="error", max_tokens=4)
    with pytest.raises(InputError, match="on_unenforced must be"):
        llm("A number", returns=kind, on_unenforced="no", max_tokens=4)  # type: ignore[call-overload]  # on purpose
    with contextlib.suppress(ReplyError):  # a warning is an error here
        llm("A number", returns=kind, max_tokens=4)


def test_answer_that_fills_the_context_raises_or_shifts(model_path: Path, open_llama: Callable[..., Llama]) -> None:
    options = {"ctx_size": 256, "parallel": 1}
    with open_llama(model_path, **options) as llm, pytest.raises(ReplyError, match=r"The context is full") as caught:
        llm("Count to a thousand", ignore_eos=True)
    assert len(caught.value.text) > 100
    with open_llama(model_path, on_overflow="shift", **options) as llm:
        reply = llm("Count to a thousand", ignore_eos=True, max_tokens=300)
        assert reply.usage.completion == 300


def test_oldest_turns_are_left_out(model_path: Path, open_llama: Callable[..., Llama]) -> None:
    with open_llama(model_path, ctx_size=256, parallel=1, on_overflow="drop-oldest") as llm:
        chat = llm.chat(system="Be brief", max_tokens=4)
        for _ in range(4):
            chat("word " * 80)
        assert len(chat.messages) == 9


def weather(city: Literal["Rome"]) -> str:
    """Say the weather."""
    raise KeyError(city)


def test_arguments_of_tools_are_enforced(with_tools: Llama, calls_tools: dict[int, float]) -> None:
    stream = with_tools.stream(
        "How is the weather?",
        tools=[weather],
        tool_choice="required",
        on_tool_error="raise",
        parallel_tool_calls=False,
        max_tokens=80,
        temperature=0,
        logit_bias=calls_tools,
    )
    with pytest.raises(ToolError, match=r"The tool weather failed, called with (.|\n)*Rome(.|\n)*KeyError: 'Rome'"):
        list(stream)


def test_events_tell_of_tool_calls(with_tools: Llama, calls_tools: dict[int, float]) -> None:
    stream = with_tools.stream(
        "How is the weather?",
        tools=[weather],
        tool_choice="weather",
        parallel_tool_calls=False,
        max_turns=1,
        max_tokens=80,
        temperature=0,
        logit_bias=calls_tools,
    )
    events = stream.events()
    call = next(event.call for event in events if isinstance(event, ToolCallEvent))
    assert call.name == "weather"
    with pytest.raises(ToolError, match=r"still calls tools after 1 answers"):
        list(events)


def test_required_tool_that_is_not_called_raises(with_tools: Llama) -> None:
    with pytest.raises(ToolError, match=r"called no tool, though tool_choice is 'required'"):
        with_tools("Tell a story", tools=[weather], tool_choice="required", max_tokens=4, temperature=0)


def test_grammar_holds_after_thinking(thinker: Llama) -> None:
    stream = thinker.stream(
        "Is the sky blue?", returns=Literal["yes", "no"], thinking_budget=6, max_tokens=40, temperature=0
    )
    events = list(stream.events())
    assert "".join(event.text for event in events if isinstance(event, ThinkingEvent)) == stream.reply.thinking != ""
    assert stream.reply.text in ('"yes"', '"no"')
    assert stream.reply.usage.completion > 6
    reply = thinker("Is the sky blue?", returns=bool, thinking=False, max_tokens=20, temperature=0)
    assert (reply.thinking, type(reply.value)) == ("", bool)


def test_embeddings_have_the_length_and_order_of_the_texts(tmp_path: Path, open_llama: Callable[..., Llama]) -> None:
    with open_llama(write_model(tmp_path / "bert.gguf", "bert", words="abcd")) as llm:
        rows = llm.embed(["a b", "c", "a b"])
        assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0)
        assert rows[0] == pytest.approx(rows[2], abs=1e-5)
        assert abs(rows[0] - rows[1]).max() > 1e-3
        assert llm.embed("c") == pytest.approx(rows[1], abs=1e-5)
        with pytest.raises(TaskError, match=r"ask needs a model that writes texts"):
            llm("Hi")
        with pytest.raises(PromptTooLongError, match=r"(tokens|context)"):
            llm.embed("a " * 5000)


def test_generator_embeds_if_asked_to(model_path: Path, model: Model, open_llama: Callable[..., Llama]) -> None:
    texts = ["The cat sleeps.", "Interest rates rose."]
    with open_llama(model_path, task="embed", ctx_size=512, parallel=1) as llm:
        rows = llm.embed(texts)
    expected = llamapack.embed(model, texts, pooling="mean")
    assert rows @ expected.T == pytest.approx(expected @ expected.T, abs=0.02)


def test_documents_are_ranked(tmp_path: Path, open_llama: Callable[..., Llama]) -> None:
    with open_llama(write_model(tmp_path / "ranker.gguf", "reranker", words="abcd")) as llm:
        found = llm.rank("a b", ["a b c", "d", "a"])
        assert sorted(each.index for each in found) == [0, 1, 2]
        assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
        assert llm.rank("a b", ["a b c", "d", "a"], top=1) == found[:1]


def test_explanation_names_what_was_chosen(llm: Llama) -> None:
    found = llm.explain()
    assert (found.task, found.context, found.slots) == ("generate", 1024, 2)
    text = str(found)
    assert "because the architecture 'llama' predicts tokens" in text
    assert f"CPU: {found.cpu}" in text


def test_closed_llama_says_so(model_path: Path, open_llama: Callable[..., Llama]) -> None:
    llm = open_llama(model_path, ctx_size=256, parallel=1)
    llm.close()
    llm.close()
    with pytest.raises(ClosedError):
        llm("Hi")


def test_wrong_options_leave_nothing_behind(model_path: Path) -> None:
    with pytest.raises(InputError, match=r"on_overflow must be"):
        Llama(model_path, on_overflow="panic")  # type: ignore[arg-type]  # the fault that is looked for
    with pytest.raises(InputError, match=r"Did you mean 'ctx_size'"):
        Llama(model_path, n_ctx=512)


def test_tasks_of_asyncio_share_the_engine(llm: Llama) -> None:
    async def main() -> None:
        replies = await asyncio.gather(*(llm.aio(f"Say {word}", max_tokens=4) for word in ("a", "b", "c")))
        assert [reply.usage.completion <= 4 for reply in replies] == [True] * 3
        stream = llm.aio.stream(QUESTION, max_tokens=5, temperature=0)
        pieces = [piece async for piece in stream]
        assert "".join(pieces) == (await stream.reply()).text
        task = asyncio.create_task(llm.aio("Count to a thousand", max_tokens=900, ignore_eos=True))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await llm.aio("Hi", max_tokens=1)).usage.completion == 1

    asyncio.run(main())
