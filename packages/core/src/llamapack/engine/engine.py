"""One model in llama.cpp's server core, and requests to it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from llamapack._native import _generated as api
from llamapack._native.calls import stop_at_exit
from llamapack._native.library import native, take_text
from llamapack._native.loading import Progress
from llamapack._native.owner import Owner
from llamapack._util.arguments import check_c_string, check_mapping
from llamapack.backends.cpu import CpuChoice, load_cpu
from llamapack.backends.loading import use_backends
from llamapack.backends.selection.decisions import Choice
from llamapack.backends.selection.request import read_request
from llamapack.engine.aio import AsyncResponse, Waiter
from llamapack.engine.loading import load
from llamapack.engine.response import Response
from llamapack.engine.setup import Body, checked_options, encode_body
from llamapack.errors import ClosedError, InputError, StateError

_engines: weakref.WeakSet[Engine] = weakref.WeakSet()


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file that is sent with a request, such as the sound of a transcription."""

    data: bytes
    file_name: str = ""
    content_type: str = "application/octet-stream"


class Engine(Owner[api.llamapack_engine_p]):
    """llama.cpp's server with one model, in this process: without a port, a child process, or signal handlers.

    A request is what `llama-server` takes, a method, a path and JSON, and is answered in the same way. Threads and
    asyncio tasks may share an engine; it works on as many requests at once as it has slots (`parallel`), and the others
    wait. Close it, or use it in a `with` block: requests under way are cancelled then.

    After a fork an engine works in the parent process only.
    """

    _kind = "engine"

    def __init__(
        self,
        model_path: str | os.PathLike[str],
        *,
        backends: str | Sequence[str] | None = None,
        require_gpu: bool = False,
        devices: Sequence[str] | None = None,
        cpu_level: str | None = None,
        progress: Progress | None = None,
        **options: object,
    ) -> None:
        """Load the model at `model_path`; of one in several files, the first.

        `backends`, `require_gpu`, `devices` and `cpu_level` are those of Model. `progress` is called with the part
        loaded, from 0 to 1; when it returns False, loading stops with CancelledError. Ctrl-C stops it, too.

        `options` are those of llama.cpp's server by their long names, with underscores: `ctx_size=8192`, `parallel=8`,
        `flash_attn=True`, `mmproj="mmproj.gguf"`; a list gives one several times. `llamapack.engine.engine_options()`
        lists them. Defaults are llama.cpp's, but for `threads`, which is what this process may use, and `cache_ram`,
        which is 1024 MiB, and must be 0 with LoRA adapters: llama.cpp does not look with which strengths a prompt was
        processed that it keeps there. No environment variable and no configuration file of llama.cpp is read.

        Raises ModelNotFoundError, ModelFormatError or ModelError for a model that cannot be loaded; InputError for an
        option that there is not, that an engine does not take, or whose value is wrong; BackendError as Model does.
        """
        self.path = Path(model_path)
        wanted = checked_options(self.path, options)
        self.cpu: CpuChoice = load_cpu(cpu_level)
        request = read_request(backends, devices, require_gpu, os.environ)
        used = use_backends(request, self.cpu.level.path)
        self.choice: Choice = used.choice
        if used.pointers is not None:
            wanted["device"] = ",".join(device.name for device in used.devices) or "none"
        super().__init__(load(self.path, wanted, progress), native().llamapack_engine_free)
        _engines.add(self)

    def request(
        self, method: str, path: str, body: Body = None, *, uploads: Mapping[str, Upload] | None = None
    ) -> Response:
        """Begin a request, and return its response at once; what is read of it waits.

        `method` and `path` are those of llama-server, such as "POST" and "/v1/chat/completions"; `body` is JSON as
        text, or what becomes JSON. A path that is not there, and a body that does not fit, are answers with a status of
        400 or more. Pictures and sounds are given as `data:` addresses: an engine loads nothing from the network.

        Raises ClosedError after `close`, and InputError for a body that does not become JSON.
        """
        return Response(self._begin(method, path, body, uploads, None, 0), self)

    async def request_async(
        self, method: str, path: str, body: Body = None, *, uploads: Mapping[str, Upload] | None = None
    ) -> AsyncResponse:
        """Begin a request in an asyncio task, and return its response when its status is known; see `request`."""

        def begin(waiter: Waiter, tag: int) -> api.llamapack_request_p:
            return self._begin(method, path, body, uploads, waiter.inbox, tag)

        return await AsyncResponse(begin, self).start()

    def close(self) -> None:
        """Cancel the requests under way, wait for the computation step that is running, and free the memory.

        Safe to call twice, and while other threads wait for answers: CancelledError ends their waiting.
        """
        if not self.closed:
            self.call(native().llamapack_engine_stop)
        super().close()

    def _begin(
        self,
        method: str,
        path: str,
        body: Body,
        uploads: Mapping[str, Upload] | None,
        inbox: api.llamapack_inbox_p | None,
        tag: int,
    ) -> api.llamapack_request_p:
        check_c_string("method", method)
        check_c_string("path", path)
        data = encode_body(body)
        files = _native_uploads(uploads or {})
        pointer, message = api.llamapack_request_p(), api.char_p()
        status = self.call(
            native().llamapack_request_new,
            method.encode(),
            path.encode(),
            data,
            len(data),
            files,
            len(files),
            inbox,
            tag,
            ctypes.byref(pointer),
            ctypes.byref(message),
        )
        if status:
            raise _refusal(status, take_text(message))
        return pointer

    def __repr__(self) -> str:
        """Show the file and whether it is closed."""
        return f"<Engine {str(self.path)!r}{' (closed)' if self.closed else ''}>"


def _native_uploads(uploads: Mapping[str, Upload]) -> ctypes.Array[api.llamapack_upload]:
    files = (api.llamapack_upload * len(check_mapping("uploads", uploads)))()
    for file, (field, upload) in zip(files, uploads.items(), strict=True):
        _check_upload(field, upload)
        file.field, file.file_name = field.encode(), upload.file_name.encode()
        file.content_type, file.data, file.size = upload.content_type.encode(), upload.data, len(upload.data)
    return files


def _check_upload(field: str, upload: object) -> None:
    check_c_string("The field of an upload", field)
    if not isinstance(upload, Upload) or type(upload.data) is not bytes:
        raise InputError(f"An upload must be an Upload with bytes, not {upload!r}.")
    check_c_string("The file name of an upload", upload.file_name)
    check_c_string("The content type of an upload", upload.content_type)


def _refusal(status: int, message: str) -> Exception:
    if status == api.llamapack_status.CONFLICT:
        return ClosedError("This engine is being closed.", fix="Make a new engine, or close it later.")
    return MemoryError(message)


def _stop_all() -> None:
    for engine in list(_engines):
        with contextlib.suppress(StateError):  # it was closed, or is the parent process's
            engine.call(native().llamapack_engine_stop)


stop_at_exit(_stop_all)
