"""Watch the long calls of one context, so that Ctrl-C, another thread or a callback can stop them."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable

from llamapack._native import _generated as api
from llamapack._native.callbacks import GuardedCallback
from llamapack._native.calls import end_if_exiting, running
from llamapack._native.library import native, take_text
from llamapack.errors import CancelledError, DecodeError

# Between two calls of Python, which need the interpreter lock: a busy thread makes others wait 5 ms for it.
_INTERVAL_MS = 100
_STOPPED = 2


class Watch:
    """Stops the calls of one context. Any thread may call `cancel`; the other methods are for the context's user."""

    def __init__(self, context: api.llama_context_p, abort: Callable[[], object] | None) -> None:
        """Watch `context`; a true result of `abort` stops a call. Free `handle` with llamapack_watch_free."""
        self._native = native()
        self._abort = abort
        self._aborted = False
        self._asking = GuardedCallback(self._ask, otherwise=True)
        self._callback = api.llamapack_poll_callback(self._asking.answer)
        out, message = api.llamapack_watch_p(), api.char_p()
        status = self._native.llamapack_watch_new(
            context, self._callback, None, _INTERVAL_MS, ctypes.byref(out), ctypes.byref(message)
        )
        if status != api.llamapack_status.OK:
            raise DecodeError("The context cannot be watched.", why=take_text(message))
        self.handle = out
        self._result = ctypes.c_int32()
        self._message = api.char_p()
        self._places = (ctypes.byref(self._result), ctypes.byref(self._message))

    def cancel(self) -> None:
        """Stop the running call, or the next one."""
        self._native.llamapack_watch_stop(self.handle, True)

    def decode(self, context: api.llama_context_p, batch: api.To[api.llama_batch]) -> int:
        """Run llama_decode and return its status.

        Raises CancelledError if the call was stopped, DecodeError if llama.cpp threw an exception, and whatever a
        callback or Ctrl-C raised.
        """
        poll = self._abort is not None or threading.current_thread() is threading.main_thread()
        with running():
            status = self._native.llamapack_decode(context, batch, self.handle, poll, *self._places)
        return self._result.value if status == self._result.value == 0 else self._explain(status)

    def encode(self, context: api.llama_context_p, batch: api.To[api.llama_batch]) -> int:
        """Run llama_encode and return its status; raises as `decode` does."""
        with running():
            status = self._native.llamapack_encode(context, batch, self.handle, True, *self._places)
        return self._explain(status)

    def _ask(self, _user_data: object) -> bool:
        self._aborted = bool(self._abort()) if self._abort is not None else False
        return self._aborted

    def _explain(self, status: int) -> int:
        self._asking.raise_error()
        if status != api.llamapack_status.OK:
            raise DecodeError("llama.cpp failed while it computed.", why=take_text(self._message))
        if self._result.value == _STOPPED:
            self._raise_cancelled()
        return self._result.value

    def _raise_cancelled(self) -> None:
        end_if_exiting()
        aborted, self._aborted = self._aborted, False
        if aborted:
            raise CancelledError("The computation was stopped by the abort callback.")
        self._native.llamapack_watch_stop(self.handle, False)
        raise CancelledError("The computation was cancelled.")
