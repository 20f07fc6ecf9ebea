"""A loaded model, its vocabulary, and where its layers go.

model         A model in memory: weights, vocabulary and metadata.
options       How a model is loaded and where its layers go: checked, and turned into llama.cpp's parameters.
placement     Where the layers of a model go: which devices, how many layers, and in which proportions.
fit           How many layers fit the GPUs: sizes from the GGUF header, free memory as measured, and a reserve.
metadata      A loaded model's metadata: every key and value of the GGUF file that is no array, as text.
vocab         A model's vocabulary: text to tokens and back, exact to the byte.
adapter_file  Adapter files: checked before llama.cpp reads them, because it aborts on what does not fit when it first c
"""

from __future__ import annotations

from llamapack.model.metadata import ModelMetadata
from llamapack.model.model import Model
from llamapack.model.vocab import Vocab

__all__ = ["Model", "ModelMetadata", "Vocab"]
