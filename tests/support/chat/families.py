"""Answers as models of several families write them, with what is in them: text, thinking and calls."""

from __future__ import annotations

from typing import Any, TypeAlias

Call: TypeAlias = "tuple[str, dict[str, Any]]"

WEATHER: Call = ("get_weather", {"city": "Paris", "days": 2})
TIME: Call = ("get_time", {"zone": "CET"})


def wide(text: str) -> str:
    """Return a text with the bars of DeepSeek's marks."""
    return text.replace("|", "\N{FULLWIDTH VERTICAL LINE}")


FAMILIES: dict[str, tuple[str, str, tuple[str, str, list[Call]]]] = {
    "Hermes": (
        "NousResearch-Hermes-3-Llama-3.1-8B-tool_use",
        'I will look.\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}}\n</tool_call>\n'
        '<tool_call>\n{"name": "get_time", "arguments": {"zone": "CET"}}\n</tool_call>',
        ("I will look.", "", [WEATHER, TIME]),
    ),
    "Qwen 3": (
        "Qwen-Qwen3-0.6B",
        "<think>\nA <tool_call> is needed.\n</think>\n\n"
        '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}}\n</tool_call>',
        ("", "A <tool_call> is needed.", [WEATHER]),
    ),
    "Qwen 3 Coder": (
        "Qwen3-Coder",
        "First:\n<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n<parameter=days>\n2\n"
        "</parameter>\n</function>\n</tool_call>",
        ("First:", "", [WEATHER]),
    ),
    "QwQ, which begins with thinking": (
        "Qwen-QwQ-32B",
        'Let me see.\n</think>\n\n<tool_call>\n{"name": "get_time", "arguments": {"zone": "CET"}}\n</tool_call>',
        ("", "Let me see.", [TIME]),
    ),
    "Llama 3": (
        "meta-llama-Llama-3.2-3B-Instruct",
        '{"name": "get_weather", "parameters": {"city": "Paris", "days": 2}}',
        ("", "", [WEATHER]),
    ),
    "Mistral": (
        "mistralai-Mistral-Nemo-Instruct-2407",
        '[TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}, "id": "123456789"},'
        ' {"name": "get_time", "arguments": {"zone": "CET"}, "id": "987654321"}]',
        ("", "", [WEATHER, TIME]),
    ),
    "Ministral": (
        "mistralai-Ministral-3-14B-Reasoning-2512",
        '[THINK]Where?[/THINK]In Paris.[TOOL_CALLS]get_weather[ARGS]{"city": "Paris", "days": 2}',
        ("In Paris.", "Where?", [WEATHER]),
    ),
    "DeepSeek R1": (
        "llama-cpp-deepseek-r1",
        wide(
            "Hm.\n</think>\n\n<|tool▁calls▁begin|><|tool▁call▁begin|>function<|tool▁sep|>get_time\n"
            '```json\n{"zone": "CET"}\n```<|tool▁call▁end|><|tool▁calls▁end|>'
        ),
        ("", "Hm.", [TIME]),
    ),
    "DeepSeek 3.2": (
        "deepseek-ai-DeepSeek-V3.2",
        wide(
            'Hm.</think>\n\n<|DSML|function_calls>\n<|DSML|invoke name="get_weather">\n'
            '<|DSML|parameter name="city" string="true">Paris</|DSML|parameter>\n'
            '<|DSML|parameter name="days" string="false">2</|DSML|parameter>\n'
            "</|DSML|invoke>\n</|DSML|function_calls>"
        ),
        ("", "Hm.", [WEATHER]),
    ),
    "GPT-OSS": (
        "openai-gpt-oss-120b",
        "<|channel|>analysis<|message|>The weather.<|end|><|start|>assistant<|channel|>commentary"
        ' to=functions.get_weather <|constrain|>json<|message|>{"city": "Paris", "days": 2}',
        ("", "The weather.", [WEATHER]),
    ),
    "Kimi": (
        "moonshotai-Kimi-K2",
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_time:0<|tool_call_argument_begin|>"
        '{"zone": "CET"}<|tool_call_end|><|tool_calls_section_end|>',
        ("", "", [TIME]),
    ),
    "Granite": (
        "ibm-granite-granite-4.0",
        '<tool_call>\n{"name": "get_time", "arguments": {"zone": "CET"}}\n</tool_call>',
        ("", "", [TIME]),
    ),
}
