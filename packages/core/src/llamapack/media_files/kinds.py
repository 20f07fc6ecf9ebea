"""Recognise what kind of file it is by its first bytes: names of files say nothing of what is in them."""

from __future__ import annotations

IMAGES = ("png", "jpeg", "bmp", "gif")
"""Images that llama.cpp decodes; it is given no others."""
AUDIO = ("wav", "mp3", "flac")
"""Audio that llama.cpp decodes."""

_BEGINNINGS = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"BM": "bmp",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
    b"fLaC": "flac",
    b"ID3": "mp3",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"OggS": "ogg",
    b"\0\0\1\0": "ico",
    b"\0\0\0\x0cjP  ": "jpeg 2000",
    b"%PDF": "pdf",
    b"<svg": "svg",
    b"<?xml": "xml",
    b"8BPS": "psd",
}
_RIFF = {b"WAVE": "wav", b"WEBP": "webp", b"AVI ": "avi"}
_BRANDS = {b"avif": "avif", b"avis": "avif", b"heic": "heic", b"heix": "heic", b"mif1": "heic", b"M4A ": "m4a"}


def kind_of(data: bytes) -> str:
    """Return the kind of file, such as "png"; empty if it is not recognised."""
    if data[:4] == b"RIFF":
        return _RIFF.get(data[8:12], "")
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12], "mp4")
    for beginning, kind in _BEGINNINGS.items():
        if data.startswith(beginning):
            return kind
    # the eleven bits that every frame begins with, and a layer, which is never 0
    return "mp3" if len(data) > 3 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0 and data[1] & 0x06 else ""


def described(data: bytes) -> str:
    """Say what it is, for messages."""
    if not data:
        return "It is empty."
    kind = kind_of(data)
    return f"It is a file of kind {kind}." if kind else f"It begins with {data[:8]!r}."
