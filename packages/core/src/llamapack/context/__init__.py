"""A context: the KV cache and working memory in which a model reads and writes.

options         The parameters of a context, checked before llama.cpp sees them: it aborts the process for some values.
native_context  The native objects of a context, which are made together and freed together.
output_rows     Which tokens of the last batch gave an output, and in which row of llama.cpp's buffers it is.
handle          A native context and the calls on it: what the other modules here, and the sampler, are made of.
batch           A batch: tokens or embeddings, their sequences and positions, and which of them give an output.
positions       The positions of a batch in a context; refuses what llama.cpp would refuse or abort on.
memory          What a context remembers of each sequence: the KV cache, or the state of a recurrent model.
outputs         What the last batch gave: logits and embeddings, as numpy arrays.
state           Save what a context remembers, and load it again.
adapters        Which LoRA adapters and control vectors a context uses.
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
