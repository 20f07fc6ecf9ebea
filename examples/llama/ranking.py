"""Order documents by how well they answer a query: python examples/llama/ranking.py RERANKER."""

import sys

from llamapack import Llama

documents = ["Rome is the capital of Italy.", "Paris is the capital of France.", "Cats sleep all day."]

with Llama(sys.argv[1]) as llm:
    for found in llm.rank("capital of France", documents, top=2):
        print(f"{found.score:.2f} {found.document}")
