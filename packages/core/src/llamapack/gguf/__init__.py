"""Read GGUF files without llama.cpp: `llamapack.gguf.read("model.gguf")`.

reading   Look into GGUF files: before llama.cpp does, so that what is wrong can be said plainly, and instead of loading
file      A GGUF file to look into: metadata and tensors, without loading the model.
opening   Open a file, and say plainly why it cannot be opened or is no GGUF file.
window    Read a file here and there, holding a small part of it at a time.
parser    The header of a GGUF file, checked in every field before anyone believes it.
strings   Walk arrays of strings: in libllamapack where there are many and it is there, else in Python, ten times slower
formats   The types of GGUF: of metadata values, and of tensors.
splits    Models in several files: which file is which part, and whether they belong together.
loadable  What llama.cpp takes on trust and would end the process over: looked at before it sees the file.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

from llamapack.gguf.file import Array, Gguf, Metadata, Value
from llamapack.gguf.formats import TensorType, ValueType
from llamapack.gguf.parser import Tensor
from llamapack.gguf.reading import check, read

__all__ = ["Array", "Gguf", "Metadata", "Tensor", "TensorType", "Value", "ValueType", "check", "read"]
