"""Generate text with the objects that `generate` uses: python examples/objects.py MODEL."""

import sys

from llamapack import Context, Model, Sampler

with Model(sys.argv[1]) as model, Context(model, n_ctx=512) as context, Sampler.greedy() as sampler:
    vocab = model.vocab
    context.decode(vocab.tokenize("The capital of France is"))
    text = b""
    for _ in range(8):
        token = sampler.sample(context)
        if vocab.is_end(token):
            break
        text += vocab.piece(token)
        context.decode([token])
    print(text.decode("utf-8", "replace"))
