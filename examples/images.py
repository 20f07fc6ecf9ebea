"""Ask about an image with the objects that read it: python examples/images.py MODEL PROJECTOR IMAGE."""

import sys
from pathlib import Path

from llamapack import Context, Model, generate
from llamapack.media import Projector

with Model(sys.argv[1]) as model, Projector(model, sys.argv[2]) as projector, Context(model) as context:
    image = projector.read(Path(sys.argv[3]).read_bytes())
    question = projector.tokenize(f"{projector.marker}\nWhat is in this image?", [image])
    for chunk in question:
        print(chunk.kind, chunk.n_tokens)
        if chunk.kind == "image":
            print(projector.encode(chunk).shape)
    answer = "".join(generate(model, question, context=context, temperature=0.0, max_tokens=16))
    print(repr(answer))
