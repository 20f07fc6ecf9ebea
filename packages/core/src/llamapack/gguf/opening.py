"""Open a file; raise an error with the reason if it cannot be opened or is not a GGUF file."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from llamapack.errors import LlamapackError, ModelError, ModelFormatError, ModelNotFoundError
from llamapack.gguf.parser import HEADER, MAGIC, VERSIONS
from llamapack.gguf.window import DamageError, Window

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
DOWNLOAD_AGAIN = "Get the file again and compare its checksum."


@contextmanager
def opened(path: Path) -> Iterator[Window]:
    """Open the GGUF file at `path`.

    Raises ModelNotFoundError if it cannot be opened, and ModelFormatError if it does not begin as a GGUF file or if the
    block raises DamageError.
    """
    with _open(path) as file:
        try:
            yield begin(file, os.fstat(file.fileno()).st_size, path)
        except DamageError as error:
            raise damaged(path, str(error)) from None
        except OSError as error:
            if isinstance(error, LlamapackError):
                raise
            raise ModelError(f"The model {path} cannot be read.", why=str(error), fix="Check the disk.") from error


def begin(file: BinaryIO, size: int, path: Path) -> Window:
    """Return a view of a file of `size` bytes; raises ModelFormatError if it does not begin as a GGUF file."""
    _check_beginning(path, file.read(HEADER.size))
    return Window(file, size)


def damaged(path: Path, why: str) -> ModelFormatError:
    """Return the error for a file that is damaged, with the reason `why`."""
    return ModelFormatError(f"The model {path} is damaged or incomplete.", why=why, fix=DOWNLOAD_AGAIN)


def _open(path: Path) -> BinaryIO:
    try:
        # opening a pipe would wait for a writer, and a device has no end
        if not stat.S_ISREG(mode := path.stat().st_mode) and not stat.S_ISDIR(mode):
            raise ModelNotFoundError(f"The model {path} is not a regular file.", fix="Name a .gguf file.")
        return path.open("rb", buffering=0)
    except IsADirectoryError:
        inside = sorted(path.glob("*.gguf"))
        hint = f"It holds: {', '.join(file.name for file in inside[:5])}." if inside else ""
        raise ModelNotFoundError(f"The model {path} is a folder.", why=hint, fix="Name a .gguf file.") from None
    except ModelNotFoundError:
        raise
    except FileNotFoundError:
        raise ModelNotFoundError(
            f"There is no file {path}.",
            why=f"Python looked from {Path.cwd()}.",
            fix=f"Check the path. A model on the hub is named hf:{path}."
            if _REPOSITORY.fullmatch(str(path))
            else "Check the path.",
        ) from None
    except PermissionError as error:
        if path.is_dir():  # the error that Windows gives for a folder
            raise ModelNotFoundError(f"The model {path} is a folder.", fix="Name a .gguf file.") from None
        raise ModelNotFoundError(
            f"The model {path} cannot be opened.",
            why=str(error.strerror),
            fix="Ask for permission to read it.",
        ) from None
    except (OSError, ValueError) as error:
        raise ModelNotFoundError(f"The model {path} cannot be opened.", why=str(error), fix="Check the path.") from None


def _check_beginning(path: Path, header: bytes) -> None:
    if not header:
        raise ModelFormatError(f"The model {path} is empty.", fix=DOWNLOAD_AGAIN)
    if header[:4] != MAGIC[: len(header)]:
        raise ModelFormatError(
            f"The model {path} is not a GGUF file.",
            why=f"It begins with {header[:4]!r}, not {MAGIC!r}.{_guess(header)}",
            fix="llama.cpp runs GGUF files only; models in other formats are converted first.",
        )
    if len(header) < HEADER.size:
        raise damaged(path, f"It ends after {len(header)} bytes, within the header of {HEADER.size} bytes.")
    version = int(HEADER.unpack(header)[1])
    if version not in VERSIONS:
        swapped = int.from_bytes(version.to_bytes(4, "little"), "big") in VERSIONS
        raise ModelFormatError(
            f"The model {path} has GGUF version {version}; this llamapack reads {' and '.join(map(str, VERSIONS))}.",
            why="It was written for machines of the other byte order." if swapped else "",
            fix="Convert the model again with a present-day converter.",
        )


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
