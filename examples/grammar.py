"""Only allow text that matches a grammar: python examples/grammar.py MODEL."""

import sys

from llamapack import Context, Model, Sampler
from llamapack.grammar import Grammar
from llamapack.sampling import Greedy

yes_or_no = Grammar('root ::= " yes" | " no"')

with Model(sys.argv[1]) as model, Context(model, n_ctx=512) as context:
    vocab = model.vocab
    context.decode(vocab.tokenize("Is the sky blue? Answer:"))
    with Sampler.chain([yes_or_no, Greedy()], vocab=vocab) as sampler:
        text = b""
        while not vocab.is_end(token := sampler.sample(context)):
            text += vocab.piece(token)
            context.decode([token])
    print(text.decode())
