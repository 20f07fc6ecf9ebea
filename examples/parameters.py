"""Ask for an answer that follows a JSON schema, with log probabilities: python examples/parameters.py MODEL."""

import json
import sys

from llamapack import Model, generate

schema = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 20}, "large": {"type": "boolean"}},
    "required": ["city", "large"],
}

with Model(sys.argv[1]) as model:
    answer = generate(model, "Name a city.", chat=True, max_tokens=60, temperature=0, json_schema=schema, logprobs=2)
    print(json.loads("".join(answer)).keys())
    first = answer.logprobs[0]
    print(f"{first.logprob:.2f}, of the likeliest: {[round(value, 2) for value in first.top.values()]}")
