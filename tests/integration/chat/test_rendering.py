"""Prompts with tools, as Jinja2 renders the chat templates in llama.cpp's source tree."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import llamapack
import pytest
from llamapack.errors import ChatTemplateError, PromptWarning, SchemaWarning

from tests.support.chat.tools import (
    NO_TOOLS,
    QUESTION,
    TOOLS,
    WITH_TOOLS,
    Apply,
    by_jinja,
    calling,
    described,
    result,
)

CONVERSATION = [
    QUESTION,
    calling(("get_weather", {"city": "Paris", "days": 2})),
    result(0, "get_weather", '{"sun": true}'),
    {"role": "assistant", "content": "It is sunny."},
    {"role": "user", "content": "And later?"},
]
OTHERWISE = {
    "google-gemma-4-31B-it-interleaved": "llama.cpp takes it for an outdated one, and writes results as the newer does",
    "llama-cpp-deepseek-r1": "it is written for llama.cpp: Jinja2 has no JSON for what it makes of the tools",
    "meetkai-functionary-medium-v3.1": "Jinja2 escapes the schemas for HTML",
}
"""Templates with tools that llama.cpp renders otherwise than Jinja2."""


def expected(vocab: llamapack.Vocab, name: str, messages: list[dict[str, Any]]) -> str:
    assert vocab.bos is not None
    assert vocab.eos is not None
    return by_jinja(name, messages, bos_token=vocab.text(vocab.bos), eos_token=vocab.text(vocab.eos))


@pytest.mark.filterwarnings("ignore::llamapack.errors.PromptWarning")
@pytest.mark.parametrize("name", [name for name in WITH_TOOLS if name not in OTHERWISE])
def test_tools_calls_and_results_are_rendered_as_by_jinja(vocab: llamapack.Vocab, apply: Apply, name: str) -> None:
    for messages in ([QUESTION], CONVERSATION):
        assert apply(name, messages, tools=TOOLS).text == expected(vocab, name, messages)


def test_the_list_of_what_is_rendered_otherwise_is_right(vocab: llamapack.Vocab, apply: Apply) -> None:
    assert set(OTHERWISE) <= set(WITH_TOOLS)
    for name in set(OTHERWISE) - {"llama-cpp-deepseek-r1"}:
        assert apply(name, CONVERSATION, tools=TOOLS).text != expected(vocab, name, CONVERSATION)
    with pytest.raises(TypeError, match="not JSON serializable"):
        expected(vocab, "llama-cpp-deepseek-r1", [QUESTION])


@pytest.mark.parametrize("name", sorted(NO_TOOLS))
def test_a_template_that_passes_over_tools_is_an_error(vocab: llamapack.Vocab, apply: Apply, name: str) -> None:
    with pytest.raises(ChatTemplateError) as caught:
        apply(name, [QUESTION], tools=TOOLS)
    assert str(caught.value) == (
        "The chat template has no place for tools.\n"
        "The model would not learn of them.\n"
        "Use a model that was trained to call tools, such as Qwen3, or give another template: "
        "ChatTemplate(model, source)."
    )
    plain = apply(name, [QUESTION])
    assert (plain.grammar, plain.enforces_arguments) == (None, False)


@pytest.mark.parametrize("name", WITH_TOOLS)
def test_each_tool_stands_in_the_prompt(apply: Apply, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PromptWarning)
        text = apply(name, [QUESTION], tools=TOOLS).text
    assert [tool["function"]["name"] in text for tool in TOOLS] == [True, True]


def test_calls_that_a_template_passes_over_are_a_warning(apply: Apply) -> None:
    lost = [name for name in WITH_TOOLS if "get_weather" not in _quiet(apply, name).partition("How is it there?")[2]]
    assert lost == ["LFM2-8B-A1B", "LFM2.5-Instruct", "ibm-granite-granite-3.3-2B-Instruct"]
    for name in lost:
        with pytest.warns(PromptWarning, match="passes over calls of tools in messages") as caught:
            apply(name, CONVERSATION)
        assert Path(caught[0].filename).name == "conftest.py"  # the caller
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        apply("Qwen-Qwen3-0.6B", CONVERSATION)


def _quiet(apply: Apply, name: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PromptWarning)
        return apply(name, CONVERSATION, tools=TOOLS).text


def test_calls_whose_form_is_unknown_are_a_warning_and_cannot_be_required(apply: Apply) -> None:
    name = "ibm-granite-granite-3.3-2B-Instruct"
    with pytest.warns(PromptWarning, match=r"does not know how the model .* writes calls of tools\.") as caught:
        prompt = apply(name, [QUESTION], tools=TOOLS)
    assert Path(caught[0].filename).name == "conftest.py"
    assert (prompt.grammar, prompt.enforces_arguments) == (None, False)
    for choice in ("required", "get_time"):
        with pytest.raises(ChatTemplateError, match="A call cannot be required with this chat template"):
            apply(name, [QUESTION], tools=TOOLS, tool_choice=choice)
    assert apply(name, [QUESTION], tools=TOOLS, tool_choice="none").grammar is None


def test_a_grammar_waits_for_a_call_unless_one_is_required(apply: Apply) -> None:
    waiting, required, none, one = (
        apply("Qwen-Qwen3-0.6B", [QUESTION], tools=TOOLS, tool_choice=choice)
        for choice in ("auto", "required", "none", "get_time")
    )
    assert waiting.grammar is not None
    assert waiting.grammar.lazy
    assert required.grammar is not None
    assert not required.grammar.lazy
    assert none.grammar is None
    assert one.grammar is not None
    assert not one.grammar.lazy
    assert "get_weather" not in one.grammar.text + one.text
    assert waiting.text == required.text == none.text
    assert [each.enforces_arguments for each in (waiting, required, none, one)] == [True, True, False, True]


def test_arguments_between_tags_are_not_held_to_the_schemas(apply: Apply) -> None:
    prompt = apply("Qwen3-Coder", [QUESTION], tools=TOOLS)
    assert prompt.grammar is not None
    assert not prompt.enforces_arguments


@pytest.mark.parametrize(
    ("name", "options", "thinking"),
    [
        ("Qwen-Qwen3-0.6B", {}, False),  # it thinks by its own choice
        ("Qwen3.5-4B", {}, True),
        ("Qwen3.5-4B", {"enable_thinking": False}, False),
        ("Qwen3.5-4B", {"add_generation_prompt": False}, False),
        ("Qwen3-Coder", {}, False),
    ],
)
def test_it_is_known_whether_the_prompt_ends_within_thinking(
    apply: Apply, name: str, options: dict[str, Any], thinking: bool
) -> None:
    prompt = apply(name, [QUESTION], tools=TOOLS, **options)
    assert prompt.is_thinking is thinking
    assert prompt.text.endswith("<think>\n") is thinking


def test_what_a_grammar_cannot_hold_is_told(apply: Apply) -> None:
    seven = described("pick", "Pick.", {"type": "object", "properties": {"n": {"type": "integer", "multipleOf": 7}}})
    with pytest.warns(SchemaWarning, match=r"not enforced: pick#/properties/n/multipleOf\.") as caught:
        apply("Qwen-Qwen3-0.6B", [QUESTION], tools=[seven])
    assert Path(caught[0].filename).name == "conftest.py"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        apply("Qwen-Qwen3-0.6B", [QUESTION], tools=[seven], on_unenforced="ignore")
        apply("Qwen-Qwen3-0.6B", [QUESTION], tools=[seven], tool_choice="none")


def test_a_named_role_of_the_template_is_taken_and_others_are_not(apply: Apply) -> None:
    document = {"role": "ipython", "content": "42"}
    assert "42" in apply("meta-llama-Llama-3.1-8B-Instruct", [QUESTION, document]).text
    with pytest.raises(ChatTemplateError, match="Message 1 has the role 'ipython', which the chat template"):
        apply("Qwen-Qwen3-0.6B", [QUESTION, document])


def test_deep_and_odd_messages_are_refused(apply: Apply) -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    for content in (deep, {1}):
        with pytest.raises(ChatTemplateError, match="The messages cannot be written as JSON"):
            apply("Qwen-Qwen3-0.6B", [{"role": "user", "content": content}])
