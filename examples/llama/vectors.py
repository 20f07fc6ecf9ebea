"""Find the text that is nearest to another: python examples/llama/vectors.py MODEL."""

import sys

from llamapack import Llama

texts = ["The cat sleeps on the sofa.", "A kitten naps on the couch.", "Interest rates rose again."]

# An embedding model needs no `task`; with it, a model that writes texts embeds them, too.
with Llama(sys.argv[1], task="embed", ctx_size=2048) as llm:
    rows = llm.embed(texts)
    print(rows.shape)
    print((rows @ rows[0]).round(2))
