"""Let a model call a Python function, step by step: python examples/calls.py MODEL TEMPLATE."""

import sys
from pathlib import Path
from typing import Any, Literal

from llamapack import ChatTemplate, Model, generate


def temperature(city: Literal["Rome", "Oslo"]) -> float:
    """Measure the temperature.

    Args:
        city: Where.
    """
    return {"Rome": 30.0, "Oslo": 12.5}[city]


messages: list[dict[str, Any]] = [{"role": "user", "content": "How warm is it in Rome?"}]

# Models that were trained to call tools have a template for it in their file: ChatTemplate(model).
with Model(sys.argv[1]) as model, ChatTemplate(model, Path(sys.argv[2]).read_text(encoding="utf-8")) as template:
    prompt = template.apply(messages, tools=[temperature], tool_choice="required")
    answer = prompt.parse("".join(generate(model, prompt, max_tokens=60, temperature=0)), partial=True)
    messages.append(answer.to_openai())
    for call in answer.tool_calls:
        result = temperature(**call.arguments)
        print(f"{call.name} was called with {call.arguments} and returned {result}")
        messages.append({"role": "tool", "tool_call_id": call.id, "name": call.name, "content": str(result)})
    prompt = template.apply(messages, tools=[temperature], tool_choice="none")
    print(prompt.parse("".join(generate(model, prompt, max_tokens=40, temperature=0))).text)
