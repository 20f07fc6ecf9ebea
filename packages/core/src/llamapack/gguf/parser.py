"""Parse the header of a GGUF file, and check each of its fields.

After the checks, all counts, types, lengths, shapes and offsets fit the file's size and llama.cpp's own limits, so that
llama.cpp's parser accepts the file, too.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from llamapack.gguf.formats import SCALARS, TENSOR_TYPES, TensorType, ValueType
from llamapack.gguf.window import DamageError, Window

MAGIC = b"GGUF"
VERSIONS = (2, 3)
HEADER = struct.Struct("<4sIQQ")  # magic, version, number of tensors, number of metadata entries

# Far above what models have, and low enough that a wrong count costs little time and memory.
MAX_ENTRIES = 1 << 16
MAX_TENSORS = 1 << 16
MAX_KEY_BYTES = 1 << 16
MAX_KEYS_BYTES = 1 << 24
MAX_ARRAY_STRINGS = 1 << 20
MAX_STRINGS_BYTES = 1 << 26
MAX_ARRAY_NUMBERS = 1 << 30  # llama.cpp's own limit, as the next three
MAX_NAME_BYTES = 63
MAX_DIMENSIONS = 4
MAX_SIZE = 2**63 - 1

_TYPE = struct.Struct("<I")
_ARRAY = struct.Struct("<IQ")
_TENSORS = tuple(struct.Struct(f"<{n}QIQ") for n in range(MAX_DIMENSIONS + 1))  # shape, type, offset
_DEFAULT_ALIGNMENT = 32
_KEPT_STRING = 1024  # longer ones are read again when they are asked for


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One metadata entry: its type, where its value is in the file, and the value itself if it is small."""

    type: ValueType
    at: int
    item: ValueType | None = None  # of an array
    count: int = 1
    size: int = 0  # of an array, in bytes
    value: int | float | bool | bytes | None = None


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """A tensor: its shape has the fastest dimension first; `offset` and `size` are in bytes of the file."""

    name: str
    shape: tuple[int, ...]
    type: TensorType
    offset: int
    size: int
    part: int = 0  # which file of a split model it is in

    @property
    def n_elements(self) -> int:
        """The number of elements."""
        count = 1
        for length in self.shape:
            count *= length
        return count


@dataclass(frozen=True, kw_only=True)
class Header:
    """Everything that precedes the tensors' data."""

    version: int
    entries: dict[str, Entry]
    tensors: dict[str, Tensor]
    alignment: int
    data_offset: int


def parse(window: Window) -> Header:
    """Parse the header of the file; raises DamageError at the first thing that is wrong."""
    _, version, n_tensors, n_entries = window.unpack(0, HEADER, "the header")
    if n_tensors > MAX_TENSORS:
        raise DamageError(8, f"{n_tensors} tensors are announced; at most {MAX_TENSORS} are allowed.")
    if n_entries > MAX_ENTRIES:
        raise DamageError(16, f"{n_entries} metadata entries are announced; at most {MAX_ENTRIES} are allowed.")
    entries, at = _parse_entries(window, n_entries)
    alignment = _alignment(entries)
    tensors, at = _parse_tensors(window, at, n_tensors)
    data_offset = _pad(at, alignment) if tensors else at
    return Header(
        version=version,
        entries=entries,
        tensors=_place(window, tensors, data_offset, alignment),
        alignment=alignment,
        data_offset=data_offset,
    )


def _parse_entries(window: Window, count: int) -> tuple[dict[str, Entry], int]:
    entries: dict[str, Entry] = {}
    at, key_bytes = HEADER.size, 0
    for number in range(count):
        raw = window.string(at, f"the key of metadata entry {number}", MAX_KEY_BYTES)
        key = _text(raw, at + 8, "a key")
        if not key:
            raise DamageError(at, f"The key of metadata entry {number} is empty.")
        if key in entries:
            raise DamageError(at, f"The key {key!r} occurs twice.")
        key_bytes += len(raw)
        if key_bytes > MAX_KEYS_BYTES:
            raise DamageError(at, f"The metadata keys have more than {MAX_KEYS_BYTES} bytes together.")
        entries[key], at = _parse_value(window, at + 8 + len(raw), key)
    return entries, at


def _parse_value(window: Window, at: int, key: str) -> tuple[Entry, int]:
    kind = _value_type(window.unpack(at, _TYPE, f"the type of {key}")[0], at, key)
    at += _TYPE.size
    if kind is ValueType.ARRAY:
        return _parse_array(window, at, key)
    if kind is ValueType.STRING:
        size = window.string_size(at, f"the value of {key}")
        value = window.string(at, key, size) if size <= _KEPT_STRING else None
        return Entry(type=kind, at=at, value=value), at + 8 + size
    form = SCALARS[kind]
    (number,) = window.unpack(at, form, f"the value of {key}")
    return Entry(type=kind, at=at, value=number), at + form.size


def _parse_array(window: Window, at: int, key: str) -> tuple[Entry, int]:
    type_id, count = window.unpack(at, _ARRAY, f"the array {key}")
    item = _value_type(type_id, at, key)
    if item is ValueType.ARRAY:
        raise DamageError(at, f"The array {key!r} holds arrays, which llama.cpp does not read.")
    limit = MAX_ARRAY_STRINGS if item is ValueType.STRING else MAX_ARRAY_NUMBERS
    width = 8 if item is ValueType.STRING else SCALARS[item].size
    if count > limit:
        raise DamageError(at, f"The array {key!r} has {count} elements; at most {limit} are allowed.")
    start = at + _ARRAY.size
    if count * width > window.size - start:
        raise DamageError(
            at,
            f"The array {key!r} has {count} elements of {width} bytes or more, but the file ends after {window.size}.",
        )
    if item is ValueType.STRING:
        end = window.skip_strings(start, count, f"a string of the array {key}")
        if end - start > MAX_STRINGS_BYTES:
            raise DamageError(
                at, f"The array {key!r} has {end - start} bytes; at most {MAX_STRINGS_BYTES} are allowed."
            )
    else:
        end = start + count * width
    return Entry(type=ValueType.ARRAY, at=start, item=item, count=count, size=end - start), end


def _value_type(number: int, at: int, key: str) -> ValueType:
    try:
        return ValueType(number)
    except ValueError:
        raise DamageError(at, f"The value of {key!r} has the unknown type {number}.") from None


def _alignment(entries: dict[str, Entry]) -> int:
    entry = entries.get("general.alignment")
    if entry is None:
        return _DEFAULT_ALIGNMENT
    if entry.type is not ValueType.UINT32 or not isinstance(entry.value, int):
        raise DamageError(entry.at, f"general.alignment must be a uint32, not {_article(entry.type)}.")
    if entry.value == 0 or entry.value & (entry.value - 1):
        raise DamageError(entry.at, f"general.alignment is {entry.value}, which is not a power of 2.")
    return entry.value


@dataclass(kw_only=True, slots=True)  # not frozen: models have thousands of them, and that is slower
class _Announced:
    """A tensor as the header describes it."""

    name: str
    at: int
    shape: tuple[int, ...]
    type: TensorType
    offset: int  # from the beginning of the data
    size: int


def _parse_tensors(window: Window, at: int, count: int) -> tuple[list[_Announced], int]:
    tensors: list[_Announced] = []
    names: set[str] = set()
    for number in range(count):
        tensor, at = _parse_tensor(window, at, number)
        if tensor.name in names:
            raise DamageError(tensor.at, f"The tensor {tensor.name!r} occurs twice.")
        names.add(tensor.name)
        tensors.append(tensor)
    return tensors, at


def _parse_tensor(window: Window, at: int, number: int) -> tuple[_Announced, int]:
    begin = at
    raw = window.string(at, f"the name of tensor {number}", MAX_NAME_BYTES)
    name = _text(raw, at + 8, "a tensor's name")
    at += 8 + len(raw)
    (n_dimensions,) = window.unpack(at, _TYPE, "a tensor")
    if n_dimensions > MAX_DIMENSIONS:
        raise DamageError(
            at, f"The tensor {name!r} has {n_dimensions} dimensions; at most {MAX_DIMENSIONS} are allowed."
        )
    form = _TENSORS[n_dimensions]
    *shape, type_id, offset = window.unpack(at + 4, form, "a tensor")
    at += 4 + form.size
    kind = TENSOR_TYPES.get(type_id)
    if kind is None:
        raise DamageError(at - 12, f"The tensor {name!r} has the unknown type {type_id}.")
    size = _tensor_size(name, begin, shape, kind)
    return _Announced(name=name, at=begin, shape=tuple(shape), type=kind, offset=offset, size=size), at


def _tensor_size(name: str, at: int, shape: list[int], kind: TensorType) -> int:
    row = shape[0] if shape else 1
    if row % kind.block:
        raise DamageError(
            at,
            f"The tensor {name!r} has {row} numbers in a row, which blocks of {kind.block} ({kind.name}) do not fill.",
        )
    count = 1
    for length in shape:
        count *= length or 1  # as llama.cpp multiplies, which could overflow there
    if max(count, count // kind.block * kind.size) > MAX_SIZE:
        raise DamageError(at, f"The tensor {name!r} of shape {shape} is too large for any machine.")
    return 0 if 0 in shape else count // kind.block * kind.size


def _place(window: Window, tensors: list[_Announced], start: int, alignment: int) -> dict[str, Tensor]:
    """Return the tensors with their offsets in the file; they must be contiguous, with padding, and end within it."""
    placed: dict[str, Tensor] = {}
    expected = 0
    for tensor in tensors:
        if tensor.offset != expected:
            raise DamageError(
                tensor.at, f"The tensor {tensor.name!r} has the offset {tensor.offset}; expected {expected}."
            )
        begin = start + tensor.offset
        if begin + tensor.size > window.size:
            raise DamageError(
                tensor.at,
                f"The tensor {tensor.name!r} lies at bytes {begin} to {begin + tensor.size}, "
                f"but the file ends after {window.size}.",
            )
        placed[tensor.name] = Tensor(
            name=tensor.name, shape=tensor.shape, type=tensor.type, offset=begin, size=tensor.size
        )
        expected = _pad(expected + tensor.size, alignment)
    return placed


def _text(raw: bytes, at: int, what: str) -> str:
    if b"\0" in raw:
        raise DamageError(at, f"There is a NUL byte in {what}: {raw[:80]!r}.")
    return raw.decode("utf-8", "surrogateescape")


def _pad(size: int, alignment: int) -> int:
    return (size + alignment - 1) // alignment * alignment


def _article(kind: ValueType) -> str:
    return f"{'an' if kind.label[0] in 'aeiou' else 'a'} {kind.label}"
