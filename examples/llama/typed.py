"""Get objects instead of text, and ask many things at once: python examples/llama/typed.py MODEL."""

import sys
from dataclasses import dataclass
from typing import Literal

from llamapack import Llama


@dataclass
class Book:
    """What the model is to return."""

    title: str
    year: int


Mood = Literal["happy", "sad"]
texts = ["I won the lottery!", "My cat has died.", "The sun is shining."]

with Llama(sys.argv[1], ctx_size=4096, parallel=4) as llm:
    book = llm("Name a classic of science fiction, with title and year.", returns=Book, temperature=0).value
    print(type(book.title).__name__, type(book.year).__name__)

    prompts = (f"Is this happy or sad? {text}" for text in texts)
    for reply in llm.map(prompts, returns=Mood, temperature=0):
        print(texts[reply.index], reply.value)
