"""Text and embeddings from a model, at the pace of llama.cpp.

generation   From a prompt to a stream of text.
text_stream  Turn a stream of bytes into text that can be shown: whole characters only, and nothing of a stop string.
logprobs     From logits to the logarithms of probabilities.
embeddings   Embeddings of texts, one row each.
"""

from __future__ import annotations

from llamapack.generation.embeddings import embed
from llamapack.generation.generation import Generation, generate

__all__ = ["Generation", "embed", "generate"]
