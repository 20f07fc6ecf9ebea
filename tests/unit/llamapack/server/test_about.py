"""What lists of models say of their files: read once, and again when they are others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from llamapack import gguf
from llamapack.errors import ModelFormatError
from llamapack.server.ollama.about import Outlines

from tests.support.reference.made_models import write_model


def test_a_file_is_read_once_for_as_long_as_it_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_model(tmp_path / "a.gguf", "llama", words="abcd")
    reads: list[Path] = []
    read = gguf.read

    def counted(path: Path) -> gguf.Gguf:
        reads.append(path)
        return read(path)

    monkeypatch.setattr(gguf, "read", counted)
    outlines = Outlines()
    first = outlines.of(path)
    assert (first.architecture, first.size) == ("llama", path.stat().st_size)
    assert outlines.of(path) is first
    assert len(reads) == 1
    write_model(path, "bert", words="abcd")
    os.utime(path, ns=(1, 1))  # so that it is another time, however quick this was
    second = outlines.of(path)
    assert (second.architecture, len(reads)) == ("bert", 2)
    assert second.digest != first.digest


def test_a_file_that_is_gone_or_damaged_is_an_error_each_time(tmp_path: Path) -> None:
    path = write_model(tmp_path / "a.gguf", "llama", words="abcd")
    outlines = Outlines()
    outlines.of(path)
    path.write_bytes(b"GGUF")
    for _ in range(2):
        with pytest.raises(ModelFormatError):
            outlines.of(path)
    path.unlink()
    with pytest.raises(OSError, match=r"a\.gguf"):
        outlines.of(path)
