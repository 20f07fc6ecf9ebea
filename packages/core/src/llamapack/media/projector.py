"""The public class that loads a projector, and makes chunks and embeddings with it."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from llamapack import gguf
from llamapack._native import _generated as api
from llamapack._native.calls import running
from llamapack._native.exclusive import ExclusiveUse
from llamapack._native.library import encode_path, native, take_text
from llamapack._native.log import captured_errors, reason_in
from llamapack._native.owner import Owner
from llamapack._util.arguments import check_bool, check_c_string, check_choice, check_int, check_sequence
from llamapack.backends.devices import find_offload_devices
from llamapack.context import Batch, Context
from llamapack.context.options import threads_to_compute
from llamapack.errors import DecodeError, InputError, ModelFormatError, PromptTooLongError, StateError
from llamapack.media.chunks import Chunk, Chunks
from llamapack.media.header import check_header, families
from llamapack.media.media import Media
from llamapack.media_files.decoding import decode_file
from llamapack.media_files.limits import MediaLimits
from llamapack.model import Model
from llamapack.threads import default_threads

if TYPE_CHECKING:
    from llamapack._native.arrays import Floats

_FLASH_ATTENTION = {"auto": -1, "off": 0, "on": 1}


class Projector(Owner[api.mtmd_context_p]):
    """A projector, the part of a model that turns images and audio into embeddings: a GGUF file, often called mmproj.

    One thread at a time may encode with it; all may tokenize. It keeps the model alive, and is closed with it.
    """

    _kind = "projector"

    def __init__(
        self,
        model: Model,
        path: str | os.PathLike[str],
        *,
        n_threads: int | None = None,
        device: str | None = None,
        flash_attention: Literal["auto", "on", "off"] = "auto",
        image_min_tokens: int | None = None,
        image_max_tokens: int | None = None,
        warmup: bool = True,
    ) -> None:
        """Load the projector at `path`, made for `model`.

        `n_threads` is the number of threads (default: `llamapack.threads.default_threads`). `device` is the name of the
        device that computes, see `llamapack.devices`, such as "CPU" (default: the first GPU that the model uses, or the
        CPU). `flash_attention` is "auto" (used if the device supports it), "on" or "off". `image_min_tokens` and
        `image_max_tokens` limit the tokens of an image for projectors that take images of any size (default: as the
        projector was made). `warmup` computes an empty image while loading, so that the first one is not slower.

        Raises ModelNotFoundError if the file cannot be opened, ModelFormatError if it is damaged, not a projector, or
        made for another model, and InputError for wrong arguments.
        """
        if not isinstance(model, Model):
            raise InputError(f"A projector is loaded for a Model, not {model!r}.")
        self.model = model
        self.path = Path(path)
        self.header = gguf.read(self.path)
        check_header(self.path, self.header)
        self.device = _device(model, device)
        params = native().mtmd_context_params_default()
        params.n_threads = default_threads().count if n_threads is None else threads_to_compute("n_threads", n_threads)
        pointers = find_offload_devices([self.device])
        params.use_gpu = bool(pointers)
        if pointers:
            params.device = pointers[0]
        params.flash_attn_type = check_choice("flash_attention", flash_attention, _FLASH_ATTENTION)
        params.warmup = check_bool("warmup", warmup)
        params.print_timings = False
        params.image_min_tokens, params.image_max_tokens = _check_limits(image_min_tokens, image_max_tokens)
        super().__init__(_load(model, self.path, params), native().mtmd_free, parent=model)
        self._exclusive = ExclusiveUse(
            self.lifetime, kind="projector", remedy="Give each thread a projector of its own."
        )
        self._broken = ""
        marker = native().mtmd_get_marker(self.handle)
        self.marker: str = (marker or b"").decode()

    @property
    def family(self) -> str:
        """The type of the projector, such as `mlp`, `gemma3` or `ultravox`; one with two parts may have two of them."""
        return ", ".join(families(self.header))

    @property
    def supports_images(self) -> bool:
        """True if it takes images."""
        return self.call(native().mtmd_support_vision)

    @property
    def supports_audio(self) -> bool:
        """True if it takes audio."""
        return self.call(native().mtmd_support_audio)

    @property
    def audio_rate(self) -> int | None:
        """The samples a second that Media.from_samples must have, such as 16000; None without audio."""
        rate = self.call(native().mtmd_get_audio_sample_rate)
        return rate if rate > 0 else None

    @property
    def uses_mrope(self) -> bool:
        """True if the model has positions of several dimensions, so that an image takes fewer positions than tokens."""
        return self.call(native().mtmd_decode_use_mrope)

    def read(self, data: bytes, *, limits: MediaLimits | None = None) -> Media:
        """Decode the bytes of a file: an image (PNG, JPEG, GIF, BMP; with Pillow also WebP) or audio (WAV, MP3, FLAC).

        An image is turned as its Exif data says, its transparency is ignored, and of an animated one the first image is
        taken, with a PromptWarning. Audio becomes one channel of `audio_rate` samples a second. What is larger than
        `limits` is refused before it is decoded.

        Raises InputError for other formats, damaged files, too large ones, and media that the projector does not take.
        """
        from llamapack.media_files.sources import check_file, form_of  # imported late, because it imports numpy

        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise InputError(f"The bytes of a file are needed, not {data!r}.", fix="Use Path(...).read_bytes().")
        given = bytes(data)
        form = form_of(given)
        self._require(form)
        file = check_file(given, form, "The file", MediaLimits() if limits is None else limits)
        with self.using() as pointer:
            bitmap, errors = decode_file(file, pointer)
        if bitmap is None:
            raise InputError(
                f"The file of {len(given)} bytes cannot be decoded.",
                why=reason_in(errors),
                fix="It is damaged or truncated, or of a rare kind: convert it, or decode it elsewhere.",
            )
        return Media(bitmap)

    def tokenize(
        self, text: str, media: Iterable[Media] = (), *, add_special: bool = True, parse_special: bool = True
    ) -> Chunks:
        """Split `text` into chunks: each `marker` in it becomes the next one of `media`.

        `add_special` adds the tokens that the vocabulary puts at the beginning and end; `parse_special` reads names of
        special tokens as such. Media are scaled and prepared for the projector here; they can be closed afterwards.

        Raises InputError if there are more or fewer media than markers, and for media that the projector does not take.
        """
        items: Sequence[Any] = check_sequence("media", media)
        for item in items:
            if not isinstance(item, Media):
                raise InputError(
                    f"media must hold Media, not {item!r}.", fix="See Projector.read and Media.from_pixels."
                )
            self._require(item.kind)
        raw = check_c_string("The text", text).encode()
        if (count := text.count(self.marker)) != len(items):
            raise InputError(
                f"The text has {count} markers {self.marker!r}, but there are {len(items)} media.",
                fix="Put one marker into the text for each.",
            )
        chunks = self._tokenize(raw, items, check_bool("add_special", add_special), parse_special)
        return Chunks(self, chunks, parent=self)

    def _tokenize(
        self, text: bytes, items: Sequence[Media], add_special: bool, parse_special: bool
    ) -> api.mtmd_input_chunks_p:
        given = api.mtmd_input_text(
            text=text,
            text_len=len(text),
            add_special=add_special,
            parse_special=check_bool("parse_special", parse_special),
        )
        bitmaps = (api.mtmd_bitmap_p * len(items))(*(item.handle for item in items))
        result, message = ctypes.c_int32(), api.char_p()
        for item in items:
            item.lifetime.hold()
        chunks = native().mtmd_input_chunks_init()
        try:
            with self.using() as pointer, captured_errors() as errors, running():
                status = native().llamapack_media_tokenize(
                    pointer,
                    ctypes.byref(given),
                    bitmaps,
                    len(items),
                    chunks,
                    ctypes.byref(result),
                    ctypes.byref(message),
                )
            errors += take_text(message).splitlines()
            if status != api.llamapack_status.OK or result.value:
                raise InputError("The text and its media cannot be prepared.", why=reason_in(errors))
        except BaseException:
            native().mtmd_input_chunks_free(chunks)
            raise
        finally:
            for item in items:
                item.lifetime.drop()
        return chunks

    def encode(self, chunk: Chunk) -> Floats:
        """Return the embeddings of an image or audio: float32 of shape (chunk.n_tokens, Model.n_embd_inp).

        Raises InputError for a text, and for a chunk of another projector; DecodeError if llama.cpp fails; ThreadError
        while another thread encodes.
        """
        import numpy as np

        self._check_own(chunk)
        if chunk.kind == "text":
            raise InputError("A text has no embeddings of a projector.", fix="Decode its tokens.")
        rows, result, message = api.c_float_p(), ctypes.c_int32(), api.char_p()
        shape = (chunk.n_tokens, self.model.n_embd_inp)
        with self.exclusive(), self.using() as pointer, chunk.chunks.using() as chunks, captured_errors() as errors:
            with running():
                status = native().llamapack_media_encode(
                    pointer,
                    native().mtmd_input_chunks_get(chunks, chunk.index),
                    ctypes.byref(rows),
                    ctypes.byref(result),
                    ctypes.byref(message),
                )
            why = reason_in([*errors, *take_text(message).splitlines()])
            if status != api.llamapack_status.OK:
                self._broken = why or "llama.cpp gave no reason."
            if status != api.llamapack_status.OK or result.value:
                raise DecodeError(f"The {chunk.kind} cannot be encoded.", why=why)
            return np.ctypeslib.as_array(rows, shape).copy()

    def decode(
        self, context: Context, chunks: Iterable[Chunk], *, sequence: int = 0, position: int | None = None
    ) -> int:
        """Read `chunks` into a sequence of `context`, images and audio included; then the next token can be sampled.

        `position` is where they begin (default: after the sequence's last token). Returns the position after them. In a
        model with M-RoPE, that is further than the last position in memory if an image came last: give it to the next
        call then.

        Raises InputError for no chunks, chunks of another projector, and a context of another model; PromptTooLongError
        if there is no room for them; and the errors of Context.decode.
        """
        given = list(chunks)
        checked: object = context
        if not isinstance(checked, Context) or checked.model is not self.model:
            raise InputError("The chunks can only be decoded in a context of the projector's own model.")
        if not given:
            raise InputError("There are no chunks to decode.")
        for chunk in given:
            self._check_own(chunk)
        place = self._begin(context, given, sequence, position)
        for index, chunk in enumerate(given):
            self._decode_chunk(context, chunk, sequence, place, last=index == len(given) - 1)
            place += chunk.n_positions
        return place

    def _begin(self, context: Context, chunks: Sequence[Chunk], sequence: int, position: int | None) -> int:
        with context.exclusive():
            used = context.last_position(context.checked_sequence(sequence)) + 1
        needed, room = sum(chunk.n_tokens for chunk in chunks), context.n_ctx_seq
        if used + needed > room:
            media = sum(chunk.n_tokens for chunk in chunks if chunk.kind != "text")
            raise PromptTooLongError(
                f"{needed} tokens do not fit the context of {room} tokens"
                + (f", of which {used} are used." if used else "."),
                why=f"{media} of them are of images and audio." if media else "",
                fix="Shorten the prompt, give fewer or smaller images, or make the context larger: n_ctx.",
            )
        return used if position is None else check_int("position", position, least=0)

    def _decode_chunk(self, context: Context, chunk: Chunk, sequence: int, place: int, *, last: bool) -> None:
        rows = None if chunk.kind == "text" else self.encode(chunk)
        whole = self._sees_all(chunk)
        if whole and chunk.n_tokens > min(context.n_batch, context.n_ubatch):
            raise InputError(
                f"An {chunk.kind} of {chunk.n_tokens} tokens is more than n_ubatch={context.n_ubatch}.",
                why="This model reads an image as a whole.",
                fix="Make the context with a larger n_batch and n_ubatch.",
            )
        positions = chunk.positions(place)
        for start in range(0, chunk.n_tokens, context.n_batch):
            end = min(start + context.n_batch, chunk.n_tokens)
            outputs: Literal["last", "none"] = "last" if last and end == chunk.n_tokens else "none"
            batch = Batch()
            if rows is None:
                batch.add(chunk.tokens[start:end], sequence=sequence, position=place + start, outputs=outputs)
            elif len(positions) == 1:
                batch.add_embeddings(rows[start:end], sequence=sequence, position=place + start, outputs=outputs)
            else:
                sections = [row[start:end] for row in positions]
                batch.add_embeddings(rows[start:end], sequence=sequence, sections=sections, outputs=outputs)
            with context.attending_to_all(whole):
                context.decode(batch)

    def _sees_all(self, chunk: Chunk) -> bool:
        """Return True if each row of the chunk sees those after it."""
        if chunk.kind == "text":
            return False
        with self.using() as pointer, chunk.chunks.using() as chunks:
            return native().mtmd_decode_use_non_causal(pointer, native().mtmd_input_chunks_get(chunks, chunk.index))

    def exclusive(self) -> ExclusiveUse:
        """For this package: a block in which only this thread encodes; raises ThreadError if another thread does."""
        self.require_open()
        if self._broken:
            raise StateError("This projector cannot be used again: it failed.", why=self._broken, fix="Load it again.")
        return self._exclusive

    def _check_own(self, chunk: object) -> None:
        if not isinstance(chunk, Chunk) or chunk.chunks.projector is not self:
            raise InputError(
                f"A chunk of this projector is needed, not {chunk!r}.", fix="Make it with Projector.tokenize."
            )
        chunk.chunks.require_open()

    def _require(self, kind: Literal["image", "audio"]) -> None:
        if not (self.supports_images if kind == "image" else self.supports_audio):
            raise InputError(
                f"This projector takes no {'images' if kind == 'image' else 'audio'}: {self.path.name}.",
                why=f"Its type is {self.family}.",
                fix="Use a model and a projector that do.",
            )

    def _unused(self) -> ExclusiveUse:
        return self._exclusive

    def __repr__(self) -> str:
        """Show the file, and whether it is closed."""
        return f"<Projector {str(self.path)!r}{' (closed)' if self.closed else ''}>"


def _device(model: Model, device: object) -> str:
    if device is None:
        return model.offload.devices[0].name if model.offload.devices else "CPU"
    return check_c_string("device", device)


def _check_limits(least: int | None, most: int | None) -> tuple[int, int]:
    if least is not None and most is not None and least > most:
        raise InputError(f"image_min_tokens={least} is more than image_max_tokens={most}.")
    checked = [
        -1 if value is None else check_int(name, value, most=1 << 20)
        for name, value in (("image_min_tokens", least), ("image_max_tokens", most))
    ]
    return checked[0], checked[1]


def _load(model: Model, path: Path, params: api.mtmd_context_params) -> api.mtmd_context_p:
    pointer, message = api.mtmd_context_p(), api.char_p()
    with model.using() as handle, captured_errors() as errors, running():
        native().llamapack_projector_load(
            encode_path(path), handle, ctypes.byref(params), ctypes.byref(pointer), ctypes.byref(message)
        )
    errors += take_text(message).splitlines()
    if not pointer:
        why = reason_in(errors)
        other = "mismatch between text model" in why
        raise ModelFormatError(
            f"The projector {path} is made for another model than {model.path}."
            if other
            else f"The projector {path} cannot be loaded.",
            why=why,
            fix="Use the projector that was published with the model." if other else "",
        )
    return pointer
