"""Every chat template in llama.cpp's tree: it renders, and what models write is read as llama.cpp's own test says.

Nothing is copied: templates and cases are read where llama.cpp has them. A scripted model writes what the cases say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from llamapack import Llama
from llamapack.engine import Engine
from llamapack.errors import TaskError, ToolError
from llamapack.llama import TextEvent, ThinkingEvent, Tool, ToolCallEvent
from llamapack.typed.codecs import ANYTHING

from tests.support.chat.tools import FOLDER, NAMES, calling, described, result, template_file
from tests.support.llama.extent import WHOLE
from tests.support.llama.scripted import write_scripted_model
from tests.support.llama.upstream_cases import Case, Message, cases

USER = {"role": "user", "content": "Which colour has USER1?"}
TALK = [USER, {"role": "assistant", "content": "It has ANSWER1."}, {"role": "user", "content": "And USER2?"}]
KEY = {"type": "string", "description": "what to find"}
TOOL = described("look_up", "Find a colour.", {"type": "object", "properties": {"key": KEY}, "required": ["key"]})
RESULT = [USER, calling(("look_up", {"key": "KEY1"})), result(0, "look_up", "It is RESULT1.")]

# Cases that are left out, by what the model writes.
LEFT_OUT = {
    "a call within thinking starts the grammar: llama.cpp knows the end of thinking by tokens, which a script lacks": {
        "<think>Let me think about <|tool_call_start|>[special_function(arg1=1)]<|tool_call_end|> hmm</think>"
        "<|tool_call_start|>[special_function(arg1=1)]<|tool_call_end|>",
        '[THINK]Let me think about [TOOL_CALLS]special_function[ARGS]{"arg1":1} and more[/THINK]'
        '[TOOL_CALLS]special_function[ARGS]{"arg1": 1}',
    },
    "llama.cpp's grammar for this template refuses [CALL_ID] between name and [ARGS]": {
        '[TOOL_CALLS]special_function[CALL_ID]123456789[ARGS]{"arg1": 1}',
        '[TOOL_CALLS]special_function[CALL_ID]000000001[ARGS]{"arg1": 1}'
        '[TOOL_CALLS]special_function_with_opt[CALL_ID]000000002[ARGS]{"arg1": 1, "arg2": 2}',
    },
}
CASES = [case for case in cases() if not any(case.written in texts for texts in LEFT_OUT.values())]


def rendered(engine: Engine, messages: list[Any], *tools: object) -> str:
    body = {"messages": messages, **({"tools": tools} if tools else {})}
    return str(engine.request("POST", "/apply-template", body).json()["prompt"])


def missing(text: str, *words: str) -> list[str]:
    return [word for word in words if word not in text]


def test_the_tree_has_templates() -> None:
    assert len(NAMES) >= 70, f"{FOLDER} lacks templates.\nRun: inv vendor.sync"


@pytest.mark.parametrize("name", NAMES)
def test_template_renders(tiny: Path, name: str) -> None:
    options: dict[str, Any] = {"ctx_size": 64, "parallel": 1, "threads": 1, "warmup": False}
    with Engine(tiny, chat_template_file=template_file(name), **options) as engine:
        can = engine.request("GET", "/props").json()["chat_template_caps"]
        system = [{"role": "system", "content": "Speak as SYSTEM1."}, USER]
        assert missing(rendered(engine, [USER]), "USER1") == []
        assert missing(rendered(engine, system), "SYSTEM1", "USER1") == []
        assert missing(rendered(engine, TALK), "USER1", "ANSWER1", "USER2") == []
        described = ["look_up", "what to find"]
        assert missing(rendered(engine, [USER], TOOL), *described) == ([] if can["supports_tools"] else described)
        if can["supports_tool_calls"]:
            assert missing(rendered(engine, RESULT, TOOL), "KEY1", "RESULT1") == []


def test_a_template_that_renders_calls_but_shows_no_tools_is_refused(
    tiny: Path, tmp_path: Path, open_llama: Callable[..., Llama]
) -> None:
    template = tmp_path / "calls.jinja"
    template.write_text(
        "{% for m in messages %}{{ m.role }}: {{ m.content }}{% for c in m.tool_calls or [] %}"
        "{{ c.function.name }}({{ c.function.arguments }}){% endfor %}\n{% endfor %}",
        encoding="utf-8",
    )
    with open_llama(tiny, ctx_size=64, parallel=1, chat_template_file=template) as llm:
        assert not shows_tools(llm)
        assert llm._engine.request("GET", "/props").json()["chat_template_caps"]["supports_tool_calls"]
        with pytest.raises(TaskError, match="The model would not learn of them"):
            llm("Hi", tools=[made("look_up", "Find.", "")])


def some(found: list[Case]) -> list[Case]:
    """Return the richest case, with several calls after thinking if there is one, and one without calls."""

    def richness(case: Case) -> tuple[bool, bool, int]:
        return bool(case.meant.calls), bool(case.meant.thinking), len(case.meant.calls)

    ordered = sorted(found, key=richness)
    return [ordered[0], ordered[-1]]


def test_the_tree_has_cases() -> None:
    assert len(CASES) >= 290
    assert len({case.template for case in CASES}) >= 50
    assert sum(len(case.meant.calls) > 0 for case in CASES) >= 200
    assert sum(bool(case.meant.thinking) for case in CASES) >= 100
    assert len(cases()) - len(CASES) == sum(map(len, LEFT_OUT.values()))


@pytest.mark.parametrize("name", sorted({case.template for case in CASES}))
def test_answers_are_read_as_llama_cpp_means_them(tmp_path: Path, open_llama: Callable[..., Llama], name: str) -> None:
    found = [case for case in CASES if case.template == name]
    chosen = found if WHOLE else some(found)
    bias = write_scripted_model(tmp_path / "scripted.gguf", [case.written for case in chosen])
    options = {"ctx_size": 8192, "parallel": 1, "chat_template_file": template_file(name)}
    with open_llama(tmp_path / "scripted.gguf", **options) as llm:
        for case in chosen:
            if case.tools and not shows_tools(llm):
                with pytest.raises(TaskError, match="The model would not learn of them"):
                    answer(llm, case, bias[case.written])
            else:
                assert plain(answer(llm, case, bias[case.written])) == plain(case.meant), case


def shows_tools(llm: Llama) -> bool:
    return bool(llm._engine.request("GET", "/props").json()["chat_template_caps"]["supports_tools"])


def answer(llm: Llama, case: Case, bias: Mapping[int, float]) -> Message:
    """Let the model write the case, and put together what Llama tells of it."""
    texts, thoughts, calls = [], [], []
    more: dict[str, Any] = {"tools": [made(*each) for each in case.tools], "max_turns": 1} if case.tools else {}
    stream = llm.stream("Hey there!", **case.asked, **more, temperature=0, max_tokens=2000, logit_bias=bias)
    try:
        for event in stream.events():
            if isinstance(event, TextEvent):
                texts.append(event.text)
            elif isinstance(event, ThinkingEvent):
                thoughts.append(event.text)
            elif isinstance(event, ToolCallEvent):
                calls.append((event.call.name, event.call.arguments_json))
    except ToolError as error:
        if not error.what.startswith("The model still calls tools after 1 answers"):
            raise
    return Message(content="".join(texts), thinking="".join(thoughts), calls=tuple(calls))


def made(name: str, description: str, schema: str) -> Tool:
    parameters = json.loads(schema) if schema else {}
    return Tool(name=name, description=description, parameters=parameters, function=lambda **_: "", codec=ANYTHING)


def plain(message: Message) -> tuple[str, str, list[tuple[str, Any]]]:
    """Return a message without the blanks around its texts, as llama.cpp's own test compares it."""
    calls = [(name, json.loads(arguments or "{}")) for name, arguments in message.calls]
    return message.content.strip(), message.thinking.strip(), calls
