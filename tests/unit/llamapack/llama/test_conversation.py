"""Calls of a chat model: what the engine is asked, and what comes of its answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from llamapack.errors import InputError, PromptTooLongError, ReplyError, RequestError, TaskError, ToolError
from llamapack.llama.core import Core
from llamapack.llama.plans.conversation import converse
from llamapack.llama.plans.events import (
    PromptProgressEvent,
    TextEvent,
    ThinkingEvent,
    ToolCallEvent,
    ToolResultEvent,
)
from llamapack.llama.plans.replies import Reply, Timing, Usage
from llamapack.llama.plans.running import Running, carry_out
from llamapack.typed import ToolCall

from tests.support.llama.fake_engine import called, core, refused, said, streamed, too_long


def ask(of: Core, prompt: Any, returns: Any = None, **options: Any) -> Reply[Any]:
    return carry_out(of.engine, converse(of.question("ask", prompt, returns, options)))


def weather(city: Literal["Rome", "Oslo"]) -> str:
    """Say the weather.

    Args:
        city: Where.
    """
    return f"sunny in {city}"


def test_reply_has_what_the_engine_says() -> None:
    it, engine = core(said("Blue.", reasoning_content="Hm."))
    reply = ask(it, "Which colour?", max_tokens=5, temperature=0, stop="\n", seed=3, system="Be brief")
    assert engine.asked == [
        (
            "/v1/chat/completions",
            {
                "messages": [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Which colour?"}],
                "n_predict": 5,
                "temperature": 0,
                "stop": ["\n"],
                "seed": 3,
            },
        )
    ]
    assert (str(reply), reply.value, reply.thinking, reply.finish) == ("Blue.", "Blue.", "Hm.", "stop")
    assert reply.usage == Usage(prompt=10, completion=3, cached=4)
    assert reply.timing == Timing(prompt_seconds=0.06, prompt_tokens=6, completion_seconds=0.03, completion_tokens=3)
    assert round(reply.timing.tokens_per_second) == 100
    assert reply.messages == ({"role": "assistant", "content": "Blue.", "reasoning_content": "Hm."},)
    assert all(response.closed for response in engine.responses)


def test_reply_becomes_openais_object() -> None:
    it, _ = core(said("Blue.", "length"))
    found = ask(it, "Which colour?", max_tokens=3).to_openai()
    assert found["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Blue."},
            "finish_reason": "length",
            "logprobs": None,
        }
    ]
    assert (found["id"], found["object"], found["created"]) == ("chatcmpl-1", "chat.completion", 7)
    assert found["usage"]["total_tokens"] == 13


@dataclass
class Book:
    title: str
    year: int


def test_typed_answer_is_held_by_a_grammar_and_made_an_object() -> None:
    it, engine = core(said('{"title": "Dune", "year": 1965}'))
    assert ask(it, "A book", Book).value == Book("Dune", 1965)
    assert engine.bodies[0]["grammar"].startswith("root ::=")


def test_answer_that_does_not_fit_raises_with_the_text() -> None:
    it, _ = core(said('{"title": "Dune"}'))
    with pytest.raises(ReplyError, match=r"does not fit .*Book.\nthe answer: it lacks 'year'") as caught:
        ask(it, "A book", Book)
    assert caught.value.text == '{"title": "Dune"}'


def test_answer_that_was_cut_off_says_so() -> None:
    it, _ = core(said('{"title": "Du', "length"))
    with pytest.raises(ReplyError, match=r'It was cut off at max_tokens: \'{"title": "Du\'\nUse a larger max_tokens'):
        ask(it, "A book", Book, max_tokens=3)


def test_model_that_thinks_does_so_before_the_grammar_holds() -> None:
    it, engine = core(
        streamed({"reasoning_content": "Sun"}, {"reasoning_content": "ny."}, {"content": "It"}),
        said("true"),
        thinks=True,
    )
    reply = ask(it, "Is it sunny?", bool)
    assert (reply.value, reply.thinking) == (True, "Sunny.")
    first, second = engine.bodies
    assert "grammar" not in first
    assert first["stream"] is True
    assert second["messages"][-1] == {"role": "assistant", "content": "", "reasoning_content": "Sunny."}
    assert (second["continue_final_message"], second["add_generation_prompt"]) == ("content", False)
    assert second["grammar"].startswith("root ::=")
    assert reply.usage == Usage(prompt=20, completion=6, cached=8)
    assert engine.responses[0].closed


def test_model_that_does_not_think_after_all_is_asked_with_the_grammar_at_once() -> None:
    it, engine = core(streamed({"content": "Y"}), said('"yes"'), thinks=True)
    assert ask(it, "Is it sunny?", Literal["yes", "no"]).value == "yes"
    assert [len(body["messages"]) for body in engine.bodies] == [1, 1]


def test_tools_are_described_called_and_answered() -> None:
    it, engine = core(called("weather", '{"city": "Rome"}'), said("It is sunny."))
    reply = ask(it, "How is Rome?", tools=[weather])
    (described,) = engine.bodies[0]["tools"]
    assert described["function"] == {
        "name": "weather",
        "description": "Say the weather.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"enum": ["Rome", "Oslo"], "description": "Where."}},
            "required": ["city"],
            "additionalProperties": False,
        },
    }
    assert engine.bodies[1]["messages"][1:] == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "call-1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "call-1", "content": "sunny in Rome"},
    ]
    assert [(each.call.name, each.value) for each in reply.tool_calls] == [("weather", "sunny in Rome")]
    assert reply.text == "It is sunny."
    assert reply.usage == Usage(prompt=20, completion=6, cached=8)
    assert len(reply.messages) == 3


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("weather", '{"city": "Paris"}', "Error: InputError: The arguments do not fit: .city: it must be one of"),
        ("weather", "{}", "Error: InputError: The arguments do not fit: the answer: it lacks 'city'"),
        ("wether", "{}", "Error: InputError: There is no tool 'wether'."),
    ],
)
def test_wrong_calls_are_told_to_the_model(name: str, arguments: str, text: str) -> None:
    it, engine = core(called(name, arguments), said("Sorry."))
    reply = ask(it, "How is Paris?", tools=[weather])
    assert engine.bodies[1]["messages"][-1]["content"].startswith(text)
    assert isinstance(reply.tool_calls[0].error, InputError)


def broken(city: str) -> str:
    raise KeyError(city)


def test_error_of_a_tool_goes_to_the_model_or_up() -> None:
    it, engine = core(called("broken", '{"city": "Rome"}'), said("Sorry."))
    ask(it, "How is Rome?", tools=[broken])
    assert engine.bodies[1]["messages"][-1]["content"] == "Error: KeyError: 'Rome'"
    it, _ = core(called("broken", '{"city": "Rome"}'))
    with pytest.raises(ToolError, match=r"The tool broken failed") as caught:
        ask(it, "How is Rome?", tools=[broken], on_tool_error="raise")
    assert isinstance(caught.value.__cause__, KeyError)


def test_async_tools_run_in_calls_that_are_not() -> None:
    async def slow(city: str) -> str:
        return city.upper()

    it, engine = core(called("slow", '{"city": "Rome"}'), said("Done."))
    ask(it, "How is Rome?", tools=[slow])
    assert engine.bodies[1]["messages"][-1]["content"] == "ROME"


def test_model_that_goes_on_calling_tools_is_stopped() -> None:
    it, engine = core(*[called("weather", '{"city": "Rome"}')] * 2)
    with pytest.raises(ToolError, match=r"still calls tools after 2 answers"):
        ask(it, "How is Rome?", tools=[weather], max_turns=2)
    assert len(engine.asked) == 2


@pytest.mark.parametrize("arguments", ['{"city": "Ro', '{"city": ' + "[" * 100_000], ids=["cut off", "deep"])
def test_call_that_was_cut_off_raises(arguments: str) -> None:
    it, _ = core(called("weather", arguments, "length"))
    with pytest.raises(ReplyError, match=r"call of the tool weather is not complete"):
        ask(it, "How is Rome?", tools=[weather])


def test_choice_of_a_tool_offers_that_one_once() -> None:
    it, engine = core(called("weather", '{"city": "Rome"}'), said("Sunny."))
    ask(it, "How is Rome?", tools=[weather, broken], tool_choice="weather")
    assert [(body["tool_choice"], len(body["tools"])) for body in engine.bodies] == [("required", 1), ("auto", 2)]


def test_one_call_at_a_time_where_asked_for() -> None:
    calls = [
        {"id": name, "type": "function", "function": {"name": "weather", "arguments": f'{{"city": "{name}"}}'}}
        for name in ("Rome", "Oslo")
    ]
    for options, cities in (({}, ["Rome", "Oslo"]), ({"parallel_tool_calls": False}, ["Rome"])):
        it, engine = core(said("", "tool_calls", tool_calls=calls), said("Sunny."))
        reply = ask(it, "How is it?", tools=[weather], **options)
        assert [result.call.id for result in reply.tool_calls] == cities
        assert len(engine.bodies[1]["messages"][1]["tool_calls"]) == len(cities)


def test_required_tool_that_is_not_called_raises() -> None:
    it, _ = core(said("I do not care."))
    with pytest.raises(ToolError, match=r"called no tool, though tool_choice is 'required': 'I do not care.'"):
        ask(it, "How is Rome?", tools=[weather], tool_choice="required")


def test_typed_answer_after_tools_is_asked_for_without_them() -> None:
    it, engine = core(called("weather", '{"city": "Rome"}'), said("It is sunny"), said("true"))
    assert ask(it, "Is Rome sunny?", bool, tools=[weather]).value is True
    assert ["grammar" in body for body in engine.bodies] == [False, False, True]
    assert engine.bodies[2]["tool_choice"] == "none"


def test_prompt_that_is_too_long_raises_with_the_numbers() -> None:
    it, _ = core(too_long(120))
    with pytest.raises(PromptTooLongError, match=r"The prompt has 120 tokens, but a request has a context of 100"):
        ask(it, "Long")


def test_oldest_turns_are_left_out_where_asked_for() -> None:
    it, engine = core(too_long(140), too_long(120), said("Yes."), on_overflow="drop-oldest")
    talk = [{"role": "system", "content": "s"}]
    for name in ("a", "b", "c"):
        talk += [{"role": "user", "content": name}, {"role": "assistant", "content": name.upper()}]
    ask(it, [*talk, {"role": "user", "content": "d"}])
    kept = ["".join(message["content"] for message in body["messages"]) for body in engine.bodies]
    assert kept == ["saAbBcCd", "sbBcCd", "scCd"]


def test_last_message_is_never_left_out() -> None:
    it, _ = core(too_long(140), on_overflow="drop-oldest")
    with pytest.raises(PromptTooLongError):
        ask(it, "Long")


def test_answer_that_fills_the_context_raises_unless_shifted() -> None:
    it, _ = core(said("abc", "length"), context=13)
    with pytest.raises(ReplyError, match=r"The context is full: 10 tokens of the prompt and 3 of the answer") as caught:
        ask(it, "Count")
    assert caught.value.text == "abc"
    it, _ = core(said("abc", "length"), context=13, on_overflow="shift")
    assert ask(it, "Count").finish == "length"


def test_stream_tells_what_happens_in_order() -> None:
    call = {"index": 0, "id": "call-1", "type": "function", "function": {"name": "weather", "arguments": ""}}
    it, engine = core(
        streamed(
            {"reasoning_content": "Hm."},
            {"tool_calls": [call]},
            {"tool_calls": [{"index": 0, "function": {"arguments": '{"city": '}}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": '"Rome"}'}}]},
            finish="tool_calls",
        ),
        streamed({"content": "Sun"}, {"content": "ny."}),
    )
    running = Running(
        engine, converse(it.question("stream", "How is Rome?", None, {"tools": [weather]}, streamed=True))
    )
    events = list(running.events())
    made = ToolCall(id="call-1", name="weather", arguments_json='{"city": "Rome"}')
    assert events[:2] == [ThinkingEvent(text="Hm."), ToolCallEvent(call=made)]
    assert isinstance(events[2], ToolResultEvent)
    assert events[3:] == [TextEvent(text="Sun"), TextEvent(text="ny.")]
    assert json.loads(made.arguments_json) == {"city": "Rome"}


def test_progress_of_the_prompt_is_told() -> None:
    given = streamed({"content": "a"})
    assert given.stream is not None
    progress = {"choices": [], "prompt_progress": {"total": 9, "cache": 2, "processed": 5, "time_ms": 1}}
    it, engine = core(type(given)(stream=[progress, *given.stream]))
    events = list(Running(engine, converse(it.question("stream", "Hi", None, {}, streamed=True))).events())
    assert events[0] == PromptProgressEvent(processed=5, total=9, cached=2)


def test_error_in_the_middle_of_a_stream_is_raised() -> None:
    given = streamed({"content": "a"})
    assert given.stream is not None
    error = {"error": {"code": 500, "type": "server_error", "message": "out of luck"}}
    it, engine = core(type(given)(stream=[given.stream[0], error]))
    with pytest.raises(RequestError, match=r"could not answer \(status 500\): out of luck"):
        list(Running(engine, converse(it.question("stream", "Hi", None, {}, streamed=True))).events())


def test_errors_of_the_engine_keep_their_status() -> None:
    it, engine = core(refused(400, "invalid_request_error", "no such field"))
    with pytest.raises(RequestError, match=r"refuses the request \(status 400\): no such field") as caught:
        ask(it, "Hi")
    assert (caught.value.status, caught.value.kind) == (400, "invalid_request_error")
    assert engine.responses[0].closed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temprature": 1}, r"ask\(\) has no argument 'temprature'.\nDid you mean 'temperature'"),
        ({"top_p": 1.5}, "top_p must be between 0 and 1, not 1.5"),
        ({"repeat_penalty": 0}, r"repeat_penalty must be between 0\.01 and 100, not 0"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"logit_bias": {-1: 2.0}}, "A token of logit_bias must be a whole number from 0"),
        ({"time_limit": -1}, "time_limit must be a number from 0 to 1000000000, not -1"),
        ({"max_tokens": 0}, "max_tokens must be a whole number from 1"),
        ({"thinking": 1}, "thinking must be True or False"),
        ({"lora": {"songs": 1.0}}, "No LoRA adapter 'songs' is loaded.\nLoaded: 'poems', 'laws'"),
        ({"tools": weather}, "tools must be several"),
        ({"tools": [weather, weather]}, "Two tools are called weather"),
        ({"tools": [weather], "tool_choice": "wether"}, "tool_choice must be one of .*'weather'"),
        ({"tools": [weather], "grammar": 'root ::= "a"'}, "grammar cannot be given together with tools"),
        ({"tools": [print]}, "cannot be described|has no type"),
    ],
)
def test_wrong_options_are_refused_before_anything_runs(options: dict[str, Any], message: str) -> None:
    it, engine = core(adapters=["poems", "laws"])
    with pytest.raises(InputError, match=message):
        ask(it, "Hi", **options)
    assert engine.asked == []


@pytest.mark.parametrize(
    ("lora", "strengths"), [({"laws": 0.25}, (0.0, 0.25)), ({}, (0.0, 0.0)), (None, (0.5, 0.5))], ids=str
)
def test_requests_name_the_strengths_of_all_adapters(
    lora: dict[str, float] | None, strengths: tuple[float, float]
) -> None:
    it, engine = core(said("a"), adapters=["poems", "laws"])
    ask(it, "Hi", lora=lora)
    assert engine.bodies[0]["lora"] == [{"id": 0, "scale": strengths[0]}, {"id": 1, "scale": strengths[1]}]


def test_template_without_tools_is_named() -> None:
    it, _ = core(tools=False)
    with pytest.raises(TaskError, match=r"The chat template of toy.gguf has no place for tools"):
        ask(it, "Hi", tools=[weather])


def test_call_that_does_not_fit_the_model_says_which_would() -> None:
    it, _ = core(task="embed")
    with pytest.raises(TaskError, match=r"ask needs a model that writes texts; toy.gguf turns texts into vectors"):
        ask(it, "Hi")
    it, _ = core()
    with pytest.raises(TaskError, match=r"Use an embedding model, such as nomic-embed-text"):
        carry_out(it.engine, it.embed(["a"], normalize=True))
