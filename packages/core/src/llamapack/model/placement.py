"""Where the layers of a model go: which devices, how many layers, and in which proportions."""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from llamapack._native import _generated as api
from llamapack._native.library import native
from llamapack._util.arguments import check_int
from llamapack.backends.devices import Device, find_offload_devices, offload_devices, present_devices
from llamapack.backends.in_use import BackendsInUse, warn_once
from llamapack.backends.loading import use_backends
from llamapack.backends.selection.decisions import Choice
from llamapack.backends.selection.request import INSTALL, Request, read_request
from llamapack.errors import BackendError, InputError
from llamapack.gguf import Gguf

if TYPE_CHECKING:
    from llamapack.model.fit import DeviceMemory, Placement, Sizes

GpuLayers = int | Literal["auto", "fit"] | None
SplitMode = Literal["none", "layer", "row", "tensor"]

FIT_N_CTX = 4096
# CUDA would then use system memory for the rest.
_UNIFIED = "GGML_CUDA_ENABLE_UNIFIED_MEMORY"


@dataclass(frozen=True, kw_only=True)
class OffloadOptions:
    """The arguments of Model that place its layers; they are described there."""

    backends: str | Sequence[str] | None = None
    require_gpu: bool = False
    devices: Sequence[str] | None = None
    n_gpu_layers: GpuLayers = None
    main_gpu: int = 0
    split_mode: SplitMode = "layer"
    tensor_split: Sequence[float] | None = None
    fit_n_ctx: int | None = None
    fit_reserve: int | None = None


@dataclass(frozen=True, kw_only=True)
class Offload:
    """What a model uses beside the CPU. `n_gpu_layers` counts the output as a layer; None leaves it to llama.cpp.

    `choice` lists the backends and devices that were considered, and why each is used or not.
    """

    devices: tuple[Device, ...] = ()
    n_gpu_layers: int | None = None
    tensor_split: tuple[float, ...] | None = None
    choice: Choice = field(default_factory=Choice)
    pointers: tuple[api.ggml_backend_device_p, ...] | None = None


def plan_offload(options: OffloadOptions, found: Gguf, cpu: Path) -> Offload:
    """Choose devices and layers for the model with the header `found`; `cpu` is the library of the CPU level.

    Raises InputError for wrong arguments, and BackendError if the hardware cannot do what is asked for.
    """
    layers = _check_layers(options.n_gpu_layers)
    request = read_request(options.backends, options.devices, options.require_gpu, os.environ)
    if options.require_gpu and layers == 0:
        raise InputError("require_gpu cannot be combined with n_gpu_layers=0.", fix="Leave one of them out.")
    used = use_backends(request, cpu)
    pointers, devices = _devices(used, request)
    _check_main_gpu(options, len(devices))
    split = _check_split(options.tensor_split, len(devices))
    _check_split_mode(options, used.pointers or ())
    if not devices:
        _warn_without_gpu(layers, request, used.choice)
        return Offload(n_gpu_layers=0 if layers == "fit" else _plain(layers), choice=used.choice, pointers=pointers)
    active = devices[options.main_gpu : options.main_gpu + 1] if options.split_mode == "none" else devices
    placement = _place(options, layers, split, active, found)
    if layers == "fit" and not placement.n_gpu_layers:
        return _nothing_fits(options, active, used.choice)
    return Offload(
        devices=active if placement.n_gpu_layers else (),
        n_gpu_layers=placement.n_gpu_layers,
        tensor_split=placement.tensor_split,
        choice=used.choice,
        pointers=pointers,
    )


def _check_layers(wanted: object) -> int | Literal["auto", "fit"]:
    if wanted is None or wanted == "auto":
        return "auto"
    if wanted == "fit":
        return "fit"
    if isinstance(wanted, str):
        raise InputError(f"n_gpu_layers must be a number, 'auto' or 'fit', not {wanted!r}.")
    number = check_int("n_gpu_layers", wanted, least=-1)
    return "auto" if number == -1 else number


def _plain(layers: int | Literal["auto", "fit"]) -> int | None:
    return layers if isinstance(layers, int) else None


def _devices(
    used: BackendsInUse, request: Request
) -> tuple[tuple[api.ggml_backend_device_p, ...] | None, tuple[Device, ...]]:
    """Return the devices to use; if no plug-in is used, those that the program itself registered, if any."""
    if used.pointers is not None:
        return used.pointers, used.devices
    if request.devices is None:
        return None, offload_devices()
    pointers = find_offload_devices(list(request.devices))
    names = [name for name in request.devices if name != "CPU"]
    return tuple(pointers), tuple(device for name in names for device in present_devices() if device.name == name)


def _check_main_gpu(options: OffloadOptions, count: int) -> int:
    index = check_int("main_gpu", options.main_gpu, least=0)
    if index >= max(count, 1):
        raise InputError(f"There is no GPU {index}: {count} can be used.", why=_present(), fix="Leave main_gpu out.")
    if options.split_mode == "tensor" and not count:
        raise InputError('split_mode="tensor" needs a GPU.', why=_present(), fix='Use split_mode="layer".')
    return index


def _check_split_mode(options: OffloadOptions, pointers: Sequence[api.ggml_backend_device_p]) -> None:
    """Raise InputError for arguments that the split mode makes useless; llama.cpp would silently ignore them."""
    mode = options.split_mode
    if options.main_gpu and mode != "none":
        raise InputError(
            f"main_gpu={options.main_gpu} has no effect with split_mode={mode!r}.",
            why="All GPUs are used then.",
            fix='Use split_mode="none", or name the GPUs with devices.',
        )
    if options.tensor_split is not None and mode == "none":
        raise InputError(
            'tensor_split has no effect with split_mode="none".',
            why="All is on one GPU then.",
            fix="Leave one of them out.",
        )
    if mode == "row" and len(pointers) > 1 and not all(map(_splits_rows, pointers)):
        raise InputError(
            'split_mode="row" has no effect with these devices.',
            why="Their backend does not share the rows of a matrix.",
            fix='Use split_mode="layer".',
        )


def _splits_rows(pointer: api.ggml_backend_device_p) -> bool:
    registry = native().ggml_backend_dev_backend_reg(pointer)
    return bool(native().ggml_backend_reg_get_proc_address(registry, b"ggml_backend_split_buffer_type"))


def _share(part: object) -> float | None:
    """Return an item of tensor_split as a number; None if it is not one."""
    if isinstance(part, bool) or not isinstance(part, numbers.Real) or not math.isfinite(part) or part < 0:
        return None
    return float(part)


def _check_split(split: object, count: int) -> tuple[float, ...] | None:
    if split is None:
        return None
    given: list[object] = [*split] if isinstance(split, Iterable) and not isinstance(split, str) else []
    shares = [share for part in given if (share := _share(part)) is not None]
    if len(shares) < len(given) or len(shares) > max(count, 1) or not any(shares):
        raise InputError(
            f"tensor_split must have a number of 0 or more for each of {count} GPUs, not {given or split!r}.",
            why=_present(),
            fix="Leave it out: llama.cpp goes by the free memory then.",
        )
    return (*shares, *(0.0,) * (count - len(shares)))


def _warn_without_gpu(layers: int | Literal["auto", "fit"], request: Request, choice: Choice) -> None:
    """Warn that there is no GPU if a number of layers was asked for, unless another warning has said so."""
    if isinstance(layers, int) and layers > 0 and not request.cpu_only and not choice.warnings:
        why = "" if choice.backends else f"\n{INSTALL}"
        warn_once(f"n_gpu_layers={layers} has no effect: no GPU is used; the model runs on the CPU.{why}")


def _place(
    options: OffloadOptions,
    layers: int | Literal["auto", "fit"],
    split: tuple[float, ...] | None,
    devices: Sequence[Device],
    found: Gguf,
) -> Placement:
    from llamapack.model.fit import DEFAULT_RESERVE, DeviceMemory, Placement, fit, read_sizes

    memories = [DeviceMemory(name=each.name, free=each.memory_free, total=each.memory_total) for each in devices]
    used_split = split if len(memories) > 1 else None
    sizes = read_sizes(found, _fit_n_ctx(options, found))
    if layers == "fit":
        if options.split_mode in ("row", "tensor"):
            raise InputError(
                f'n_gpu_layers="fit" cannot be combined with split_mode={options.split_mode!r}.',
                why="What each device holds cannot be told beforehand.",
                fix='Use split_mode="layer", or give a number of layers.',
            )
        reserve = DEFAULT_RESERVE if options.fit_reserve is None else options.fit_reserve
        return fit(sizes, memories, check_int("fit_reserve", reserve, least=0, most=2**62), used_split)
    count = sizes.count if layers == "auto" else min(layers, sizes.count)
    if options.split_mode in ("none", "layer") and not os.environ.get(_UNIFIED):
        _refuse_shortage(sizes, memories, count, used_split)
    return Placement(n_gpu_layers=count, tensor_split=split)


def _nothing_fits(options: OffloadOptions, devices: Sequence[Device], choice: Choice) -> Offload:
    """Return an offload without GPUs: with them, llama.cpp would use their memory for large batches."""
    free = "; ".join(f"{each.name} has {each.memory_free / 2**20:,.0f} MiB free" for each in devices) + "."
    if options.require_gpu:
        raise BackendError("No layer fits a GPU, and require_gpu asks for one.", why=free, fix="Use a smaller model.")
    warn_once(f"No layer fits a GPU; the model runs on the CPU.\n{free}")
    return Offload(n_gpu_layers=0, choice=choice, pointers=())


def _refuse_shortage(
    sizes: Sizes, memories: Sequence[DeviceMemory], count: int, split: tuple[float, ...] | None
) -> None:
    from llamapack.model.fit import shortage

    short = shortage(sizes, memories, count, split)
    if short:
        memory, needed = short
        raise BackendError(
            f"{count} of {sizes.count} layers do not fit: {memory.name} would get {needed / 2**20:,.0f} MiB of weights "
            f"and has {memory.free / 2**20:,.0f} MiB free.",
            fix='Use n_gpu_layers="fit", or a smaller number.',
        )


def _fit_n_ctx(options: OffloadOptions, found: Gguf) -> int:
    if options.fit_n_ctx is not None:
        return check_int("fit_n_ctx", options.fit_n_ctx)
    trained = found.metadata.get(f"{found.metadata.get('general.architecture', '')}.context_length")
    return min(FIT_N_CTX, trained) if isinstance(trained, int) and trained > 0 else FIT_N_CTX


def _present() -> str:
    return f"This process has: {', '.join(f'{device.name} ({device.kind})' for device in present_devices())}."
