"""Ask, and read the answer as it is written: python examples/llama/ask.py MODEL."""

import sys

from llamapack import Llama

with Llama(sys.argv[1], ctx_size=2048) as llm:
    reply = llm("Why is the sky blue?", system="Answer in one sentence.", max_tokens=40, temperature=0)
    print(reply)
    print(f"{reply.finish}: {reply.usage.prompt} + {reply.usage.completion} tokens")

    stream = llm.stream("Tell it to a child.", max_tokens=40, temperature=0)
    for piece in stream:
        print(piece, end="", flush=True)
    print(f"\n{stream.reply.finish}")
