"""Read GGUF files without llama.cpp.

    gguf = llamapack.gguf.read("model.gguf")
    gguf.metadata["general.architecture"], gguf.tensors["token_embd.weight"].shape

reading        Read GGUF files, and check a model before llama.cpp loads it.
file           A GGUF file: metadata and tensors, without loading the model.
opening        Open a file; raise an error with the reason if it cannot be opened or is not a GGUF file.
window         Read parts of a file, with only a small part in memory.
parser         Parse the header of a GGUF file, and check each of its fields.
strings        Walk over arrays of strings: fast in libllamapack if it is available, else in Python.
formats        The types of GGUF: of metadata values, and of tensors.
splits         Models in several files: which file is which part, and whether they belong together.
loadable       Find values in a model that llama.cpp does not check, and that would make it end the process.
architectures  The architectures that this llama.cpp knows.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

from llamapack.gguf.file import Array, Gguf, Metadata, Value
from llamapack.gguf.formats import TensorType, ValueType
from llamapack.gguf.parser import Tensor
from llamapack.gguf.reading import check, read

__all__ = ["Array", "Gguf", "Metadata", "Tensor", "TensorType", "Value", "ValueType", "check", "read"]
