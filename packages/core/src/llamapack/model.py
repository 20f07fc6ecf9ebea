"""A model in memory: weights, vocabulary and metadata."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from llamapack import gguf
from llamapack._native import _generated as api
from llamapack._native.library import encode_path, native, take_text
from llamapack._native.log import captured_errors
from llamapack._native.owner import Owner
from llamapack.backends.cpu import CpuChoice, load_cpu
from llamapack.errors import CancelledError, LlamapackError, ModelError, ModelFormatError
from llamapack.vocab import Vocab


class Model(Owner[api.llama_model_p]):
    """A GGUF model.

    Close it, or use it in a `with` block, to give the memory back at once; contexts made from it are closed with it.
    """

    _kind = "model"

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        use_mmap: bool = True,
        use_mlock: bool = False,
        vocab_only: bool = False,
        check_tensors: bool = False,
        cpu_level: str | None = None,
        progress: Callable[[float], bool | None] | None = None,
    ) -> None:
        """Load the model at `path`.

        `use_mmap` maps the file instead of reading it; `use_mlock` keeps it from being swapped out; `vocab_only` leaves
        the weights out; `check_tensors` looks for invalid numbers in the weights. `cpu_level` names the CPU level to
        use, which is one per process. `progress` is called with the part loaded, from 0 to 1; when it returns False,
        loading stops with CancelledError.

        Raises ModelNotFoundError, ModelFormatError or ModelError, and CpuLevelError for `cpu_level`.
        """
        self.path = Path(path)
        gguf.check(self.path)
        self.cpu: CpuChoice = load_cpu(cpu_level)
        params = native().llama_model_default_params()
        params.load_mode = _load_mode(use_mmap, use_mlock)
        params.vocab_only = vocab_only
        params.check_tensors = check_tensors
        watcher = _Progress(progress)
        params.progress_callback = watcher.callback
        pointer, message = api.llama_model_p(), api.char_p()
        with captured_errors() as errors:
            native().llamapack_model_load(
                encode_path(self.path), ctypes.byref(params), ctypes.byref(pointer), ctypes.byref(message)
            )
        watcher.raise_if_stopped(self.path)
        errors += take_text(message).splitlines()
        if not pointer:
            raise _load_error(self.path, errors)
        super().__init__(pointer, native().llama_model_free)

    @cached_property
    def vocab(self) -> Vocab:
        """The vocabulary."""
        return Vocab(self)

    @property
    def description(self) -> str:
        """Architecture, size and quantization in llama.cpp's words, such as `llama 135M Q4_1`."""
        buffer = ctypes.create_string_buffer(256)
        native().llama_model_desc(self._handle, buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace")

    @property
    def n_ctx_train(self) -> int:
        """The context length, in tokens, that the model was trained with."""
        return native().llama_model_n_ctx_train(self._handle)

    @property
    def n_embd(self) -> int:
        """The width of its embeddings."""
        return native().llama_model_n_embd(self._handle)

    @property
    def n_layer(self) -> int:
        """The number of layers."""
        return native().llama_model_n_layer(self._handle)

    @property
    def n_params(self) -> int:
        """The number of parameters."""
        return native().llama_model_n_params(self._handle)

    @property
    def size(self) -> int:
        """The size of all tensors, in bytes."""
        return native().llama_model_size(self._handle)

    def __repr__(self) -> str:
        """Show the file and whether it is closed."""
        return f"<Model {str(self.path)!r}{' (closed)' if self.closed else ''}>"


def _load_mode(use_mmap: bool, use_mlock: bool) -> int:
    modes = api.llama_load_mode
    if use_mmap:
        return modes.MMAP_MLOCK if use_mlock else modes.MMAP
    return modes.MLOCK if use_mlock else modes.NONE


class _Progress:
    """Carry an exception, or a wish to stop, out of the callback that C calls."""

    def __init__(self, progress: Callable[[float], bool | None] | None) -> None:
        self._progress = progress
        self._error: BaseException | None = None
        self._stopped_at: float | None = None
        # Always ours: without a callback upstream prints dots.
        self.callback = api.llama_progress_callback(self._on_progress)

    def _on_progress(self, part: float, _user_data: object) -> bool:
        try:
            if self._progress is not None and self._progress(part) is False:
                self._stopped_at = part
                return False
        except BaseException as error:
            self._error = error
            return False
        return True

    def raise_if_stopped(self, path: Path) -> None:
        if self._error is not None:
            raise self._error
        if self._stopped_at is not None:
            raise CancelledError(f"Loading {path} was stopped by the progress callback at {self._stopped_at:.0%}.")


def _load_error(path: Path, lines: list[str]) -> LlamapackError:
    why = "\n".join(line.split(": ", 1)[-1].strip() for line in lines) or "llama.cpp gave no reason."
    kind = ModelError if "memory" in why or "allocate" in why else ModelFormatError
    fix = "Get the file again and compare its checksum; for a new architecture, try a newer llamapack."
    return kind(f"The model {path} cannot be loaded.", why=why, fix=fix if kind is ModelFormatError else "")
