"""Serve several asyncio tasks with one model: python examples/llama/tasks.py MODEL."""

import asyncio
import sys

from llamapack import Llama


async def main() -> None:
    """Ask two things at once, then stream."""
    with Llama(sys.argv[1], ctx_size=4096, parallel=2) as llm:
        names = ["Rome", "Oslo"]
        replies = await asyncio.gather(*(llm.aio(f"Describe {name}.", max_tokens=20) for name in names))
        print([reply.usage.completion for reply in replies])

        async for piece in llm.aio.stream("Say hello.", max_tokens=10):
            print(piece, end="", flush=True)
        print()


asyncio.run(main())
