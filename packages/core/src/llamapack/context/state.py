"""Save the memory of a context, and load it again: into the same context, or one of the same model and shape.

A state is a header of ours, followed by llama.cpp's own bytes. The header names the model and the format and has a
digest, because llama.cpp does not check what it reads: damaged or foreign states are rejected before llama.cpp gets
them. The digest is not a signature; load only states that you trust.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import struct
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llamapack._native import _generated as api
from llamapack._native.library import read_abi, take_text
from llamapack._native.log import captured_errors, reason_in
from llamapack._util.arguments import check_int, check_sequence
from llamapack._util.atomic_files import write_atomically
from llamapack.errors import DecodeError, InputError, StateError

if TYPE_CHECKING:
    from llamapack.context.handle import ContextHandle
    from llamapack.model import Model

MAGIC = b"llamapack state\n"
VERSION = 1
_PREFIX = struct.Struct("<16sII32s")  # magic, version, length of the JSON header, digest of all that follows
_HEADER_LIMIT = 1 << 26
_SAMPLES = 16
_SAMPLE_BYTES = 4096


@dataclass(frozen=True, kw_only=True)
class SavedState:
    """What a state contains: the sequence, or None for all of them, and the tokens that were given to `save`."""

    sequence: int | None
    tokens: tuple[int, ...]


class State:
    """Save and load the memory of a context; use `context.state`. Logits, adapters and samplers are not included."""

    def __init__(self, context: ContextHandle) -> None:
        """Save and load the memory of `context`."""
        self._context = context
        self._native = context.native

    def to_bytes(self, sequence: int | None = None, *, tokens: Sequence[int] | None = ()) -> bytes:
        """Return the state of `sequence`, or of all sequences, together with `tokens`, such as those that were read.

        Raises InputError for a sequence that does not exist, and DecodeError if llama.cpp fails.
        """
        return bytes(self._build(sequence, tokens))

    def save(
        self, path: str | os.PathLike[str], sequence: int | None = None, *, tokens: Sequence[int] | None = ()
    ) -> None:
        """Write the state to `path`; an existing file is replaced only when the new one is complete.

        Raises InputError if it cannot be written, and the errors of `to_bytes`.
        """
        write_atomically(Path(path), self._build(sequence, tokens))

    def from_bytes(self, data: bytes | bytearray | memoryview, sequence: int | None = None) -> SavedState:
        """Load a state. If it holds a single sequence, it becomes `sequence` (default: the number it had).

        It replaces the memory of the context, or of the sequence; nothing can be sampled until the next decode. Raises
        InputError if the bytes are not a state, are damaged, are of another model, or do not fit the context. The
        memory is then unchanged, or empty if llama.cpp itself rejected the bytes.
        """
        saved, payload = _parse(memoryview(data).cast("B"), self._context.model)
        if sequence is not None and saved.sequence is None:
            raise InputError("This is the state of a whole context, not of a sequence.", fix="Leave `sequence` out.")
        target = saved.sequence if sequence is None else sequence
        with self._context.exclusive():
            if target is not None:
                self._context.checked_sequence(target)
            self._settle()
            self._context.rows.forget()
            self._write_from(payload, target)
        return saved

    def load(self, path: str | os.PathLike[str], sequence: int | None = None) -> SavedState:
        """Load a state from the file at `path`, as `from_bytes` does; raises InputError if it cannot be read."""
        try:
            data = Path(path).read_bytes()
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            raise InputError(f"The state {path} cannot be read.", why=str(error)) from error
        return self.from_bytes(data, sequence)

    def _build(self, sequence: int | None, tokens: Sequence[int] | None) -> bytearray:
        with self._context.exclusive():
            self._settle()
            header = self._header(sequence, tokens)
            size = self._size(sequence)
            begin = _PREFIX.size + len(header)
            data = bytearray(begin + size)
            data[_PREFIX.size : begin] = header
            self._read_into(data, begin, size, sequence)
        _PREFIX.pack_into(data, 0, MAGIC, VERSION, len(header), _digest(memoryview(data)[_PREFIX.size :]))
        return data

    def _settle(self) -> None:
        """Apply moves of positions that are still pending: llama.cpp would save new positions with the old cache."""
        message = api.char_p()
        status = self._native.llamapack_memory_update(self._context.handle, ctypes.byref(message))
        if status != api.llamapack_status.OK:
            raise DecodeError("The positions cannot be moved.", why=take_text(message))

    def _header(self, sequence: int | None, tokens: Sequence[int] | None) -> bytes:
        if sequence is not None:
            self._context.checked_sequence(sequence)
        fields = {
            "model": fingerprint(self._context.model),
            "llama_commit": read_abi().llama_commit,
            "sequence": sequence,
            "tokens": [check_int("A token", int(token), least=0) for token in check_sequence("tokens", tokens)],
        }
        return json.dumps(fields).encode()

    def _size(self, sequence: int | None) -> int:
        if sequence is None:
            return self._native.llama_state_get_size(self._context.handle)
        return self._native.llama_state_seq_get_size(self._context.handle, sequence)

    def _read_into(self, data: bytearray, begin: int, size: int, sequence: int | None) -> None:
        place = (ctypes.c_uint8 * size).from_buffer(data, begin)
        handle = self._context.handle
        with captured_errors() as errors:
            if sequence is None:
                written = self._native.llama_state_get_data(handle, place, size)
            else:
                written = self._native.llama_state_seq_get_data(handle, place, size, sequence)
        if not size or written != size:
            raise DecodeError("The state cannot be saved.", why=reason_in(errors))

    def _write_from(self, payload: memoryview, sequence: int | None) -> None:
        import numpy as np

        size, handle = len(payload), self._context.handle
        # numpy, because ctypes takes no address of read-only bytes without copying them
        place = ctypes.cast(np.frombuffer(payload, dtype=np.uint8).ctypes.data, ctypes.POINTER(ctypes.c_uint8))
        with captured_errors() as errors:
            if sequence is None:
                read = self._native.llama_state_set_data(handle, place, size)
            else:
                read = self._native.llama_state_seq_set_data(handle, place, size, sequence)
        if read == size:
            return
        memory = self._native.llama_get_memory(handle)
        if sequence is None:
            self._native.llama_memory_clear(memory, True)
        else:
            self._native.llama_memory_seq_rm(memory, sequence, -1, -1)
        raise InputError(
            "The state does not fit this context.",
            why=reason_in(errors),
            fix="Make the context as the one it was saved from: n_ctx, n_seq_max, cache types, flash attention.",
        )


_fingerprints: weakref.WeakKeyDictionary[Model, str] = weakref.WeakKeyDictionary()


def fingerprint(model: Model) -> str:
    """Return a digest of a model's metadata, sizes, and samples of its file."""
    if model not in _fingerprints:
        _fingerprints[model] = _compute_fingerprint(model)
    return _fingerprints[model]


def _compute_fingerprint(model: Model) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for key in sorted(model.metadata):
        digest.update(f"{key}={model.metadata[key]}\n".encode("utf-8", "surrogateescape"))
    digest.update(f"{model.n_params} {model.size} {model.n_vocab}".encode())
    try:
        with model.path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            for sample in range(_SAMPLES):
                file.seek(size * sample // _SAMPLES)
                digest.update(file.read(_SAMPLE_BYTES))
    except OSError as error:
        raise StateError(
            f"The model's file {model.path} is needed to tell its states from others', and cannot be read.",
            why=str(error),
        ) from error
    return digest.hexdigest()


def _parse(data: memoryview, model: Model) -> tuple[SavedState, memoryview]:
    if len(data) < _PREFIX.size or bytes(data[: len(MAGIC)]) != MAGIC:
        raise InputError("These bytes are not a state of llamapack.", fix="Save one with context.state.")
    _, version, length, digest = _PREFIX.unpack_from(data)
    if version != VERSION:
        raise InputError(
            f"The state has format {version}; this llamapack reads {VERSION}.", fix="Make it again from its tokens."
        )
    body = data[_PREFIX.size :]
    if length > min(len(body), _HEADER_LIMIT) or _digest(body) != digest:
        raise InputError("The state is damaged: its bytes do not fit its digest.", fix="Make it again from its tokens.")
    fields: dict[str, Any] = json.loads(bytes(body[:length]))
    for name, ours, what in (
        ("llama_commit", read_abi().llama_commit, "version of llama.cpp"),
        ("model", fingerprint(model), "model"),
    ):
        if fields[name] != ours:
            raise InputError(
                f"The state is of another {what}.", why=f"It is {fields[name]}, this is {ours}.", fix="Make it again."
            )
    return SavedState(sequence=fields["sequence"], tokens=tuple(fields["tokens"])), body[length:]


def _digest(data: memoryview) -> bytes:
    return hashlib.blake2b(data, digest_size=32).digest()
