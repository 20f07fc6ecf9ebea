"""A loaded model, its vocabulary, and the devices of its layers.

finding         Find a model's files by path, or by one of the names that `llamapack.hub` knows.
options         The options of loading a model: checked, and converted to llama.cpp's parameters.
fit             How many layers fit on the GPUs: sizes from the GGUF header, measured free memory, and a reserve.
placement       Where the layers of a model go: which devices, how many layers, and in which proportions.
metadata        The metadata of a loaded model, as text by key.
vocab           The vocabulary of a model: text to tokens and back, exact to the byte.
model           A model in memory: weights, vocabulary and metadata.
adapter_file    Check adapter files before llama.cpp reads them: it aborts the process for those that do not fit.
projector_file  What a projector's file says: for which models, what it takes, and how many tokens that becomes.
lora            LoRA adapters and control vectors: small changes to a model, in files of their own.
"""

from __future__ import annotations

from llamapack.model.metadata import ModelMetadata
from llamapack.model.model import Model
from llamapack.model.vocab import Vocab

__all__ = ["Model", "ModelMetadata", "Vocab"]
