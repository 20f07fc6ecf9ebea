"""A model that writes given texts, whatever the prompt is: each token says which one is next.

The texts are cut into pieces that are all different, and each piece is a token. No prompt has such tokens: merges make
none of them. Behind a prompt all tokens are equally likely, so that a bias decides which text is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.support.gguf.files import MERGES, SPECIAL, bpe_vocabulary, byte_tokens
from tests.support.reference.made_models import write_model
from tests.support.reference.made_vocabularies import tokens_of
from tests.support.reference.weights import Floats

WIDTH = 256
HEAD = 32  # attention adds nothing, and prompts are long
END = SPECIAL.index("<|im_end|>")
FIRST = len(tokens_of(bpe_vocabulary()))
"""The first token of a text."""
_WORDS = {merge.replace(" ", "").replace("Ġ", " ").encode() for merge in MERGES}
_SURE = 1000.0  # how much likelier the next piece is than others


@dataclass
class Script:
    """Texts as the tokens that a model writes them with; `pieces` begin behind the vocabulary of bytes."""

    pieces: list[bytes] = field(default_factory=list)
    followers: dict[int, int] = field(default_factory=dict)  # from piece to piece
    begin: dict[str, int] = field(default_factory=dict)
    taken: set[bytes] = field(default_factory=lambda: {bytes([byte]) for byte in range(256)} | _WORDS)

    def add(self, text: str) -> None:
        """Cut a text into pieces that nothing else is."""
        if text in self.begin:
            return
        pieces = self._cut(text.encode())
        first = len(self.pieces)
        self.begin[text] = first
        self.followers.update({first + number: first + number + 1 for number in range(len(pieces) - 1)})
        self.pieces += pieces
        self.taken.update(pieces)

    def _cut(self, data: bytes) -> list[bytes]:
        pieces: list[bytes] = []
        at = 0
        while at < len(data):
            length = 2
            while at + length < len(data) and (
                data[at : at + length] in self.taken or data[at : at + length] in pieces
            ):
                length += 1
            pieces.append(data[at : at + length])
            at += length
        while pieces[-1] in self.taken or pieces[-1] in pieces[:-1]:  # the end of other texts, too
            pieces[-2:] = [pieces[-2] + pieces[-1]]
        return pieces


def write_scripted_model(path: Path, texts: Sequence[str]) -> Mapping[str, Mapping[int, float]]:
    """Write a model for texts, and return the bias that makes it write each of them."""
    script = Script()
    for text in texts:
        script.add(text)
    letters = byte_tokens()
    pieces = ["".join(letters[byte] for byte in piece) for piece in script.pieces]
    write_model(
        path,
        "llama",
        n_layer=1,
        vocabulary=bpe_vocabulary(more=pieces),
        weights=_weights(script),
        context_length=1 << 15,
        embedding_length=WIDTH,
        feed_forward_length=WIDTH,
        attention__head_count=1,
        attention__key_length=HEAD,
        attention__value_length=HEAD,
    )
    # far less than what the script says, and far more than what a prompt says: nothing
    return {text: {FIRST + piece: 100.0} for text, piece in script.begin.items()}


def _weights(script: Script) -> dict[str, Floats]:
    count = FIRST + len(script.pieces)
    random = np.random.default_rng(1)
    embedding = random.choice(np.array([-1, 1], dtype=np.float32), (count, WIDTH))
    embedding[:, 0] = 0
    embedding[:FIRST] = np.eye(1, WIDTH)  # what a prompt consists of says nothing of what is next
    output = np.zeros((count, WIDTH), dtype=np.float32)
    for piece in range(len(script.pieces)):
        following = script.followers.get(piece)
        output[END if following is None else FIRST + following] += embedding[FIRST + piece]
    layer = {
        **{f"attn_{each}": np.zeros((HEAD, WIDTH), dtype=np.float32) for each in "qkv"},
        "attn_output": np.zeros((WIDTH, HEAD), dtype=np.float32),
        **{f"ffn_{each}": np.zeros((WIDTH, WIDTH), dtype=np.float32) for each in ("gate", "up", "down")},
        **{f"{each}_norm": np.ones(WIDTH, dtype=np.float32) for each in ("attn", "ffn")},
    }
    return {
        "token_embd.weight": embedding,
        "output.weight": output * np.float32(_SURE),
        "output_norm.weight": np.ones(WIDTH, dtype=np.float32),
        **{f"blk.0.{name}.weight": tensor for name, tensor in layer.items()},
    }
