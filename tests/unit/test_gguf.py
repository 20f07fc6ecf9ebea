"""Files that are no GGUF are refused before llama.cpp sees them, with what is wrong."""

import errno
import os
import struct
from pathlib import Path

import pytest
from llamapack import gguf
from llamapack.errors import ModelFormatError, ModelNotFoundError

GOOD = struct.pack("<4sIQQ", b"GGUF", 3, 1, 1)


def refused(path: Path, kind: type[Exception]) -> str:
    with pytest.raises(kind) as caught:
        gguf.check(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty."),
        (b"GGU", "is truncated."),
        (GOOD[:20], "It ends after 20 bytes, within the header of 24 bytes."),
        (b"GGML" + GOOD, "It begins with b'GGML', not b'GGUF'."),
        (b"PK\x03\x04" + bytes(40), "It looks like a zip archive, such as a PyTorch checkpoint."),
        (b"<!DOCTYPE html>" + bytes(40), "It looks like a web page or JSON: the download may have failed."),
        (
            b"version https://example" + bytes(9),
            "It looks like a Git LFS pointer: the file itself was not fetched.",
        ),
        (b"tjgg" + bytes(40), "It is of llama.cpp's format of before August 2023."),
        (struct.pack("<4sIQQ", b"GGUF", 1, 1, 1), "has GGUF version 1; this llamapack reads 2 and 3."),
        (struct.pack(">4sIQQ", b"GGUF", 3, 1, 1), "It was written for machines of the other byte order."),
    ],
)
def test_what_is_no_gguf_is_refused_with_the_reason(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    assert message in refused(path, ModelFormatError)


def test_a_good_header_passes(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(GOOD)
    gguf.check(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nothing.gguf"
    assert refused(path, ModelNotFoundError).splitlines()[0] == f"There is no file {path}."


def test_a_missing_file_is_a_file_not_found_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="There is no file"):
        gguf.check(tmp_path / "nothing.gguf")


def test_a_folder_is_refused_and_its_models_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").touch()
    message = refused(tmp_path, ModelNotFoundError)
    assert message == f"The model {tmp_path} is a folder.\nIt holds: a.gguf.\nName a .gguf file."


def test_a_file_without_permission_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(GOOD)
    path.chmod(0)
    if os.access(path, os.R_OK):  # root reads everything: say what the system says to others

        def deny(*_: object) -> None:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr(Path, "open", deny)
    assert refused(path, ModelNotFoundError) == (
        f"The model {path} cannot be opened.\nPermission denied\nAsk for permission to read it."
    )


def test_a_path_with_a_nul_is_refused() -> None:
    assert "cannot be opened" in refused(Path("a\0b"), ModelNotFoundError)
