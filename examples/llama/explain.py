"""Show what a model runs on, and why: python examples/llama/explain.py MODEL."""

import sys

from llamapack import Llama

with Llama(sys.argv[1], ctx_size=2048, parallel=2, cache_type_k="q8_0") as llm:
    print(llm.explain())
