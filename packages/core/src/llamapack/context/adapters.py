"""LoRA adapters and control vectors: small changes to a model, put on and taken off while it is loaded."""

from __future__ import annotations

import ctypes
import math
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from llamapack import gguf
from llamapack._native import _generated as api
from llamapack._native.library import encode_path, native, take_text
from llamapack._native.log import captured_errors
from llamapack._native.owner import Owner
from llamapack._util.arguments import whole
from llamapack.errors import InputError, ModelFormatError, StateError
from llamapack.model import Model
from llamapack.model.adapter_file import check_lora, read_directions

if TYPE_CHECKING:
    from llamapack._native.arrays import Floats
    from llamapack.context.context import Context


class LoraAdapter(Owner[api.llama_adapter_lora_p]):
    """A LoRA adapter for a model, in memory; several contexts may use it at once.

    Closing it takes it from no context: what uses it keeps it until it is taken off there.
    """

    _kind = "adapter"

    def __init__(self, model: Model, path: str | os.PathLike[str]) -> None:
        """Load the GGUF file at `path`, made for `model`.

        Raises ModelNotFoundError and ModelFormatError for the file, also where it does not fit the model.
        """
        self.path = Path(path)
        self.model = model
        check_lora(gguf.read(self.path), model)
        pointer, message = api.llama_adapter_lora_p(), api.char_p()
        with model._using() as handle, captured_errors() as errors:
            native().llamapack_adapter_load(
                handle, encode_path(self.path), ctypes.byref(pointer), ctypes.byref(message)
            )
        errors += take_text(message).splitlines()
        if not pointer:
            why = "\n".join(line.split(": ", 1)[-1].strip() for line in errors)
            raise ModelFormatError(f"The adapter {self.path} cannot be loaded.", why=why)
        super().__init__(pointer, native().llama_adapter_lora_free, parent=model)

    @cached_property
    def metadata(self) -> Mapping[str, gguf.Value]:
        """The metadata of its file."""
        return gguf.read(self.path).metadata

    @property
    def invocation_tokens(self) -> tuple[int, ...]:
        """The tokens that switch an activated LoRA (aLoRA) on; empty for other adapters."""
        count = native().llama_adapter_get_alora_n_invocation_tokens(self._handle)
        return tuple(native().llama_adapter_get_alora_invocation_tokens(self._handle)[:count])

    def __repr__(self) -> str:
        """Show the file and whether it is closed."""
        return f"<LoraAdapter {str(self.path)!r}{' (closed)' if self.closed else ''}>"


class ControlVector:
    """Directions that are added to the outputs of layers, to steer what a model writes."""

    def __init__(self, directions: Mapping[int, Floats]) -> None:
        """Take a direction, of shape (n_embd,), for each of some layers; the first that can have one is layer 1."""
        import numpy as np

        self.directions: dict[int, Floats] = {}
        for layer, direction in directions.items():
            row = np.array(direction, dtype=np.float32)
            if row.ndim != 1 or not np.isfinite(row).all():
                raise InputError(f"The direction of layer {layer} must be a row of finite numbers, not {row.shape}.")
            self.directions[whole("A layer", layer)] = row
        if not self.directions:
            raise InputError("A control vector needs a direction for at least one layer.")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ControlVector:
        """Read the GGUF file at `path`; raises ModelNotFoundError and ModelFormatError."""
        return cls(read_directions(Path(path)))


class Adapters:
    """What changes the model in one context; use `context.adapters`.

    A change applies to what is decoded from then on; what is remembered was read without it.
    """

    def __init__(self, context: Context) -> None:
        """Look at the adapters of `context`."""
        self._context = context
        self._native = context._native
        self._loras: tuple[tuple[LoraAdapter, float], ...] = ()

    @property
    def loras(self) -> tuple[tuple[LoraAdapter, float], ...]:
        """The LoRA adapters in use, with their scales."""
        return self._loras

    def set_loras(self, *loras: LoraAdapter | tuple[LoraAdapter, float]) -> None:
        """Use these LoRA adapters, each with a scale or with 1, instead of those before; none takes all off.

        Raises InputError for an adapter of another model, one named twice, and a scale that is no finite number.
        """
        chosen = tuple(lora if isinstance(lora, tuple) else (lora, 1.0) for lora in loras)
        wanted: tuple[object, ...] = chosen
        for pair in wanted:
            if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], LoraAdapter)):
                raise InputError(f"A LoRA adapter, or one with its scale, is wanted, not {pair!r}.")
        self._check(chosen)
        with self._context._exclusive():
            handles = (api.llama_adapter_lora_p * len(chosen))(*(lora._handle for lora, _ in chosen))
            scales = (ctypes.c_float * len(chosen))(*(scale for _, scale in chosen))
            with self._context._parts.holding([lora._lifetime for lora, _ in chosen]):
                self._native.llama_set_adapters_lora(self._context._handle, handles, len(chosen), scales)
            self._loras = chosen

    def set_control(
        self, *vectors: ControlVector | tuple[ControlVector, float], layers: tuple[int, int] | None = None
    ) -> None:
        """Add these control vectors, each with a scale or with 1, instead of those before; none takes all off.

        `layers` are the first and the last layer to change (default: all that the vectors have). Raises InputError for
        vectors of another width or with layers that the model has not.
        """
        chosen = [vector if isinstance(vector, tuple) else (vector, 1.0) for vector in vectors]
        with self._context._exclusive():
            handle = self._context._handle
            if not chosen:
                self._native.llama_set_adapter_cvec(handle, None, 0, 0, 0, 0)
                return
            total = self._sum(chosen)
            first, last = self._check_layers(layers)
            data = total.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
            status = self._native.llama_set_adapter_cvec(handle, data, total.size, total.shape[1], first, last)
        if status != 0:
            raise StateError("The control vector cannot be put on: llama.cpp has no memory for it.")

    def clear(self) -> None:
        """Take everything off."""
        self.set_loras()
        self.set_control()

    def _check(self, chosen: Sequence[tuple[LoraAdapter, float]]) -> None:
        seen: set[int] = set()
        for lora, scale in chosen:
            if lora.model is not self._context.model:
                raise InputError(f"{lora!r} was loaded for another model.", fix="Load it for this context's model.")
            if id(lora) in seen:
                raise InputError(f"{lora!r} is named twice.", fix="Name it once, with the sum of the scales.")
            _check_scale(scale)
            seen.add(id(lora))

    def _sum(self, chosen: Sequence[tuple[ControlVector, float]]) -> Floats:
        """Return one row for each layer from 1 on: llama.cpp has no direction for layer 0."""
        import numpy as np

        model = self._context.model
        total = np.zeros((max(model.n_layer - 1, 1), model.n_embd), dtype=np.float32)
        for vector, scale in chosen:
            _check_scale(scale)
            for layer, direction in vector.directions.items():
                if layer >= model.n_layer or direction.size != model.n_embd:
                    raise InputError(
                        f"A direction of {direction.size} numbers for layer {layer} does not fit the model.",
                        why=f"It has layers 1 to {model.n_layer - 1} that can be steered, {model.n_embd} wide.",
                    )
                total[layer - 1] += np.float32(scale) * direction
        return total

    def _check_layers(self, layers: tuple[int, int] | None) -> tuple[int, int]:
        most = self._context.model.n_layer - 1
        first, last = layers or (1, most)
        whole("The first layer", first, most=most)
        whole("The last layer", last, least=first, most=most)
        return first, last


def _check_scale(scale: object) -> None:
    if isinstance(scale, bool) or not isinstance(scale, (int, float)) or not math.isfinite(scale):
        raise InputError(f"A scale must be a finite number, not {scale!r}.")
