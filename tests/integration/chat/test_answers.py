"""Answers taken apart: as chat templates write them for training, and as models of several families write them."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from llamapack.chat import ChatAnswer
from llamapack.errors import InputError, ReplyError

from tests.support.chat.families import FAMILIES, TIME, WEATHER, wide
from tests.support.chat.tools import QUESTION, TOOLS, WITH_TOOLS, Apply, by_jinja, calling

# What ends an answer is a token of the model, and no part of it. This is that of templates which ask for it.
EOS = "<the end>"
ENDS = (
    *(
        EOS,
        "<|im_end|>",
        "<|eot_id|>",
        "<|eom_id|>",
        "<|eot|>",
        "<|end|>",
        "<|end_of_text|>",
        wide("<|end▁of▁sentence|>"),
    ),
    *("<seed:eos>", "<end_of_sentence>", "[e~[", "<|call|>", "<|message_sep|>", "<sep>", wide("<|hy_eos:opensource|>")),
    *("<|tool_response>", "<turn|>", "<|role_end|>", "</assistant>"),
)
THINKS = "the prompt begins with thinking, and the answers of earlier turns are written without it"
OTHERWISE = {
    "Apriel-1.6-15b-Thinker-fixed": THINKS,
    "Bielik-11B-v3.0-Instruct": THINKS,
    "Cohere2MoE": THINKS,
    "CohereForAI-c4ai-command-r-plus-tool_use": "the prompt changes once there is an answer",
    "CohereForAI-c4ai-command-r7b-12-2024-tool_use": "the next answer begins behind the last one",
    "GLM-4.7-Flash": THINKS,
    "LFM2-8B-A1B": "the template passes over calls",
    "LFM2.5-Instruct": "the template passes over calls",
    "MiniMax-M2": THINKS,
    "Mistral-Small-3.2-24B-Instruct-2506": "llama.cpp's grammar and parser have [ARGS] twice around the id",
    "NVIDIA-Nemotron-3-Nano-30B-A3B-BF16": THINKS,
    "NVIDIA-Nemotron-Nano-v2": THINKS,
    "Qwen-QwQ-32B": THINKS,
    "Spark2.5": THINKS,
    "ibm-granite-granite-3.3-2B-Instruct": "the template passes over calls",
    "llama-cpp-deepseek-r1": "it is written for llama.cpp, and Jinja2 cannot render it",
    "openbmb-MiniCPM5-1B": THINKS,
    "poolside-Laguna-XS-2.1": THINKS,
    "poolside-Laguna-XS.2": THINKS,
    "upstage-Solar-Open-100B": "llama.cpp's grammar and parser have the id of its own trial in them",
}
ONE_CALL = {
    "GigaChat3-10B-A1.8B": "the template writes the first call only",
    "GigaChat3.1-10B-A1.8B": "the template writes the first call only",
    "MiniMax-M1": "llama.cpp's parser refuses several",
    "meetkai-functionary-medium-v3.2": "llama.cpp's parser refuses several",
    "meta-llama-Llama-3.1-8B-Instruct": "the template refuses several calls",
    "meta-llama-Llama-3.2-3B-Instruct": "the template refuses several calls",
    "meta-llama-Llama-3.3-70B-Instruct": "the template refuses several calls",
    "openai-gpt-oss-120b": "the template writes the first call only",
}


rendered = partial(by_jinja, bos_token="", eos_token=EOS)


def as_in_training(name: str, *calls: tuple[str, dict[str, Any]]) -> str:
    """Return the answer that calls tools as the template writes it, without the end of the turn."""
    prompt = rendered(name, [QUESTION])
    whole = rendered(name, [QUESTION, calling(*calls)], add_generation_prompt=False).rstrip()
    assert whole.startswith(prompt)
    answer = whole[len(prompt) :]
    while end := next((end for end in ENDS if answer.endswith(end)), ""):
        answer = answer.removesuffix(end).rstrip("\n")
    return answer


def calls_in(answer: ChatAnswer) -> list[tuple[str, dict[str, Any]]]:
    return [(call.name, call.arguments) for call in answer.tool_calls]


@pytest.mark.parametrize("name", [name for name in WITH_TOOLS if name not in OTHERWISE])
def test_calls_are_read_as_templates_write_them(apply: Apply, name: str) -> None:
    prompt = apply(name, [QUESTION], tools=TOOLS)
    wanted = [[WEATHER]] if name in ONE_CALL else [[WEATHER], [WEATHER, TIME], [TIME, TIME, WEATHER]]
    for calls in wanted:
        answer = prompt.parse(as_in_training(name, *calls))
        assert (answer.text.strip(), answer.thinking.strip(), calls_in(answer)) == ("", "", calls)
        ids = [call.id for call in answer.tool_calls]
        assert len(set(ids)) == len(calls)
        assert all(ids)


def test_the_lists_of_other_templates_are_right() -> None:
    assert set(OTHERWISE) | set(ONE_CALL) <= set(WITH_TOOLS)
    assert not set(OTHERWISE) & set(ONE_CALL)
    for name in (name for name, why in OTHERWISE.items() if why == THINKS):
        whole = rendered(name, [QUESTION, calling(WEATHER)], add_generation_prompt=False)
        assert not whole.startswith(rendered(name, [QUESTION]))


families = pytest.mark.parametrize(("name", "answer", "parts"), FAMILIES.values(), ids=FAMILIES)


def test_what_llama_cpp_does_not_read_is_an_error(apply: Apply) -> None:
    for name in ("Mistral-Small-3.2-24B-Instruct-2506", "upstage-Solar-Open-100B"):
        with pytest.raises(ReplyError):
            apply(name, [QUESTION], tools=TOOLS).parse(as_in_training(name, WEATHER))
    for name in ("MiniMax-M1", "meetkai-functionary-medium-v3.2"):
        with pytest.raises(ReplyError):
            apply(name, [QUESTION], tools=TOOLS).parse(as_in_training(name, WEATHER, TIME))


@families
def test_a_family_is_understood(apply: Apply, name: str, answer: str, parts: Any) -> None:
    read = apply(name, [QUESTION], tools=TOOLS).parse(answer)
    assert (read.text.strip(), read.thinking.strip(), calls_in(read)) == parts


@families
def test_an_answer_that_is_being_written_only_grows(apply: Apply, name: str, answer: str, parts: Any) -> None:
    """Upstream may take back the blanks at the end of a text, and the marks of what comes next."""
    prompt = apply(name, [QUESTION], tools=TOOLS)
    whole = prompt.parse(answer)
    seen = 0
    for length in range(len(answer) + 1):
        read = prompt.parse(answer[:length], partial=True)
        assert whole.thinking.strip().startswith(read.thinking.strip())
        assert whole.text.strip().startswith(read.text.strip())
        assert len(read.tool_calls) >= seen
        seen = len(read.tool_calls)
        for call, final in zip(read.tool_calls, whole.tool_calls, strict=False):
            assert call.name == final.name
            assert call.id == final.id or name.startswith("mistralai")  # it writes the id last
            assert final.arguments_json.replace(" ", "").startswith(call.arguments_json.replace(" ", "").rstrip("}"))
    assert prompt.parse(answer, partial=True) == whole


@pytest.mark.parametrize("name", [*sorted({name for name, *_ in FAMILIES.values()} - {"openai-gpt-oss-120b"})])
def test_plain_text_is_the_answer(apply: Apply, name: str) -> None:
    prompt = apply(name, [QUESTION], tools=TOOLS)
    braces = "" if name.startswith("meta-llama") else "{20}"  # which are the beginning of a call there
    text = f"It is <b>warm</b>: {braces} degrees."
    end = {"deepseek-ai-DeepSeek-V3.2": "</think>", "llama-cpp-deepseek-r1": "</think>", "Qwen-QwQ-32B": "</think>"}
    assert prompt.parse(end.get(name, "") + text) == ChatAnswer(text=text)


def test_channels_of_gpt_oss_are_told_apart(apply: Apply) -> None:
    prompt = apply("openai-gpt-oss-120b", [QUESTION])
    answer = "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Warm."
    assert prompt.parse(answer) == ChatAnswer(text="Warm.", thinking="Hm.")


def test_calls_are_text_if_none_is_possible(apply: Apply) -> None:
    answer = '<tool_call>\n{"name": "get_time", "arguments": {"zone": "CET"}}\n</tool_call>'
    for options in ({}, {"tools": TOOLS, "tool_choice": "none"}):
        assert apply("Qwen-Qwen3-0.6B", [QUESTION], **options).parse(answer) == ChatAnswer(text=answer)


def test_ids_that_a_model_writes_are_kept_and_others_are_made(apply: Apply) -> None:
    _, mistral, _ = FAMILIES["Mistral"]
    prompt = apply("mistralai-Mistral-Nemo-Instruct-2407", [QUESTION], tools=TOOLS)
    assert [call.id for call in prompt.parse(mistral).tool_calls] == ["123456789", "987654321"]
    _, hermes, _ = FAMILIES["Hermes"]
    name = "NousResearch-Hermes-3-Llama-3.1-8B-tool_use"
    made = [
        call.id
        for messages in ([QUESTION], [QUESTION, QUESTION])
        for call in apply(name, messages, tools=TOOLS).parse(hermes).tool_calls
    ]
    assert len(set(made)) == 4  # also between the turns of a conversation
    assert all(len(each) == 9 and each.isalnum() for each in made)  # as Mistral's templates want them


def test_an_answer_becomes_a_message(apply: Apply) -> None:
    for name in ("Qwen-Qwen3-0.6B", "mistralai-Mistral-Nemo-Instruct-2407"):
        prompt = apply(name, [QUESTION], tools=TOOLS)
        answer = prompt.parse(as_in_training(name, WEATHER, TIME))
        again = apply(name, [QUESTION, answer.to_openai()], tools=TOOLS, add_generation_prompt=False)
        calls = [each["function"] for each in answer.to_openai()["tool_calls"]]
        assert [(each["name"], json.loads(each["arguments"])) for each in calls] == [WEATHER, TIME]
        assert again.text.startswith(prompt.text)
        assert prompt.parse(again.text[len(prompt.text) :].rstrip().removesuffix("<|im_end|>")) == answer
    assert ChatAnswer(text="Hi", thinking="Hm").to_openai() == {
        "role": "assistant",
        "content": "Hi",
        "reasoning_content": "Hm",
    }


def test_a_cut_off_call_is_an_error_unless_it_is_expected(apply: Apply) -> None:
    prompt = apply("Qwen-Qwen3-0.6B", [QUESTION], tools=TOOLS)
    cut = '<tool_call>\n{"name": "get_weather", "arguments": {"city"'
    for text in (cut + ": nonsense}}\n</tool_call>", '<tool_call>\n{"name": "other", "arguments": {}}\n</tool_call>'):
        with pytest.raises(
            ReplyError, match=r"^The answer does not have the format of the chat template\.\n"
        ) as caught:
            prompt.parse(text)
        assert caught.value.text == text
    (call,) = prompt.parse(cut, partial=True).tool_calls
    with pytest.raises(ReplyError, match="The arguments of the call of get_weather cannot be read"):
        _ = call.arguments


def test_deeply_nested_arguments_are_read(apply: Apply) -> None:
    prompt = apply("Qwen-Qwen3-0.6B", [QUESTION], tools=TOOLS)
    for depth in (400, 50_000):
        value = "[" * depth + "]" * depth
        text = f'<tool_call>\n{{"name": "get_time", "arguments": {{"zone": {value}}}}}\n</tool_call>'
        (call,) = prompt.parse(text).tool_calls
        assert value in call.arguments_json
    with pytest.raises(InputError, match="the text has 60001 opening brackets, which are too many"):
        prompt.parse("[" * 60_001)


@pytest.mark.parametrize("answer", [b"Hi", None, ["Hi"]], ids=repr)
def test_an_answer_must_be_text(apply: Apply, answer: Any) -> None:
    prompt = apply("Qwen-Qwen3-0.6B", [QUESTION])
    with pytest.raises(InputError, match="An answer must be a str"):
        prompt.parse(answer)


def test_odd_text_is_kept_or_refused(apply: Apply) -> None:
    prompt = apply("Qwen-Qwen3-0.6B", [QUESTION], tools=TOOLS)
    assert prompt.parse("a\0b \N{GRINNING FACE}").text == "a\0b \N{GRINNING FACE}"
    assert prompt.parse("") == ChatAnswer(text="")
    with pytest.raises(InputError, match="half of a surrogate pair"):
        prompt.parse("a\ud800")
    with pytest.raises(InputError, match="partial must be True or False, not 1"):
        prompt.parse("a", partial=1)  # type: ignore[arg-type]  # what a caller may do
