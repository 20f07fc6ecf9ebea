"""Our reader says of a file what llama.cpp's own says, and its native help what its Python does."""

from __future__ import annotations

import ctypes
import random
import struct
from pathlib import Path

import pytest
from llamapack import gguf
from llamapack._native import _generated as api
from llamapack._native.library import encode_path, native
from llamapack.gguf import strings
from llamapack.gguf.formats import TENSOR_TYPES, ValueType


def test_the_tensor_types_are_ggmls() -> None:
    sizes = {}
    for kind in range(api.ggml_type.COUNT):
        if block := native().ggml_blck_size(kind):
            name = (native().ggml_type_name(kind) or b"").decode().upper()
            sizes[kind] = (name, block, native().ggml_type_size(kind))
    assert {id: (kind.name.upper(), kind.block, kind.size) for id, kind in TENSOR_TYPES.items()} == sizes


def test_the_value_types_are_ggufs() -> None:
    theirs = {kind.name: kind.value for kind in api.gguf_type if kind.name != "COUNT"}
    assert {kind.name: kind.value for kind in ValueType} == theirs


def test_keys_tensors_and_places_are_what_llama_cpp_reads(model_path: Path) -> None:
    found = gguf.read(model_path)
    params = api.gguf_init_params()
    params.no_alloc = True
    context = native().gguf_init_from_file(encode_path(model_path), params)
    try:
        library = native()
        keys = [(library.gguf_get_key(context, at) or b"").decode() for at in range(library.gguf_get_n_kv(context))]
        assert list(found.metadata) == keys
        data = library.gguf_get_data_offset(context)
        assert [(tensor.name, tensor.type.id, tensor.offset, tensor.size) for tensor in found.tensors.values()] == [
            (
                (library.gguf_get_tensor_name(context, at) or b"").decode(),
                library.gguf_get_tensor_type(context, at),
                data + library.gguf_get_tensor_offset(context, at),
                library.gguf_get_tensor_size(context, at),
            )
            for at in range(library.gguf_get_n_tensors(context))
        ]
        at = library.gguf_find_key(context, b"tokenizer.ggml.tokens")
        tokens = [
            (library.gguf_get_arr_str(context, at, number) or b"").decode()
            for number in range(library.gguf_get_arr_n(context, at))
        ]
    finally:
        native().gguf_free(context)
    array = found.metadata["tokenizer.ggml.tokens"]
    assert isinstance(array, gguf.Array)
    assert list(array) == tokens


def packed(words: list[bytes]) -> bytes:
    return b"".join(struct.pack("<Q", len(word)) + word for word in words)


@pytest.mark.parametrize("seed", range(20))
def test_strings_are_walked_natively_as_in_python(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    raw = b"??" + packed([chance.randbytes(chance.randrange(300)) for _ in range(chance.randrange(1, 60))])
    raw = raw[: len(raw) - chance.choice([0, 0, 1, 9, 50])]
    if chance.random() < 0.3:
        raw += struct.pack("<Q", chance.choice([2**63, 2**64 - 1, 2**64 - 20]))
    count = chance.randrange(1, 80)
    in_python = strings._walk(raw, 2, count)
    monkeypatch.setattr(strings, "_MANY", 0)
    natively = strings.walk(raw, 2, count)
    # far outside of the data it only matters that it is outside
    assert (min(natively[0], 2**60), natively[1]) == (min(in_python[0], 2**60), in_python[1])


@pytest.mark.parametrize("seed", range(20))
def test_duplicates_are_found_natively_as_in_python(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    words = [b"%d" % number for number in range(chance.randrange(1, 200))]
    odd = [b"", b"7\0x", b"\0", b"[EMPTY_3]", b"12", b"new"]
    for _ in range(chance.choice([0, 1, 2])):
        words[chance.randrange(len(words))] = chance.choice(odd)
    in_python = strings._find_duplicate(packed(words), len(words))
    monkeypatch.setattr(strings, "_MANY", 0)
    assert strings.find_duplicate(packed(words), len(words)) == in_python


def test_what_does_not_lie_in_the_data_is_an_error() -> None:
    data = ctypes.cast(ctypes.c_char_p(packed([b"a"])), api.c_uint8_p)
    first, second, message = ctypes.c_int64(), ctypes.c_int64(), api.char_p()
    for size, count in ((9, 2), (8, 1), (0, 1), (9, 2**60)):
        status = native().llamapack_gguf_find_duplicate(
            data, size, count, ctypes.byref(first), ctypes.byref(second), ctypes.byref(message)
        )
        native().llamapack_string_free(message)
        assert status == api.llamapack_status.INVALID
