"""A model that writes given texts, whatever the prompt is: each token says which one is next.

The texts are cut into pieces that are all different, and each piece is a token. No prompt has such tokens: merges make
none of them. Behind a prompt all tokens are equally likely, so that a bias decides which text is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import gguf
import numpy as np

from tests.support.gguf.files import MERGES, byte_tokens

WIDTH = 256
HEAD = 32  # attention adds nothing, and prompts are long
END = "<|im_end|>"
_CONTEXT = 1 << 15
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
    plain = ["<|endoftext|>", "<|im_start|>", END, *letters, *(merge.replace(" ", "") for merge in MERGES)]
    return _write(path, script, plain, ["".join(letters[byte] for byte in piece) for piece in script.pieces])


def _write(path: Path, script: Script, plain: list[str], pieces: list[str]) -> Mapping[str, Mapping[int, float]]:
    first = len(plain)
    count = first + len(pieces)
    random = np.random.default_rng(1)
    embedding = random.choice(np.array([-1, 1], dtype=np.float32), (count, WIDTH))
    embedding[:, 0] = 0
    embedding[:first] = np.eye(1, WIDTH)  # what a prompt consists of says nothing of what is next
    output = np.zeros((count, WIDTH), dtype=np.float32)
    for piece in range(len(pieces)):
        following = script.followers.get(piece)
        output[plain.index(END) if following is None else first + following] += embedding[first + piece]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(_CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(1)
    writer.add_key_length(HEAD)
    writer.add_value_length(HEAD)
    writer.add_rope_dimension_count(HEAD)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(count)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([*plain, *pieces])
    writer.add_token_types([3] * 3 + [1] * (count - 3))
    writer.add_token_merges(list(MERGES))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(plain.index(END))
    writer.add_add_bos_token(False)
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output.weight", output * np.float32(_SURE))
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, dtype=np.float32))
    for name, rows, columns in (
        *((f"attn_{each}", HEAD, WIDTH) for each in "qkv"),
        ("attn_output", WIDTH, HEAD),
        *(("ffn_gate", 32, WIDTH), ("ffn_up", 32, WIDTH), ("ffn_down", WIDTH, 32)),
    ):
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros((rows, columns), dtype=np.float32))
    for name in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{name}.weight", np.ones(WIDTH, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    # far less than what the script says, and far more than what a prompt says: nothing
    return {text: {first + piece: 100.0} for text, piece in script.begin.items()}
