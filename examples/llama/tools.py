"""Let a model call a Python function: python examples/llama/tools.py MODEL TEMPLATE."""

import sys
from typing import Literal

from llamapack import Llama
from llamapack.llama import TextEvent, ToolCallEvent, ToolResultEvent


def temperature(city: Literal["Rome", "Oslo"], unit: Literal["C", "F"] = "C") -> float:
    """Measure the temperature.

    Args:
        city: Where.
        unit: Celsius or Fahrenheit.
    """
    return {"Rome": 30.0, "Oslo": 12.5}[city] * (1.8 if unit == "F" else 1) + (32 if unit == "F" else 0)


# Models that were trained to call tools have a template for it in their file; others take one from a file.
with Llama(sys.argv[1], ctx_size=4096, parallel=1, chat_template_file=sys.argv[2]) as llm:
    stream = llm.stream("How warm is it in Rome?", tools=[temperature], max_tokens=100, temperature=0)
    for event in stream.events():
        if isinstance(event, TextEvent):
            print(event.text, end="", flush=True)
        elif isinstance(event, ToolCallEvent):
            print(f"{event.call.name} is called with {event.call.arguments_json}")
        elif isinstance(event, ToolResultEvent):
            print(f"{event.result.call.name} returned {event.result.text}")
    print(f"\n{len(stream.reply.tool_calls)} calls")
