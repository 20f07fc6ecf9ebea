"""A stage that calls a Python function."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llamapack._native import _generated as api
from llamapack.errors import InputError
from llamapack.sampling.candidates import candidate_type
from llamapack.sampling.stages import BuildArgs, Stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Function = Callable[[NDArray[np.int32], NDArray[np.float32]], NDArray[np.floating] | None]


@dataclass(frozen=True)
class Custom(Stage):
    """Change logits with a Python function: `function(ids, logits)`.

    It gets copies of the ids and logits of the remaining candidates. It may change the logits or return others; -inf
    rules a token out. An exception in it is raised by the call that ran the chain. Copies of a sampler share the
    function.
    """

    function: Function

    def _build(self, args: BuildArgs) -> api.llama_sampler_p:
        callbacks = Callbacks(self.function)
        args.kept.append(callbacks)
        return args.native.llama_sampler_init(ctypes.byref(callbacks.interface), None)


class Callbacks:
    """The C callbacks of a custom stage; they must live as long as the native stage and its copies."""

    def __init__(self, function: Function) -> None:
        """Make callbacks that call `function`."""
        self._function = function
        self._name = ctypes.create_string_buffer(b"custom")
        self.error: BaseException | None = None
        self.interface = api.llama_sampler_i(
            name=api.llama_sampler_i_name_t(lambda _: ctypes.addressof(self._name)),
            apply=api.llama_sampler_i_apply_t(self._apply),
        )

    def _apply(self, _: object, candidates: api.llama_token_data_array_p) -> None:
        array = candidates.contents
        try:
            self._change(array)
        except BaseException as error:
            self.error = error
            array.size = 0  # the chain stops if no candidate is left

    def _change(self, array: api.llama_token_data_array) -> None:
        import numpy as np

        memory = (ctypes.c_char * (array.size * ctypes.sizeof(api.llama_token_data))).from_address(
            ctypes.addressof(array.data.contents)
        )
        entries = np.frombuffer(memory, dtype=candidate_type())  # type: ignore[call-overload]  # numpy's types lack ctypes
        logits = entries["logit"].copy()
        returned = self._function(entries["id"].copy(), logits)
        changed = np.asarray(logits if returned is None else returned, dtype=np.float32)
        if changed.shape != logits.shape:
            raise InputError(f"A custom stage must give {len(logits)} logits, not an array of shape {changed.shape}.")
        if not (changed < np.inf).all():
            raise InputError("A custom stage gave a logit that is infinite or not a number.")
        entries["logit"] = changed
        array.sorted = False
