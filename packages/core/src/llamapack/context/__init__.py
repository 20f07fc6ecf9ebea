"""A context: the KV cache and working memory in which a model reads and writes.

handle     The native side of a context: its parts, which are freed in order, and whose turn it is.
context    A context: the KV cache and working memory in which a model reads and writes texts.
options    What a context is made with: checked here, because llama.cpp aborts the process for some of what it does not
batch      A batch: tokens or embeddings, where they go, and which of them shall give an output.
positions  Decide the positions of a batch in a context, and refuse what llama.cpp would refuse or abort on.
memory     What a context remembers of each sequence: the KV cache, or the state of a recurrent model.
outputs    What the last batch gave: logits and embeddings, as numpy arrays.
state      Save what a context remembers, and load it again: into the same context, or another of the same model and sha
adapters   LoRA adapters and control vectors: small changes to a model, put on and taken off while it is loaded.
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
