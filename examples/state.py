"""Save the state of a context, and load it into another: python examples/state.py MODEL."""

import sys
import tempfile
from pathlib import Path

from llamapack import Context, Model, Sampler

with Model(sys.argv[1]) as model, tempfile.TemporaryDirectory() as folder:
    file = Path(folder, "read.state")
    tokens = model.vocab.tokenize("One, two, three,")
    with Context(model, n_ctx=256) as context:
        context.decode(tokens[:-1])
        context.state.save(file, tokens=tokens[:-1])

    with Context(model, n_ctx=256) as context, Sampler.greedy() as sampler:
        saved = context.state.load(file)
        print(f"{len(saved.tokens)} tokens are back")
        context.decode(tokens[-1:])
        print(model.vocab.piece(sampler.sample(context)).decode())
