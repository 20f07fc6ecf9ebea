"""Use a LoRA adapter at several strengths: python examples/adapters.py MODEL ADAPTER."""

import sys

from llamapack import Context, LoraAdapter, Model, logprobs

with (
    Model(sys.argv[1]) as model,
    LoraAdapter(model, sys.argv[2]) as adapter,
    Context(model, n_ctx=256) as context,
):
    for scale in (0.0, 0.5, 1.0):
        context.clear()
        context.adapters.set_loras((adapter, scale))
        context.decode(model.vocab.tokenize("The capital of France is"))
        scores = logprobs(context.outputs.logits())
        best = int(scores.argmax())
        print(f"{scale}: {model.vocab.piece(best)!r} {scores[best]:.2f}")
