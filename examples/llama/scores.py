"""Measure how likely answers are, and complete a text without a chat: python examples/llama/scores.py MODEL."""

import sys

from llamapack import Llama

with Llama(sys.argv[1], ctx_size=1024) as llm:
    for score in llm.score("The capital of France is", [" Paris", " Rome"], chat=False):
        print(f"{score.answer}: {score.logprob:.1f}")
    print(llm.complete("The capital of France is", max_tokens=1, temperature=0))
    print(llm.tokenize("Hello world"))
