"""Read GGUF files, and check a model before llama.cpp loads it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from llamapack.errors import ModelFormatError
from llamapack.gguf.file import Gguf, Metadata, read_file
from llamapack.gguf.loadable import problems
from llamapack.gguf.opening import DOWNLOAD_AGAIN, begin, damaged, opened
from llamapack.gguf.parser import Header, Tensor, parse
from llamapack.gguf.splits import check_part, part_paths
from llamapack.gguf.window import DamageError


def read(path: str | os.PathLike[str]) -> Gguf:
    """Read the header of the model at `path`, and of its other parts; the weights are not read.

    Raises ModelNotFoundError if a file cannot be opened, and ModelFormatError, with the byte and the reason, if it is
    damaged.
    """
    first = Path(path)
    header, size = read_file(first)
    paths = part_paths(first, header)
    tensors = dict(header.tensors)
    for number, part in enumerate(paths[1:], 1):
        other, more = read_file(part)
        check_part(part, other, number)
        _merge(tensors, other, part, number)
        size += more
    return Gguf(
        paths=paths,
        version=header.version,
        alignment=header.alignment,
        metadata=Metadata(first, header.entries),
        tensors=tensors,
        file_size=size,
    )


def check(path: Path) -> Gguf:
    """Check the model at `path` for everything that would make llama.cpp end the process instead of failing.

    Returns what `read` does.

    Raises ModelNotFoundError and ModelFormatError as `read` does, and ModelFormatError for a valid GGUF file that is
    not a usable model.
    """
    found = read(path)
    with opened(path) as window:
        problem = next(problems(found.metadata.entries, found.tensors, window), None)
    if problem:
        raise ModelFormatError(f"The model {path} cannot be loaded.", why=problem, fix=DOWNLOAD_AGAIN)
    return found


def check_stream(file: BinaryIO, size: int, path: Path) -> Header:
    """Check the beginning of a model that is still on its way, and return its header.

    `file` will have `size` bytes, and is read only as far as the header goes; `path` is what errors call it. A model in
    several files is checked in its first.

    Raises ModelFormatError as `check` does.
    """
    window = begin(file, size, path)
    try:
        header = parse(window)
        problem = next(problems(header.entries, header.tensors, window), None)
    except DamageError as error:
        raise damaged(path, str(error)) from None
    if problem:
        raise ModelFormatError(f"The model {path} cannot be loaded.", why=problem, fix=DOWNLOAD_AGAIN)
    return header


def _merge(tensors: dict[str, Tensor], header: Header, path: Path, number: int) -> None:
    for name, tensor in header.tensors.items():
        if name in tensors:
            raise ModelFormatError(f"The tensor {name!r} of {path} is in an earlier part, too.")
        tensors[name] = replace(tensor, part=number)
