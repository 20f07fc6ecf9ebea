"""Look at a GGUF file before llama.cpp does, so that what is wrong with it can be said plainly.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import struct
from pathlib import Path

from llamapack.errors import ModelFormatError, ModelNotFoundError

MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_HEADER = struct.Struct("<4sIQQ")  # magic, version, number of tensors, number of metadata entries
_DOWNLOAD_AGAIN = "Get the file again and compare its checksum."


def check(path: Path) -> None:
    """Refuse what cannot be a GGUF file.

    Raises ModelNotFoundError where nothing can be opened, and ModelFormatError where the beginning is not GGUF's.
    """
    header = _read_header(path)
    if not header:
        raise ModelFormatError(f"The model {path} is empty.", fix=_DOWNLOAD_AGAIN)
    if header[:4] != MAGIC[: len(header)]:
        raise ModelFormatError(
            f"The model {path} is not a GGUF file.",
            why=f"It begins with {header[:4]!r}, not {MAGIC!r}.{_guess(header)}",
            fix="llama.cpp runs GGUF files only; models in other formats are converted first.",
        )
    if len(header) < _HEADER.size:
        raise ModelFormatError(
            f"The model {path} is truncated.",
            why=f"It ends after {len(header)} bytes, within the header of {_HEADER.size} bytes.",
            fix=_DOWNLOAD_AGAIN,
        )
    version = _HEADER.unpack(header)[1]
    if version not in _VERSIONS:
        swapped = int.from_bytes(version.to_bytes(4, "little"), "big") in _VERSIONS
        raise ModelFormatError(
            f"The model {path} has GGUF version {version}; this llamapack reads {' and '.join(map(str, _VERSIONS))}.",
            why="It was written for machines of the other byte order." if swapped else "",
            fix="Convert the model again with a present-day converter.",
        )


def _read_header(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEADER.size)
    except IsADirectoryError:
        inside = sorted(path.glob("*.gguf"))
        hint = f"It holds: {', '.join(file.name for file in inside[:5])}." if inside else ""
        raise ModelNotFoundError(f"The model {path} is a folder.", why=hint, fix="Name a .gguf file.") from None
    except FileNotFoundError:
        raise ModelNotFoundError(
            f"There is no file {path}.", why=f"Python looked from {Path.cwd()}.", fix="Check the path."
        ) from None
    except PermissionError as error:
        if path.is_dir():  # what Windows says of a folder
            raise ModelNotFoundError(f"The model {path} is a folder.", fix="Name a .gguf file.") from None
        raise ModelNotFoundError(
            f"The model {path} cannot be opened.",
            why=str(error.strerror),
            fix="Ask for permission to read it.",
        ) from None
    except (OSError, ValueError) as error:
        raise ModelNotFoundError(f"The model {path} cannot be opened.", why=str(error), fix="Check the path.") from None


def _guess(header: bytes) -> str:
    if header[:2] == b"PK":
        return " It looks like a zip archive, such as a PyTorch checkpoint."
    if header[:4] in (b"lmgg", b"tjgg", b"fmgg"):
        return " It is of llama.cpp's format of before August 2023."
    if header.lstrip()[:1] in (b"<", b"{"):
        return " It looks like a web page or JSON: the download may have failed."
    if header.startswith(b"version "):
        return " It looks like a Git LFS pointer: the file itself was not fetched."
    return ""
