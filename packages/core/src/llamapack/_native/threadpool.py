"""Keep llama.cpp's worker threads alive between tokens; without a pool it starts new ones for each token."""

from __future__ import annotations

import ctypes
from functools import lru_cache

from llamapack._native import _generated as api
from llamapack._native.library import native

_New = ctypes.CFUNCTYPE(ctypes.c_void_p, api.ggml_threadpool_params_p)
_Free = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class ThreadPools:
    """The worker threads of one context; a second pool for batches if those use another number of threads."""

    def __init__(self, n_threads: int, n_threads_batch: int) -> None:
        """Start the threads; does nothing if the CPU backend has its own thread pool, such as OpenMP's."""
        self._pools: list[int] = []
        functions = _pool_functions()
        if functions is not None:
            new, self._free = functions
            for count in dict.fromkeys((n_threads, n_threads_batch)):
                self._pools.append(_start(new, count))

    def attach(self, context: api.llama_context_p) -> None:
        """Make `context` compute on these threads. Detach or free it before the threads are freed."""
        if self._pools:
            single, batch = self._pools[0], self._pools[-1]
            native().llama_attach_threadpool(context, _pointer(single), _pointer(batch))

    def free(self) -> None:
        """End the threads; safe to call twice."""
        while self._pools:
            self._free(self._pools.pop())


def _pointer(address: int) -> api.ggml_threadpool_p:
    return ctypes.cast(address, api.ggml_threadpool_p)


def _start(new: ctypes._CFunctionType, count: int) -> int:
    params = native().ggml_threadpool_params_default(count)
    return int(new(ctypes.byref(params)))


@lru_cache(maxsize=1)
def _pool_functions() -> tuple[ctypes._CFunctionType, ctypes._CFunctionType] | None:
    """Look up the functions in the loaded CPU backend; they are in no library that could be linked."""
    bound = native()
    device = bound.ggml_backend_dev_by_type(api.ggml_backend_dev_type.CPU)
    if not device:
        return None
    registry = bound.ggml_backend_dev_backend_reg(device)
    addresses = [
        bound.ggml_backend_reg_get_proc_address(registry, b"ggml_threadpool_" + name) for name in (b"new", b"free")
    ]
    if addresses[0] is None or addresses[1] is None:
        return None
    return _New(addresses[0]), _Free(addresses[1])
