"""The LoRA adapters and control vectors that a context uses."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import TYPE_CHECKING

from llamapack._native import _generated as api
from llamapack._util.arguments import check_int, is_number
from llamapack.errors import InputError, StateError
from llamapack.model.lora import ControlVector, LoraAdapter

if TYPE_CHECKING:
    from llamapack._native.arrays import Floats
    from llamapack.context.handle import ContextHandle


class Adapters:
    """The LoRA adapters and control vectors of one context; use `context.adapters`.

    A change affects what is decoded from then on; the memory of tokens read before stays as it is.
    """

    def __init__(self, context: ContextHandle) -> None:
        """Access the adapters of `context`."""
        self._context = context
        self._native = context.native

    @property
    def loras(self) -> tuple[tuple[LoraAdapter, float], ...]:
        """The LoRA adapters in use, with their scales."""
        return self._context.loras

    def set_loras(self, *loras: LoraAdapter | tuple[LoraAdapter, float]) -> None:
        """Replace the LoRA adapters in use by these, each with a scale (default: 1); no arguments remove all.

        Raises InputError for an adapter of another model, an adapter given twice, and a scale that is not a finite
        number.
        """
        chosen = tuple(lora if isinstance(lora, tuple) else (lora, 1.0) for lora in loras)
        wanted: tuple[object, ...] = chosen
        for pair in wanted:
            if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], LoraAdapter)):
                raise InputError(f"Each argument must be a LoraAdapter, or a tuple of one and its scale, not {pair!r}.")
        self._check(chosen)
        with self._context.exclusive():
            handles = (api.llama_adapter_lora_p * len(chosen))(*(lora.handle for lora, _ in chosen))
            scales = (ctypes.c_float * len(chosen))(*(scale for _, scale in chosen))
            with self._context.holding([lora.lifetime for lora, _ in chosen]):
                self._native.llama_set_adapters_lora(self._context.handle, handles, len(chosen), scales)
            self._context.loras = chosen

    def set_control(
        self, *vectors: ControlVector | tuple[ControlVector, float], layers: tuple[int, int] | None = None
    ) -> None:
        """Replace the control vectors in use by the sum of these, each with a scale (default: 1).

        Without vectors, all are removed. `layers` are the first and the last layer to change (default: all that the
        vectors have). Raises InputError for vectors of another width than the model, and for layers that the model does
        not have.
        """
        chosen = [vector if isinstance(vector, tuple) else (vector, 1.0) for vector in vectors]
        with self._context.exclusive():
            handle = self._context.handle
            if not chosen:
                self._native.llama_set_adapter_cvec(handle, None, 0, 0, 0, 0)
                return
            total = self._sum(chosen)
            first, last = self._check_layers(layers)
            data = total.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
            status = self._native.llama_set_adapter_cvec(handle, data, total.size, total.shape[1], first, last)
        if status != 0:
            raise StateError("The control vector cannot be applied: llama.cpp could not allocate memory for it.")

    def clear(self) -> None:
        """Remove all LoRA adapters and control vectors."""
        self.set_loras()
        self.set_control()

    def _check(self, chosen: Sequence[tuple[LoraAdapter, float]]) -> None:
        seen: set[int] = set()
        for lora, scale in chosen:
            if lora.model is not self._context.model:
                raise InputError(f"{lora!r} was loaded for another model.", fix="Load it for this context's model.")
            if id(lora) in seen:
                raise InputError(f"{lora!r} is given twice.", fix="Give it once, with the sum of the scales.")
            _check_scale(scale)
            seen.add(id(lora))

    def _sum(self, chosen: Sequence[tuple[ControlVector, float]]) -> Floats:
        """Return one row per layer, starting at layer 1: llama.cpp has no direction for layer 0."""
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
        check_int("The first layer", first, most=most)
        check_int("The last layer", last, least=first, most=most)
        return first, last


def _check_scale(scale: object) -> None:
    if not is_number(scale):
        raise InputError(f"A scale must be a finite number, not {scale!r}.")
