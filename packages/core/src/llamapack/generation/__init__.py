"""Generate text and compute embeddings with a model, as fast as llama.cpp does.

generation   Generate text from a prompt, as a stream of pieces.
prompts      Prompts as tokens: texts, chats, rendered chats, and tokens as they are.
text_stream  Turn tokens' bytes into text that can be shown: whole characters, and no part of a stop string.
logprobs     Compute log probabilities from logits.
embeddings   Compute the embeddings of texts, one row per text.
"""

from __future__ import annotations

from llamapack.generation.embeddings import embed
from llamapack.generation.generation import Generation, generate

__all__ = ["Generation", "embed", "generate"]
