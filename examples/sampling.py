"""Build a sampler chain from stages: python examples/sampling.py MODEL."""

import sys

from llamapack import Context, Model, Sampler, logprobs
from llamapack.sampling import Dist, Penalties, Temperature, TopK

with Model(sys.argv[1]) as model, Context(model, n_ctx=512) as context:
    context.decode(model.vocab.tokenize("My favourite fruit is the"))

    scores = logprobs(context.outputs.logits())
    for token in scores.argsort()[-3:][::-1]:
        print(f"{scores[token]:6.2f} {model.vocab.piece(int(token))!r}")

    stages = [Penalties(last_n=64, repeat=1.1), TopK(40), Temperature(0.7), Dist()]
    with Sampler.chain(stages, seed=1) as sampler:
        print(model.vocab.piece(sampler.sample(context)))
