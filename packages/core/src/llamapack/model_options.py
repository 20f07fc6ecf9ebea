"""How a model is loaded and where its layers go: checked, and turned into llama.cpp's parameters."""

from __future__ import annotations

import ctypes
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from llamapack import gguf
from llamapack._native import _generated as api
from llamapack._native.library import native
from llamapack.backends.devices import devices, find_offload_devices, offload_devices
from llamapack.checks import choice, whole
from llamapack.errors import InputError
from llamapack.gguf.loadable import problems
from llamapack.gguf.opening import opened
from llamapack.gguf.parser import Entry

SplitMode = Literal["none", "layer", "row", "tensor"]
LazyMode = Literal["off", "auto", "on"]
Override = bool | int | float | str

MAX_DEVICES = 16
_SPLITS: Mapping[str, int] = {"none": 0, "layer": 1, "row": 2, "tensor": 3}
_LAZY: Mapping[str, int] = {"off": 0, "auto": 1, "on": 2}
_TEXT_BYTES = 127  # of a key or a text in llama_model_kv_override, beside its NUL

logger = logging.getLogger("llamapack")


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """The parameters of loading; Model says what each does."""

    use_mmap: bool | None = None
    use_mlock: bool = False
    use_direct_io: bool = False
    lazy: LazyMode = "auto"
    vocab_only: bool = False
    check_tensors: bool = False
    use_extra_buffers: bool = True
    devices: Sequence[str] | None = None
    n_gpu_layers: int | None = None
    main_gpu: int = 0
    split_mode: SplitMode = "layer"
    tensor_split: Sequence[float] | None = None
    overrides: Mapping[str, Override] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LoadParams:
    """llama.cpp's parameters, and the arrays that they point into."""

    native: api.llama_model_params
    keep: tuple[Any, ...]


def native_params(options: ModelOptions) -> LoadParams:
    """Turn `options` into llama.cpp's parameters; raises InputError for what it would refuse, abort on or ignore."""
    params = native().llama_model_default_params()
    params.load_mode = _load_mode(options)
    params.lazy_mode = choice("lazy", options.lazy, _LAZY)
    params.vocab_only = options.vocab_only
    params.check_tensors = options.check_tensors
    params.use_extra_bufts = options.use_extra_buffers
    keep = (*_place(params, options), _set_overrides(params, options.overrides))
    return LoadParams(native=params, keep=keep)


def check_overrides(overrides: Mapping[str, Override], lines: Sequence[str]) -> None:
    """Refuse overrides that did nothing, going by what llama.cpp logged while it loaded.

    Raises InputError for a wrong type, and for a key that this architecture does not read.
    """
    for key, value in overrides.items():
        spelled = f"'{key}'"
        if any("Using metadata override" in line and spelled in line for line in lines):
            continue
        wrong = [line for line in lines if "Bad metadata override type" in line and spelled in line]
        why = f"llama.cpp expects {wrong[0].rsplit('expected ', 1)[-1].split(' ')[0]}." if wrong else ""
        raise InputError(
            f"The override {key}={value!r} had no effect.",
            why=why or "This model's architecture does not read that key.",
            fix="Correct its type or its name, or leave it out.",
        )


def check_overridden(path: Path, overrides: Mapping[str, Override]) -> None:
    """Refuse overrides that make of a sound file one that llama.cpp could not load without harm: raises InputError."""
    if not overrides:
        return
    found = gguf.read(path)
    entries = dict(found.metadata.entries)
    for key, value in overrides.items():
        entries[key] = _entry(value)
    with opened(path) as window:
        problem = next(problems(entries, found.tensors, window), None)
    if problem:
        raise InputError(f"With these overrides {path} cannot be loaded.", why=problem, fix="Correct them.")


def _entry(value: Override) -> Entry:
    """Return the metadata entry that stands for `value`; llama.cpp cuts numbers to 32 bits."""
    if isinstance(value, bool):
        return Entry(type=gguf.ValueType.BOOL, at=0, value=value)
    if isinstance(value, int):
        return Entry(type=gguf.ValueType.UINT32, at=0, value=value % 2**32)
    if isinstance(value, float):
        return Entry(type=gguf.ValueType.FLOAT32, at=0, value=value)
    return Entry(type=gguf.ValueType.STRING, at=0, value=value.encode("utf-8", "surrogateescape"))


def _load_mode(options: ModelOptions) -> int:
    modes = api.llama_load_mode
    if options.use_direct_io:
        if options.use_mmap or options.use_mlock:
            raise InputError(
                "use_direct_io does not go with use_mmap or use_mlock.",
                why="It reads the file past the system's cache, into memory of its own.",
                fix="Leave one of them out.",
            )
        return modes.DIRECT_IO
    if options.use_mlock:
        return modes.MLOCK if options.use_mmap is False else modes.MMAP_MLOCK
    if options.lazy == "on" and options.use_mmap is False:
        raise InputError(
            'lazy="on" needs the file to be mapped.',
            why="Rows are read when they are wanted, through the mapping.",
            fix="Leave use_mmap=False out.",
        )
    if options.use_mmap is None:
        return modes.AUTO
    return modes.MMAP if options.use_mmap else modes.NONE


def _place(params: api.llama_model_params, options: ModelOptions) -> tuple[Any, ...]:
    """Set the devices, and how the layers are shared among them."""
    count, chosen = _set_devices(params, options)
    params.split_mode = choice("split_mode", options.split_mode, _SPLITS)
    params.main_gpu = _check_main_gpu(options, count)
    if options.split_mode == "tensor" and not count:
        raise InputError('split_mode="tensor" needs a GPU.', why=_have(), fix='Use split_mode="layer".')
    if options.n_gpu_layers is not None:
        layers = whole("n_gpu_layers", options.n_gpu_layers, least=-1)
        if layers > 0 and not count:
            logger.warning("n_gpu_layers=%d has no effect: there is no GPU. %s", layers, _have())
        params.n_gpu_layers = layers
    return chosen, _set_tensor_split(params, options.tensor_split, count)


def _set_devices(params: api.llama_model_params, options: ModelOptions) -> tuple[int, Any]:
    if options.devices is None:
        return len(offload_devices()), None
    if isinstance(options.devices, str):
        raise InputError(f"devices must be a list of names, not {options.devices!r}.", fix="Put it in a list.")
    found = find_offload_devices(list(options.devices))
    array = (api.ggml_backend_device_p * (len(found) + 1))(*found)
    params.devices = array
    return len(found), array


def _check_main_gpu(options: ModelOptions, count: int) -> int:
    index = whole("main_gpu", options.main_gpu, least=0)
    if index >= max(count, 1):
        raise InputError(f"There is no GPU {index}: {count} can be used.", why=_have(), fix="Leave main_gpu out.")
    return index


def _set_tensor_split(params: api.llama_model_params, split: Sequence[float] | None, count: int) -> Any:
    if split is None:
        return None
    if len(split) > max(count, 1) or not all(math.isfinite(part) and part >= 0 for part in split) or not any(split):
        raise InputError(
            f"tensor_split must have a number of 0 or more for each of {count} GPUs, not {list(split)!r}.",
            why=_have(),
            fix="Leave it out: llama.cpp goes by the free memory then.",
        )
    array = (ctypes.c_float * MAX_DEVICES)(*split)
    params.tensor_split = array
    return array


def _have() -> str:
    return f"This process has: {', '.join(f'{device.name} ({device.kind})' for device in devices())}."


def _set_overrides(params: api.llama_model_params, overrides: Mapping[str, Override]) -> Any:
    if not overrides:
        return None
    array = (api.llama_model_kv_override * (len(overrides) + 1))()
    for entry, (key, value) in zip(array, overrides.items(), strict=False):  # the last entry ends the list
        entry.key = _short_text(key, "The key of an override")
        _set_value(entry, key, value)
    params.kv_overrides = array
    return array


def _set_value(entry: api.llama_model_kv_override, key: str, value: Override) -> None:
    kinds = api.llama_model_kv_override_type
    if isinstance(value, bool):
        entry.tag, entry.val_bool = kinds.BOOL, value
    elif isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise InputError(f"The override {key}={value} does not fit 64 bits.")
        entry.tag, entry.val_i64 = kinds.INT, value
    elif isinstance(value, float):
        entry.tag, entry.val_f64 = kinds.FLOAT, value
    elif isinstance(value, str):
        entry.tag, entry.val_str = kinds.STR, _short_text(value, f"The override of {key}")
    else:
        raise InputError(f"The override {key}={value!r} is no bool, int, float or str.")


def _short_text(text: str, what: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    if not data or len(data) > _TEXT_BYTES or b"\0" in data:
        raise InputError(f"{what} must have 1 to {_TEXT_BYTES} bytes and no NUL, but is {text!r}.")
    return data
