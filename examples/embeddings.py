"""Compare the meaning of texts: python examples/embeddings.py MODEL."""

import sys

from llamapack import Model, embed

texts = ["The cat sleeps on the sofa.", "A kitten naps on the couch.", "Interest rates rose again."]
with Model(sys.argv[1]) as model:
    rows = embed(model, texts, pooling="mean")
    print(rows.shape)
    print((rows @ rows[0]).round(2))
