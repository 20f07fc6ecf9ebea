"""Quantize a model: store its weights in fewer bits."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from llamapack import gguf
from llamapack._native import _generated as api
from llamapack._native.callbacks import GuardedCallback
from llamapack._native.calls import end_if_exiting, exiting, running
from llamapack._native.library import encode_path, native, take_text
from llamapack._native.log import captured_errors
from llamapack._util.atomic_files import new_files, replaceable
from llamapack.context.options import check_threads
from llamapack.errors import CancelledError, InputError, LlamapackError, ModelError, ModelFormatError
from llamapack.imatrix import Imatrix, read_imatrix
from llamapack.threads import default_threads

Progress = Callable[[int, int, str], "bool | None"]

_ALIASES = {"Q3_K": "Q3_K_M", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M"}
_COPY = "COPY"
_UNSUPPORTED = ("GUESSED", "NVFP4")  # llama.cpp reads them, but does not write them
_ALIGNMENT = 32
_TEXT_BYTES = 127  # of a metadata override


@dataclass(frozen=True, kw_only=True)
class Quantized:
    """The result of `quantize`: the files, and their size in bytes before and after."""

    paths: tuple[Path, ...]
    size_before: int
    size: int


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """The checked arguments, with the arrays that C reads: they live as long as this object."""

    source: gguf.Gguf
    params: api.llama_model_quantize_params
    keep: tuple[object, ...]


def quantization_types() -> tuple[str, ...]:
    """Return the types that `quantize` accepts. `COPY` only copies; `Q4_K` and the like stand for their _M variant."""
    return (*_ftypes(), _COPY, *_ALIASES)


def quantize(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    type: str,
    *,
    imatrix: str | os.PathLike[str] | Imatrix | None = None,
    tensor_types: Mapping[str, str] | None = None,
    output_type: str | None = None,
    embedding_type: str | None = None,
    quantize_output: bool = True,
    pure: bool = False,
    allow_requantize: bool = False,
    keep_split: bool = False,
    overwrite: bool = False,
    n_threads: int | None = None,
    progress: Progress | None = None,
) -> Quantized:
    """Write the model `source` to `target` with its weights stored as `type`, such as `Q4_K_M`.

    `imatrix` is an importance matrix or its file; types of about two bits need one. `tensor_types` gives tensors whose
    names match a regular expression another type, such as `{"ffn_down": "Q6_K"}`; `output_type` and `embedding_type` do
    the same for the output and the token embeddings, and `quantize_output=False` leaves the output as it is. `pure`
    stores all tensors in the same type instead of the mixture that `type` stands for. `allow_requantize` accepts
    weights that are quantized already, which loses quality twice. `keep_split` writes as many files as the source has.
    `progress` is called before each tensor with its number from 1, the number of tensors, and its name; if it returns
    False, the work stops.

    The target appears only when it is complete, and stays unchanged if anything fails.

    Raises InputError for wrong arguments, ModelError or a subclass if the model cannot be read or written, and
    CancelledError if `progress` stopped the work.
    """
    plan = _plan(
        Path(source),
        type,
        imatrix=imatrix,
        tensor_types=tensor_types or {},
        output_type=output_type,
        embedding_type=embedding_type,
        n_threads=n_threads if n_threads is not None else default_threads().count,
    )
    params = plan.params
    params.quantize_output_tensor = quantize_output
    params.pure = pure
    params.allow_requantize = allow_requantize
    params.keep_split = keep_split and len(plan.source.paths) > 1
    goals = _goals(plan.source, Path(target), split=bool(params.keep_split), overwrite=overwrite)
    with _writing(Path(target)), new_files(goals) as written:
        prefix = written[0].with_name(Path(target).stem) if params.keep_split else written[0]
        _run(plan.source.paths[0], prefix, params, progress)
        _check_written(written, Path(target))
    return Quantized(paths=goals, size_before=plan.source.file_size, size=sum(goal.stat().st_size for goal in goals))


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelError(
            f"{target} cannot be written.", why=str(error), fix="Check the folder and the disk."
        ) from error


def _plan(
    source: Path,
    type: str,
    *,
    imatrix: str | os.PathLike[str] | Imatrix | None,
    tensor_types: Mapping[str, str],
    output_type: str | None,
    embedding_type: str | None,
    n_threads: int,
) -> _Plan:
    params = native().llama_model_quantize_default_params()
    params.nthread = check_threads("n_threads", n_threads)
    name = type.upper()
    params.only_copy = name == _COPY
    params.ftype = api.llama_ftype.ALL_F32 if params.only_copy else _ftype(name)
    if output_type is not None:
        params.output_tensor_type = _tensor_type(output_type)
    if embedding_type is not None:
        params.token_embedding_type = _tensor_type(embedding_type)
    found = gguf.check(source)
    matrix = read_imatrix(Path(imatrix)) if isinstance(imatrix, (str, os.PathLike)) else imatrix
    overrides = _metadata_overrides(found, matrix)
    kinds = _tensor_overrides(tensor_types)
    params.kv_overrides = overrides
    params.tt_overrides = kinds
    keep: tuple[object, ...] = (overrides, kinds)
    if matrix is not None:
        data, arrays = _imatrix_data(matrix)
        params.imatrix = data
        keep += (data, arrays)
    return _Plan(source=found, params=params, keep=keep)


def _ftypes() -> dict[str, int]:
    names = {kind.name.removeprefix("MOSTLY_").removeprefix("ALL_"): kind.value for kind in api.llama_ftype}
    return {name: value for name, value in names.items() if name not in _UNSUPPORTED}


def _ftype(name: str) -> int:
    known = _ftypes()
    name = _ALIASES.get(name, name)
    if name not in known:
        raise InputError(f"There is no quantization {name!r}.", why=f"Known types: {', '.join(quantization_types())}.")
    return known[name]


def _tensor_type(name: str) -> int:
    from llamapack.gguf.formats import TENSOR_TYPES

    known = {kind.name: kind.id for kind in TENSOR_TYPES.values()}
    if name.upper() not in known:
        raise InputError(f"There is no tensor type {name!r}.", why=f"Known types: {', '.join(known)}.")
    return known[name.upper()]


def _metadata_overrides(source: gguf.Gguf, matrix: Imatrix | None) -> ctypes.Array[api.llama_model_kv_override]:
    """Return metadata that is true of the result: llama.cpp's alignment, and the importance matrix."""
    numbers: dict[bytes, int] = {}
    texts: dict[bytes, bytes] = {}
    if source.alignment != _ALIGNMENT:
        numbers[b"general.alignment"] = _ALIGNMENT
    if matrix is not None:
        texts[b"quantize.imatrix.file"] = os.fsencode(matrix.path.name)[:_TEXT_BYTES]
        numbers[b"quantize.imatrix.entries_count"] = len(matrix.entries)
    overrides = (api.llama_model_kv_override * (len(numbers) + len(texts) + 1))()  # an empty entry ends the array
    for override, (key, number) in zip(overrides, numbers.items(), strict=False):
        override.tag, override.key, override.val_i64 = api.llama_model_kv_override_type.INT, key, number
    for override, (key, text) in zip(overrides[len(numbers) :], texts.items(), strict=False):
        override.tag, override.key, override.val_str = api.llama_model_kv_override_type.STR, key, text
    return overrides


def _tensor_overrides(types: Mapping[str, str]) -> ctypes.Array[api.llama_model_tensor_override]:
    overrides = (api.llama_model_tensor_override * (len(types) + 1))()
    for override, (pattern, name) in zip(overrides, types.items(), strict=False):
        override.pattern = pattern.encode()
        override.type = _tensor_type(name)
    return overrides


def _imatrix_data(matrix: Imatrix) -> tuple[ctypes.Array[api.llama_model_imatrix_data], list[object]]:
    import numpy as np

    data = (api.llama_model_imatrix_data * (len(matrix.entries) + 1))()
    arrays: list[object] = []
    for item, (name, values) in zip(data, matrix.entries.items(), strict=False):
        if not np.isfinite(values).all():
            raise InputError(f"The importance matrix {matrix.path} has numbers for {name} that are not finite.")
        array = np.ascontiguousarray(values, np.float32)
        arrays.append(array)
        item.name = name.encode("utf-8", "surrogateescape")
        item.data = ctypes.cast(array.ctypes.data, api.c_float_p)
        item.size = array.size
    return data, arrays


def _goals(source: gguf.Gguf, target: Path, *, split: bool, overwrite: bool) -> tuple[Path, ...]:
    """Return the paths to write; raises InputError if that would destroy an existing file."""
    count = len(source.paths)
    goals: tuple[Path, ...] = (replaceable(target),)
    if split:
        names = (target.with_name(f"{target.stem}-{each + 1:05d}-of-{count:05d}.gguf") for each in range(count))
        goals = tuple(map(replaceable, names))
    for goal in goals:
        if not goal.parent.is_dir():
            raise InputError(f"There is no folder {goal.parent}.", fix="Make it, or check the path.")
        if not goal.exists():
            continue
        if any(goal.samefile(path) for path in source.paths):
            raise InputError(f"{goal} is the model itself.", fix="Name another file for the result.")
        if not overwrite:
            raise InputError(f"{goal} exists already.", fix="Name another file, or allow to overwrite it.")
    return goals


def _run(source: Path, target: Path, params: api.llama_model_quantize_params, progress: Progress | None) -> None:
    stopped_at = ""

    def ask(step: api.llamapack_quantize_step_p) -> bool:
        nonlocal stopped_at
        number, count, name = step.contents.number, step.contents.count, step.contents.name or b""
        if exiting():
            return False
        if progress is None or progress(number, count, name.decode("utf-8", "replace")) is not False:
            return True
        stopped_at = f"tensor {number} of {count}"
        return False

    asking = GuardedCallback(ask, otherwise=False)
    callback = api.llamapack_quantize_callback(asking.answer)
    result, message = ctypes.c_uint32(), api.char_p()
    with captured_errors() as errors, running():
        native().llamapack_model_quantize(
            *(encode_path(source), encode_path(target), ctypes.byref(params), callback),
            *(ctypes.byref(result), ctypes.byref(message)),
        )
    errors += take_text(message).splitlines()
    end_if_exiting()
    asking.raise_error()
    if stopped_at:
        raise CancelledError(f"Quantizing was stopped by the progress callback at {stopped_at}.")
    if result.value != 0:
        raise _failure(source, errors)


def _failure(source: Path, lines: list[str]) -> LlamapackError:
    why = lines[-1].rpartition("failed to quantize: ")[2].strip() if lines else "llama.cpp gave no reason."
    what = f"The model {source} cannot be quantized."
    if "is disabled" in why:
        return InputError(what, why=why, fix="Start from weights in 16 or 32 bits, or allow to requantize.")
    if "imatrix" in why or "importance matrix" in why:
        return InputError(what, why=why, fix="Give an importance matrix made with this model.")
    if "regular expression" in why or "regex" in why:
        return InputError(what, why=why, fix="Correct the regular expressions of tensor_types.")
    if "basic_ios" in why or "iostream" in why:
        return ModelError(
            f"The quantized model of {source} could not be written.", why=why, fix="Check the space on the disk."
        )
    if "architecture" in why:
        return ModelFormatError(what, why=why)
    return ModelError(what, why=why)


def _check_written(paths: tuple[Path, ...], target: Path) -> None:
    """Check the files that llama.cpp wrote, because it does not notice a full disk."""
    try:
        gguf.read(paths[0])
    except ModelError as error:
        raise ModelError(f"{target} could not be written.", why=error.why, fix="Check the space on the disk.") from None
