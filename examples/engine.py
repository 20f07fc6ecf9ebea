"""Use llama.cpp's server in this process, for one stream and many texts: python examples/engine.py MODEL."""

import asyncio
import sys

from llamapack.engine import Engine


def stream(engine: Engine) -> None:
    """Print an answer piece by piece."""
    chat = {"messages": [{"role": "user", "content": "Name a colour."}], "max_tokens": 16, "stream": True}
    with engine.request("POST", "/v1/chat/completions", chat) as answer:
        for event in answer.events():
            print(event.json()["choices"][0]["delta"].get("content") or "", end="", flush=True)
    print()


async def complete(engine: Engine, prompt: str) -> str:
    """Return the text that continues a prompt."""
    async with await engine.request_async("POST", "/completion", {"prompt": prompt, "n_predict": 4}) as answer:
        return str((await answer.json())["content"])


async def complete_all(engine: Engine) -> None:
    """Let the engine work on eight prompts, four at a time."""
    texts = await asyncio.gather(*(complete(engine, f"{number} and one are") for number in range(8)))
    print(f"{len(texts)} texts")


with Engine(sys.argv[1], ctx_size=2048, parallel=4) as engine:
    stream(engine)
    asyncio.run(complete_all(engine))
