"""A context: the KV cache and working memory in which a model reads and writes tokens.

options         The parameters of a context, checked here because llama.cpp aborts the process for some values.
native_context  The native objects of a context, which are made together and freed together.
output_rows     Which tokens of the last batch have an output, and its row in llama.cpp's buffers.
handle          A native context and the calls on it, which the other modules here and the sampler use.
batch           A batch: tokens or embeddings, their sequences and positions, and which of them have an output.
positions       Assign positions to a batch, and reject what llama.cpp would reject or abort on.
memory          The contents of a context by sequence: the KV cache, or the state of a recurrent model.
outputs         The outputs of the last batch: logits and embeddings, as numpy arrays.
state           Save the memory of a context, and load it again.
adapters        The LoRA adapters and control vectors that a context uses.
context         The public class that brings all of this together.
"""

from __future__ import annotations

from llamapack.context.adapters import Adapters
from llamapack.context.batch import Batch
from llamapack.context.context import Context
from llamapack.context.memory import Memory
from llamapack.context.outputs import Outputs
from llamapack.context.state import SavedState, State
from llamapack.model.lora import ControlVector, LoraAdapter

__all__ = ["Adapters", "Batch", "Context", "ControlVector", "LoraAdapter", "Memory", "Outputs", "SavedState", "State"]
