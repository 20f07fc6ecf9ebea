"""Files that are no sound GGUF are refused before llama.cpp sees them, with the byte and the reason."""

import errno
import os
import struct
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from llamapack import gguf
from llamapack.errors import ModelFormatError, ModelNotFoundError
from llamapack.gguf.formats import ValueType

from tests.support.gguf.files import (
    Description,
    Encoded,
    MarkKind,
    Value,
    Values,
    array,
    encode,
    text,
    tiny_model,
    uint32,
)

GOOD = struct.pack("<4sIQQ", b"GGUF", 3, 0, 0)
FIX = "Get the file again and compare its checksum."


def refused(path: Path, kind: type[Exception]) -> str:
    with pytest.raises(kind) as caught:
        gguf.check(path)
    return str(caught.value)


def fault(tmp_path: Path, encoded: Encoded) -> str:
    """Return the line that says what is wrong."""
    path = tmp_path / "model.gguf"
    path.write_bytes(encoded.data)
    what, why, fix = refused(path, ModelFormatError).splitlines()
    assert what == f"The model {path} is damaged or incomplete."
    assert fix == FIX
    return why


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty."),
        (b"GGU", "is damaged or incomplete."),
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


@pytest.mark.parametrize("version", [2, 3])
def test_a_sound_file_passes(tmp_path: Path, version: int) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(encode(replace(tiny_model(), version=version)).data)
    gguf.check(path)
    assert gguf.read(path).version == version


def test_an_empty_but_whole_header_passes(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(GOOD)
    gguf.check(path)


TINY = encode(tiny_model())
SIZE = len(TINY.data)


@pytest.mark.parametrize(
    ("label", "kind", "raw", "why"),
    [
        ("tensors", "count", struct.pack("<Q", 2**63), f"{2**63} tensors are announced; at most 65536 are allowed."),
        ("entries", "count", struct.pack("<Q", 2**40), f"{2**40} metadata entries are announced; at most 65536"),
        ("key general.name", "length", struct.pack("<Q", 0), "The key of metadata entry 1 is empty."),
        (
            "key general.name",
            "length",
            struct.pack("<Q", 2**60),
            f"claims {2**60} bytes, but the file ends after {SIZE}.",
        ),
        ("key general.name", "text", b"general.n\0me", "There is a NUL byte in a key: b'general.n\\x00me'."),
        ("general.name", "type", struct.pack("<I", 13), "The value of 'general.name' has the unknown type 13."),
        (
            "general.name",
            "length",
            struct.pack("<Q", 2**63),
            f"the value of general.name claims {2**63} bytes, but the file ends after {SIZE}.",
        ),
        ("general.alignment", "type", struct.pack("<I", 5), "general.alignment must be a uint32, not an int32."),
        ("general.alignment", "number", struct.pack("<I", 0), "general.alignment is 0, which is not a power of 2."),
        ("general.alignment", "number", struct.pack("<I", 24), "general.alignment is 24, which is not a power of 2."),
        (
            "tokenizer.ggml.tokens",
            "count",
            struct.pack("<Q", 2**20 + 1),
            "The array 'tokenizer.ggml.tokens' has 1048577 elements; at most 1048576 are allowed.",
        ),
        (
            "tokenizer.ggml.token_type",
            "count",
            struct.pack("<Q", 2**29),
            "The array 'tokenizer.ggml.token_type' has 536870912 elements of 4 bytes or more, "
            f"but the file ends after {SIZE}.",
        ),
        (
            "item tokenizer.ggml.tokens",
            "type",
            struct.pack("<I", 9),
            "The array 'tokenizer.ggml.tokens' holds arrays, which llama.cpp does not read.",
        ),
        (
            "tokenizer.ggml.tokens",
            "length",
            struct.pack("<Q", 2**64 - 1),
            f"a string of the array tokenizer.ggml.tokens claims {2**64 - 1} bytes, but the file ends after {SIZE}.",
        ),
        ("tensor output_norm.weight", "length", struct.pack("<Q", 64), "has 64 bytes; at most 63 are allowed."),
        (
            "dimensions output_norm.weight",
            "count",
            struct.pack("<I", 5),
            "The tensor 'output_norm.weight' has 5 dimensions; at most 4 are allowed.",
        ),
        (
            "tensor output_norm.weight",
            "type",
            struct.pack("<I", 4),
            "The tensor 'output_norm.weight' has the unknown type 4.",
        ),
        (
            "token_embd.weight",
            "dimension",
            struct.pack("<Q", 33),
            "The tensor 'token_embd.weight' has 33 numbers in a row, which blocks of 32 (Q8_0) do not fill.",
        ),
        (
            "token_embd.weight",
            "dimension",
            struct.pack("<Q", 2**62),
            f"The tensor 'token_embd.weight' of shape [{2**62}, 268] is too large for any machine.",
        ),
        (
            "output_norm.weight",
            "offset",
            struct.pack("<Q", 32),
            "The tensor 'output_norm.weight' has the offset 32; expected 9120.",
        ),
    ],
)
def test_a_wrong_field_is_named_with_its_byte(tmp_path: Path, label: str, kind: MarkKind, raw: bytes, why: str) -> None:
    encoded = encode(tiny_model())
    mark = encoded.find(label, kind)
    encoded.data[mark.at : mark.at + mark.size] = raw
    message = fault(tmp_path, encoded)
    assert why in message
    at = int(message.split(":")[0].removeprefix("At byte "))
    assert 0 < at <= mark.at + mark.size


def test_the_second_of_two_equal_keys_is_refused(tmp_path: Path) -> None:
    encoded = encode(Description(values={"a": uint32(1), "b": uint32(2)}))
    mark = encoded.find("key b", "text")
    encoded.data[mark.at] = ord("a")
    assert fault(tmp_path, encoded) == f"At byte {mark.at - 8}: The key 'a' occurs twice."


def test_the_second_of_two_equal_tensors_is_refused(tmp_path: Path) -> None:
    model = tiny_model()
    encoded = encode(replace(model, tensors=(*model.tensors, replace(model.tensors[1], offset=None))))
    assert fault(tmp_path, encoded).endswith("The tensor 'output_norm.weight' occurs twice.")


@pytest.mark.parametrize("size", [30, 100, 1000, 4000, SIZE - 3000, SIZE - 1])
def test_a_file_that_ends_early_is_refused(tmp_path: Path, size: int) -> None:
    encoded = encode(tiny_model())
    del encoded.data[size:]
    assert fault(tmp_path, encoded).endswith(f"but the file ends after {size}.")


def test_a_long_string_across_the_window_is_walked(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    words = ["a" * 300_000, "", "b" * 700_000, "c"]
    described = Description(values={"words": array(ValueType.STRING, words), "end": text("here")})
    path.write_bytes(encode(described).data)
    found = gguf.read(path)
    assert found.metadata["end"] == "here"
    words_found = found.metadata["words"]
    assert isinstance(words_found, gguf.Array)
    assert list(words_found) == words


def test_every_type_of_value_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    values: dict[ValueType, int | float | bool] = {
        ValueType.UINT8: 255,
        ValueType.INT8: -128,
        ValueType.UINT16: 65535,
        ValueType.INT16: -32768,
        ValueType.UINT32: 2**32 - 1,
        ValueType.INT32: -(2**31),
        ValueType.FLOAT32: 0.5,
        ValueType.BOOL: True,
        ValueType.UINT64: 2**64 - 1,
        ValueType.INT64: -(2**63),
        ValueType.FLOAT64: 0.1,
    }
    described = Description(
        values={
            **{kind.label: Value(type=kind, value=value) for kind, value in values.items()},
            **{f"{kind.label}s": array(kind, [value, value]) for kind, value in values.items()},
            "string": text("größe"),
            "long": text("x" * 5000),
            "bytes": text(b"\xff\xfe"),
            "empty": array(ValueType.STRING, []),
        }
    )
    path.write_bytes(encode(described).data)
    metadata = gguf.read(path).metadata
    plain = {key: value for key, value in metadata.items() if not isinstance(value, gguf.Array)}
    assert plain == {
        **{kind.label: value for kind, value in values.items()},
        "string": "größe",
        "long": "x" * 5000,
        "bytes": "\udcff\udcfe",
    }
    arrays = {key: list(value) for key, value in metadata.items() if isinstance(value, gguf.Array)}
    assert arrays == {**{f"{kind.label}s": [value, value] for kind, value in values.items()}, "empty": []}
    assert metadata.type("string") is ValueType.STRING


def test_tensors_have_name_shape_type_place_and_size(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(TINY.data)
    found = gguf.read(path)
    tensor = found.tensors["token_embd.weight"]
    assert (tensor.shape, tensor.type.name, tensor.size, tensor.n_elements) == ((32, 268), "Q8_0", 268 * 34, 32 * 268)
    for name, each in found.tensors.items():
        mark = TINY.find(name, "data")
        assert (each.offset, each.size) == (mark.at, mark.size)
    assert (found.file_size, found.alignment, found.paths) == (SIZE, 32, (path,))


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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe.gguf"
    os.mkfifo(path)
    assert refused(path, ModelNotFoundError).splitlines()[0] == f"The model {path} is not a regular file."


def test_a_file_without_permission_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(GOOD)
    path.chmod(0)
    if os.access(path, os.R_OK):  # root reads everything: say what the system says to others

        def deny(*_: object, **__: object) -> None:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr(Path, "open", deny)
    assert refused(path, ModelNotFoundError) == (
        f"The model {path} cannot be opened.\nPermission denied\nAsk for permission to read it."
    )


def test_a_path_with_a_nul_is_refused() -> None:
    assert "cannot be opened" in refused(Path("a\0b"), ModelNotFoundError)


def test_reading_takes_little_memory_however_large_the_file_is(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    words = ["x" * 500] * 20_000
    values: Values = {"tokens": array(ValueType.STRING, words), "scores": array(ValueType.FLOAT32, [0.5] * 20_000)}
    path.write_bytes(encode(Description(values=values)).data)
    assert path.stat().st_size > 10_000_000
    gguf.read(path)  # imports what it needs
    tracemalloc.start()
    try:
        found = gguf.read(path)
        counted = sum(1 for array in found.metadata.values() if isinstance(array, gguf.Array) for _ in array)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert counted == 40_000
    assert peak < 1_000_000


def test_an_array_is_read_only_when_it_is_iterated(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(TINY.data)
    tokens = gguf.read(path).metadata["tokenizer.ggml.tokens"]
    assert isinstance(tokens, gguf.Array)
    assert (len(tokens), tokens.type) == (268, ValueType.STRING)
    first = next(iter(tokens))
    assert first == "<|endoftext|>"
    path.unlink()
    with pytest.raises(ModelNotFoundError):
        list(tokens)
