"""LoRA adapters and control vectors: small changes to a model, in files of their own."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from llamapack import gguf
from llamapack._native import _generated as api
from llamapack._native.library import encode_path, native, take_text
from llamapack._native.log import captured_errors, reason_in
from llamapack._native.owner import Owner
from llamapack._util.arguments import check_int
from llamapack.errors import InputError, ModelFormatError
from llamapack.model.adapter_file import check_lora, read_directions
from llamapack.model.model import Model

if TYPE_CHECKING:
    from llamapack._native.arrays import Floats


class LoraAdapter(Owner[api.llama_adapter_lora_p]):
    """A LoRA adapter for a model, in memory; several contexts may use it at once.

    Closing it does not remove it from contexts: it stays in memory until the last of them no longer uses it.
    """

    _kind = "adapter"

    def __init__(self, model: Model, path: str | os.PathLike[str]) -> None:
        """Load the GGUF file at `path`, made for `model`.

        Raises ModelNotFoundError if the file cannot be opened, and ModelFormatError if it is damaged or does not fit
        the model.
        """
        self.path = Path(path)
        self.model = model
        self.header = gguf.read(self.path)
        check_lora(self.header, model.header)
        pointer, message = api.llama_adapter_lora_p(), api.char_p()
        with model.using() as handle, captured_errors() as errors:
            native().llamapack_adapter_load(
                handle, encode_path(self.path), ctypes.byref(pointer), ctypes.byref(message)
            )
        errors += take_text(message).splitlines()
        if not pointer:
            raise ModelFormatError(f"The adapter {self.path} cannot be loaded.", why=reason_in(errors))
        super().__init__(pointer, native().llama_adapter_lora_free, parent=model)

    @property
    def metadata(self) -> Mapping[str, gguf.Value]:
        """The metadata of the adapter's file."""
        return self.header.metadata

    @property
    def invocation_tokens(self) -> tuple[int, ...]:
        """The tokens that activate an activated LoRA (aLoRA); empty for other adapters."""
        count = native().llama_adapter_get_alora_n_invocation_tokens(self.handle)
        return tuple(native().llama_adapter_get_alora_invocation_tokens(self.handle)[:count])

    def __repr__(self) -> str:
        """Show the file and whether it is closed."""
        return f"<LoraAdapter {str(self.path)!r}{' (closed)' if self.closed else ''}>"


class ControlVector:
    """Directions that are added to the outputs of layers, to steer what a model writes."""

    def __init__(self, directions: Mapping[int, Floats]) -> None:
        """Take a direction, of shape (n_embd,), for each layer to change; layer 1 is the first possible one."""
        import numpy as np

        self.directions: dict[int, Floats] = {}
        for layer, direction in directions.items():
            row = np.array(direction, dtype=np.float32)
            if row.ndim != 1 or not np.isfinite(row).all():
                raise InputError(f"The direction of layer {layer} must be a row of finite numbers, not {row.shape}.")
            self.directions[check_int("A layer", layer)] = row
        if not self.directions:
            raise InputError("A control vector needs a direction for at least one layer.")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ControlVector:
        """Read the GGUF file at `path`; raises ModelNotFoundError and ModelFormatError."""
        return cls(read_directions(Path(path)))
