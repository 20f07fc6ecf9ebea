"""Answer a question, piece by piece: python examples/answer.py MODEL."""

import sys

import llamapack

with llamapack.Model(sys.argv[1]) as model:
    answer = llamapack.generate(model, "Why is the sky blue?", chat=True, max_tokens=40, temperature=0)
    for piece in answer:
        print(piece, end="", flush=True)
    print()
    print(f"{len(answer.tokens)} tokens, {answer.finish_reason}")
