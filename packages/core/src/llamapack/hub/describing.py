"""What a model is, by its header: read from the file, or of one that is not downloaded from the hub."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from llamapack import gguf
from llamapack.errors import ModelNotFoundError
from llamapack.gguf.parser import Entry, Tensor
from llamapack.hub import repositories
from llamapack.hub.files import ModelFiles
from llamapack.hub.previewing import text_of
from llamapack.hub.references import HubReference
from llamapack.hub.resolving import asking, meaning, resolve


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a model is; `files` is None if it is not downloaded, and None elsewhere means that its file does not say.

    `size` is of all parts, in bytes. `quantization` is the type of most of its weights. `parameters` of a model in
    several files are known when they are here.
    """

    reference: str
    files: ModelFiles | None
    size: int
    name: str | None
    architecture: str | None
    parameters: int | None
    context: int | None
    quantization: str | None
    license: str | None
    chat_template: bool


def describe(reference: str | os.PathLike[str], *, offline: bool | None = None) -> Description:
    """Return what the model is that `reference` stands for; of one that is not here only the header is downloaded.

    `offline` is that of `resolve`, and so are the errors.
    """
    text = os.fspath(reference)
    try:
        files = resolve(reference, offline=True)
    except ModelNotFoundError:
        meant = meaning(reference)
        if not isinstance(meant, HubReference) or asking(offline) is False:
            raise
        found = repositories.look(meant)
        tensors = found.header.tensors if found.parts == 1 else {}
        return _described(text, None, found.size, found.header.entries, tensors)
    file = gguf.read(files.path)
    return _described(text, files, file.file_size, file.metadata.entries, file.tensors)


def _described(
    reference: str, files: ModelFiles | None, size: int, entries: Mapping[str, Entry], tensors: Mapping[str, Tensor]
) -> Description:
    architecture = text_of(entries, "general.architecture")
    context = entries.get(f"{architecture}.context_length")
    bytes_of = Counter[str]()
    for tensor in tensors.values():
        bytes_of[tensor.type.name] += tensor.size
    return Description(
        reference=reference,
        files=files,
        size=size,
        name=text_of(entries, "general.name"),
        architecture=architecture,
        parameters=sum(tensor.n_elements for tensor in tensors.values()) or None,
        context=context.value if context is not None and isinstance(context.value, int) else None,
        quantization=bytes_of.most_common(1)[0][0] if bytes_of else None,
        license=text_of(entries, "general.license"),
        chat_template="tokenizer.chat_template" in entries,
    )
