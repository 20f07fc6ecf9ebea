"""How large images and audio may be."""

from __future__ import annotations

from dataclasses import dataclass

from llamapack._util.arguments import check_int, check_number


@dataclass(frozen=True, kw_only=True)
class MediaLimits:
    """How large images and audio may be; all of it is checked before they are decoded.

    No file that is let pass takes much more than two seconds of a processor to decode with these defaults.
    `file_bytes` holds for every file, and `image_pixels` is width times height. `fetch_seconds` is the time that
    getting a file from a web server may take in all, and `redirects` how often the server may name another address.

    Raises InputError for values that are out of range.
    """

    file_bytes: int = 32 << 20
    image_pixels: int = 24_000_000
    audio_seconds: float = 900.0
    fetch_seconds: float = 20.0
    redirects: int = 3

    def __post_init__(self) -> None:
        """Check the values."""
        check_int("file_bytes", self.file_bytes)
        check_int("image_pixels", self.image_pixels)
        check_number("audio_seconds", self.audio_seconds, 0, 86400)
        check_number("fetch_seconds", self.fetch_seconds, 0, 3600)
        check_int("redirects", self.redirects, 0, 20)
