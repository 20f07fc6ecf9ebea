"""An image or audio, decoded."""

from __future__ import annotations

import ctypes
import hashlib
from typing import TYPE_CHECKING, Literal

from llamapack._native import _generated as api
from llamapack._native.library import native
from llamapack._native.owner import Owner
from llamapack._util.arguments import INT32_MAX
from llamapack.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from llamapack._native.arrays import Floats

    Pixels = NDArray[np.uint8]


class Media(Owner[api.mtmd_bitmap_p]):
    """An image or audio in memory. Threads may share it, and several projectors may use it.

    Make it with `Media.from_pixels`, `Media.from_samples`, or from the bytes of a file with `Projector.read`.
    """

    _kind = "media"

    def __init__(self, pointer: api.mtmd_bitmap_p) -> None:
        """For this package: take ownership of a native bitmap."""
        super().__init__(pointer, native().mtmd_bitmap_free)

    @classmethod
    def from_pixels(cls, pixels: Pixels) -> Media:
        """Make an image from RGB bytes: an array of uint8, of shape (height, width, 3), which is copied.

        Raises InputError for another shape or type.
        """
        import numpy as np

        array = np.asarray(pixels)
        if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or not array.size:
            raise InputError(
                f"An image must be an array of uint8, of shape (height, width, 3), not {array.dtype} of {array.shape}.",
                fix='With Pillow: numpy.asarray(image.convert("RGB")).',
            )
        height, width, _ = array.shape
        if height * width > INT32_MAX // 3:
            raise InputError(f"The image has {width} x {height} pixels, more than {INT32_MAX // 3}.")
        array = np.ascontiguousarray(array)
        data = ctypes.cast(array.ctypes.data, ctypes.POINTER(ctypes.c_uint8))
        return cls._identified(native().mtmd_bitmap_init(width, height, data), array)

    @classmethod
    def from_samples(cls, samples: Floats) -> Media:
        """Make audio from one channel of samples from -1 to 1: an array of floats, of shape (count,), which is copied.

        The projector decides how many of them are a second: see `Projector.audio_rate`. Raises InputError for another
        shape, no samples, and numbers that are not finite.
        """
        import numpy as np

        array = np.ascontiguousarray(samples, dtype=np.float32)
        if array.ndim != 1 or not array.size:
            raise InputError(
                f"Audio must be an array of floats, of shape (count,), not {array.shape}.",
                fix="Give one channel, or the mean of the channels.",
            )
        if not np.isfinite(array).all():
            raise InputError("Audio must be finite numbers, and this has some that are not.")
        data = ctypes.cast(array.ctypes.data, ctypes.POINTER(ctypes.c_float))
        return cls._identified(native().mtmd_bitmap_init_from_audio(array.size, data), array)

    @classmethod
    def _identified(cls, pointer: api.mtmd_bitmap_p, array: NDArray[np.generic]) -> Media:
        native().mtmd_bitmap_set_id(pointer, hashlib.sha256(array.tobytes()).hexdigest().encode())
        return cls(pointer)

    @property
    def kind(self) -> Literal["image", "audio"]:
        """What it is."""
        return "audio" if self.call(native().mtmd_bitmap_is_audio) else "image"

    @property
    def id(self) -> str:
        """A hash of the file, or of the numbers that it was made from: equal for equal content."""
        return (self.call(native().mtmd_bitmap_get_id) or b"").decode("utf-8", "replace")

    @property
    def n_samples(self) -> int | None:
        """The number of samples of audio; None for an image."""
        return self.call(native().mtmd_bitmap_get_n_bytes) // 4 if self.kind == "audio" else None

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of an image, in pixels; None for audio."""
        if self.kind == "audio":
            return None
        return self.call(native().mtmd_bitmap_get_nx), self.call(native().mtmd_bitmap_get_ny)

    def to_array(self) -> Pixels | Floats:
        """Return a copy: the pixels, uint8 of shape (height, width, 3), or the samples, float32 of shape (count,)."""
        import numpy as np

        with self.using() as pointer:
            count = native().mtmd_bitmap_get_n_bytes(pointer)
            data = ctypes.string_at(native().mtmd_bitmap_get_data(pointer), count)
        if self.size is None:
            return np.frombuffer(data, dtype=np.float32).copy()
        width, height = self.size
        return np.frombuffer(data, dtype=np.uint8).reshape(height, width, 3).copy()

    def __repr__(self) -> str:
        """Show what it is, how large, and whether it is closed."""
        if self.closed:
            return "<Media (closed)>"
        size = f"{self.n_samples} samples" if self.size is None else f"{self.size[0]} x {self.size[1]} pixels"
        return f"<Media: {self.kind}, {size}>"
