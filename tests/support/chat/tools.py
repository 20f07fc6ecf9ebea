"""Tools, messages that call them, and the chat templates in llama.cpp's source tree."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from llamapack.chat import ChatPrompt

from tests.support.reference.jinja import render_template
from tools.paths import TRACKING

Apply: TypeAlias = "Callable[..., ChatPrompt]"
"""Renders messages with a template, by name, and options of ChatTemplate.apply."""

FOLDER = TRACKING / "models" / "templates"
NAMES = sorted(path.stem for path in FOLDER.glob("*.jinja"))

SCHEMAS: dict[str, dict[str, Any]] = {
    "get_weather": {
        "type": "object",
        "properties": {
            "city": {"type": "string", "maxLength": 12, "description": "Where."},
            "days": {"type": "integer", "minimum": 1, "maximum": 9, "description": "How long."},
        },
        "required": ["city", "days"],
    },
    "get_time": {
        "type": "object",
        "properties": {"zone": {"type": "string", "enum": ["CET", "UTC"], "description": "Where."}},
        "required": ["zone"],
    },
}
"""The parameters of the tools."""


def described(name: str, description: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }


TOOLS = [
    described("get_weather", "Tell the weather.", SCHEMAS["get_weather"]),
    described("get_time", "Tell the time.", SCHEMAS["get_time"]),
]
QUESTION = {"role": "user", "content": "How is it there?"}


NO_TOOLS = {
    "HuggingFaceTB-SmolLM3-3B",  # it wants them as variables of its own, xml_tools and python_tools
    "deepseek-ai-DeepSeek-R1-Distill-Llama-8B",
    "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B",
    "deepseek-ai-DeepSeek-V3.1",
    "fireworks-ai-llama-3-firefunction-v2",  # it wants them as the variable functions
    "google-gemma-2-2b-it",
    "llama-cpp-rwkv-world",
    "microsoft-Phi-3.5-mini-instruct",
}
"""Templates that pass over tools."""
WITH_TOOLS = [name for name in NAMES if name not in NO_TOOLS]


def template_file(name: str) -> Path:
    return FOLDER / f"{name}.jinja"


def source(name: str) -> str:
    return template_file(name).read_text(encoding="utf-8")


def calling(*calls: tuple[str, dict[str, Any]], content: str = "") -> dict[str, Any]:
    """Return a message that calls tools, with ids of nine characters, as Mistral's templates want them."""
    made = [
        {"id": f"call0000{number}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for number, (name, arguments) in enumerate(calls)
    ]
    return {"role": "assistant", "content": content, "tool_calls": made}


def _with_objects(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message with the arguments of its calls as objects instead of text."""
    if "tool_calls" not in message:
        return message
    functions = [call["function"] for call in message["tool_calls"]]
    made = [{**each, "arguments": json.loads(each["arguments"])} for each in functions]
    calls = [{**call, "function": each} for call, each in zip(message["tool_calls"], made, strict=True)]
    return {**message, "tool_calls": calls}


def result(number: int, name: str, text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": f"call0000{number}", "name": name, "content": text}


def by_jinja(name: str, messages: list[dict[str, Any]], **variables: Any) -> str:
    """Render with TOOLS as for training: with the arguments of calls as text, where the template takes no objects."""
    variables = {"tools": TOOLS, "enable_thinking": True, **variables}
    try:
        return render_template(source(name), [_with_objects(each) for each in messages], **variables)
    except TypeError:
        return render_template(source(name), messages, **variables)
