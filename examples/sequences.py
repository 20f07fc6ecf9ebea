"""Process a prompt once, and continue it in two ways: python examples/sequences.py MODEL."""

import sys

from llamapack import Batch, Context, Model, Sampler

with Model(sys.argv[1]) as model, Context(model, n_ctx=512, n_seq_max=2, kv_unified=True) as context:
    vocab = model.vocab
    context.decode(vocab.tokenize("The weather report for tomorrow:"))
    context.memory.copy(0, 1)

    batch = Batch()
    sunny = batch.add(vocab.tokenize(" a sunny morning and", add_special=False), sequence=0)
    rainy = batch.add(vocab.tokenize(" a rainy morning and", add_special=False), sequence=1)
    context.decode(batch)

    with Sampler.greedy() as sampler:
        for indices in (sunny, rainy):
            print(vocab.piece(sampler.sample(context, indices[-1])).decode())
    print(context.memory.bounds(0), context.memory.bounds(1))
