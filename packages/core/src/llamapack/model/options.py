"""The options of loading a model and placing its layers: checked, and converted to llama.cpp's parameters."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from llamapack import gguf
from llamapack._native import _generated as api
from llamapack._native.library import native
from llamapack._util.arguments import check_bool, check_choice
from llamapack.errors import InputError
from llamapack.gguf.loadable import problems
from llamapack.gguf.opening import opened
from llamapack.gguf.parser import Entry
from llamapack.model.placement import Offload, OffloadOptions

LazyMode = Literal["off", "auto", "on"]
Override = bool | int | float | str

MAX_DEVICES = 16
_SPLITS: Mapping[str, int] = {"none": 0, "layer": 1, "row": 2, "tensor": 3}
_LAZY: Mapping[str, int] = {"off": 0, "auto": 1, "on": 2}
_TEXT_BYTES = 127  # of a key or a text in llama_model_kv_override, beside its NUL


@dataclass(frozen=True, kw_only=True)
class ModelOptions(OffloadOptions):
    """The options of loading, described in Model."""

    use_mmap: bool | None = None
    use_mlock: bool = False
    use_direct_io: bool = False
    lazy: LazyMode = "auto"
    vocab_only: bool = False
    check_tensors: bool = False
    use_extra_buffers: bool = True
    overrides: Mapping[str, Override] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that flags are bools: a text such as "no" would count as true."""
        for name in ("use_mlock", "use_direct_io", "vocab_only", "check_tensors", "use_extra_buffers", "require_gpu"):
            check_bool(name, getattr(self, name))
        if self.use_mmap is not None:
            check_bool("use_mmap", self.use_mmap)
        for key in self.overrides:
            checked: object = key
            if not isinstance(checked, str):
                raise InputError(f"The keys of overrides must be texts, not {key!r}.")


@dataclass(frozen=True, kw_only=True)
class LoadParams:
    """llama.cpp's parameters, and the arrays that they point into."""

    native: api.llama_model_params
    keep: tuple[Any, ...]


def native_params(options: ModelOptions, offload: Offload) -> LoadParams:
    """Convert `options` to llama.cpp's parameters; raises InputError for what it would reject, abort on or ignore."""
    params = native().llama_model_default_params()
    params.load_mode = _load_mode(options)
    params.lazy_mode = check_choice("lazy", options.lazy, _LAZY)
    params.vocab_only = options.vocab_only
    params.check_tensors = options.check_tensors
    params.use_extra_bufts = options.use_extra_buffers
    keep = (*_place(params, options, offload), _set_overrides(params, options.overrides))
    return LoadParams(native=params, keep=keep)


def check_overrides(overrides: Mapping[str, Override], lines: Sequence[str]) -> None:
    """Raise InputError for overrides without effect, according to what llama.cpp logged while it loaded.

    These are overrides of a wrong type, and of a key that this architecture does not read.
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


def check_overridden(header: gguf.Gguf, overrides: Mapping[str, Override]) -> None:
    """Raise InputError for overrides with which llama.cpp would end the process instead of failing."""
    if not overrides:
        return
    path, entries = header.paths[0], dict(header.metadata.entries)
    for key, value in overrides.items():
        entries[key] = _entry(value)
    with opened(path) as window:
        problem = next(problems(entries, header.tensors, window), None)
    if problem:
        raise InputError(f"With these overrides {path} cannot be loaded.", why=problem, fix="Correct them.")


def _entry(value: Override) -> Entry:
    """Return the metadata entry for `value`; llama.cpp truncates numbers to 32 bits."""
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
                "use_direct_io cannot be combined with use_mmap or use_mlock.",
                why="It reads the file past the system's cache, into memory of its own.",
                fix="Leave one of them out.",
            )
        return modes.DIRECT_IO
    if options.use_mlock:
        return modes.MLOCK if options.use_mmap is False else modes.MMAP_MLOCK
    if options.lazy == "on" and options.use_mmap is False:
        raise InputError(
            'lazy="on" needs the file to be mapped.',
            why="Rows are read on demand, through the mapping.",
            fix="Leave use_mmap=False out.",
        )
    if options.use_mmap is None:
        return modes.AUTO
    return modes.MMAP if options.use_mmap else modes.NONE


def _place(params: api.llama_model_params, options: ModelOptions, offload: Offload) -> tuple[Any, ...]:
    """Set the devices in `params`, and how the layers are distributed over them."""
    params.split_mode = check_choice("split_mode", options.split_mode, _SPLITS)
    params.main_gpu = options.main_gpu
    if offload.n_gpu_layers is not None:
        params.n_gpu_layers = offload.n_gpu_layers
    devices = split = None
    if offload.pointers is not None:
        devices = (api.ggml_backend_device_p * (len(offload.pointers) + 1))(*offload.pointers)
        params.devices = devices
    if offload.tensor_split is not None:
        split = (ctypes.c_float * MAX_DEVICES)(*offload.tensor_split)
        params.tensor_split = split
    return devices, split


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
        raise InputError(f"The override {key}={value!r} is not a bool, int, float or str.")


def _short_text(text: str, what: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    if not data or len(data) > _TEXT_BYTES or b"\0" in data:
        raise InputError(f"{what} must have 1 to {_TEXT_BYTES} bytes and no NUL, but is {text!r}.")
    return data
