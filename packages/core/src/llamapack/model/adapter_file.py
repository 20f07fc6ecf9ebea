"""Check adapter files before llama.cpp reads them: it aborts the process for those that do not fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from llamapack import gguf
from llamapack.errors import ModelFormatError

if TYPE_CHECKING:
    from llamapack._native.arrays import Floats

_TYPES = {"general.type": "adapter", "adapter.type": "lora"}
_ALPHA = "adapter.lora.alpha"
_PARTS = (".lora_a", ".lora_b")
_DIRECTION = "direction."


def check_lora(file: gguf.Gguf, model: gguf.Gguf) -> None:
    """Raise ModelFormatError if the file is not a LoRA adapter for the model in another file."""
    problem = next(_problems(file, model), None)
    if problem:
        raise ModelFormatError(
            f"The adapter {file.paths[0]} cannot be used with this model.",
            why=problem,
            fix="Convert an adapter that was trained for this model.",
        )


def _problems(file: gguf.Gguf, model: gguf.Gguf) -> Iterator[str]:
    for key, wanted in _TYPES.items():
        if file.metadata.get(key) != wanted:
            yield f"Its {key} must be {wanted!r}, but is {file.metadata.get(key)!r}."
    architecture = model.metadata["general.architecture"]
    if file.metadata.get("general.architecture") != architecture:
        yield f"It is for {file.metadata.get('general.architecture')!r}, the model is {architecture!r}."
    if _ALPHA in file.metadata and file.metadata.type(_ALPHA) is not gguf.ValueType.FLOAT32:
        yield f"Its {_ALPHA} must be a 32-bit float."
    base = model.tensors
    for name, tensor in file.tensors.items():
        stem = next((name.removesuffix(part) for part in _PARTS if name.endswith(part)), None)
        if stem is None:
            if not name.endswith("_norm.weight"):  # llama.cpp leaves these out
                yield f"The tensor {name!r} belongs to no LoRA."
        elif tensor.type.name not in ("F32", "F16", "BF16"):
            yield f"The tensor {name!r} is of type {tensor.type.name}; it must be F32, F16 or BF16."
        elif name.endswith(".lora_a"):
            yield from _pair_problems(stem, file.tensors, base)
        elif f"{stem}.lora_a" not in file.tensors:
            yield f"{name!r} has no lora_a beside it."


def _pair_problems(stem: str, tensors: Mapping[str, gguf.Tensor], base: Mapping[str, gguf.Tensor]) -> Iterator[str]:
    """Compare the shapes of a pair A and B with the weight that it changes; the first dimension is the width."""
    if f"{stem}.lora_b" not in tensors:
        yield f"'{stem}.lora_a' has no lora_b beside it."
        return
    if stem not in base:
        yield f"The model has no tensor {stem!r}."
        return
    weight, a, b = (_padded(tensor) for tensor in (base[stem], tensors[f"{stem}.lora_a"], tensors[f"{stem}.lora_b"]))
    if stem.endswith("token_embd.weight"):  # an embedding table is read by row: A and B are swapped
        fits = (b[1], a[1]) == weight[:2] and a[0] == b[0]
    else:
        fits = (a[0], b[1]) == weight[:2] and a[1] == b[0]
    if not fits or not (a[2:] == b[2:] == weight[2:]):
        yield f"The tensors of {stem!r} have the shapes {a} and {b}, which do not fit its {weight}."
    elif stem == "token_embd.weight" and "output.weight" not in base:
        # llama.cpp would use A and B for the output, too, where they are not swapped
        yield f"The model's output uses {stem!r}, too, and llama.cpp cannot change one without the other."


def _padded(tensor: gguf.Tensor) -> tuple[int, ...]:
    return (*tensor.shape, 1, 1, 1, 1)[:4]


def read_directions(path: Path) -> dict[int, Floats]:
    """Return the directions of a control vector by layer; raises ModelNotFoundError and ModelFormatError."""
    import numpy as np

    file = gguf.read(path)
    found: dict[int, Floats] = {}
    with path.open("rb") as data:
        for name, tensor in file.tensors.items():
            layer = name.removeprefix(_DIRECTION)
            if not name.startswith(_DIRECTION) or not layer.isdecimal():
                continue
            if tensor.type.name != "F32" or len(tensor.shape) != 1:
                raise ModelFormatError(f"The tensor {name!r} of {path} is not a row of 32-bit floats.")
            data.seek(tensor.offset)
            found[int(layer)] = np.frombuffer(data.read(4 * tensor.shape[0]), dtype="<f4")
    if not found:
        raise ModelFormatError(
            f"{path} holds no control vector.", why="It has no tensor called direction.1 or the like."
        )
    return found
