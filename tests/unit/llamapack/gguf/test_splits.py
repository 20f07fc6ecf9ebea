"""A model in several files is read as one, and only if all its parts are there and in order."""

from dataclasses import replace
from pathlib import Path

import pytest
from llamapack import gguf
from llamapack.errors import ModelError, ModelFormatError, ModelNotFoundError
from llamapack.gguf.formats import ValueType

from tests.support.gguf.files import Description, Value, Values, encode, tiny_model


def uint16(value: int) -> Value:
    return Value(type=ValueType.UINT16, value=value)


def parts() -> list[Description]:
    """Return the tiny model in three parts, the first without tensors, as llama-gguf-split makes them."""
    whole = tiny_model()
    marked: list[Values] = [
        {"split.no": uint16(number), "split.count": uint16(3), "split.tensors.count": Value(type=5, value=11)}
        for number in range(3)
    ]
    return [
        replace(whole, values={**whole.values, **marked[0]}, tensors=()),
        Description(values={**marked[1]}, tensors=whole.tensors[:4]),
        Description(values={**marked[2]}, tensors=whole.tensors[4:]),
    ]


def write(folder: Path, described: list[Description]) -> list[Path]:
    paths = [folder / f"tiny-{number + 1:05d}-of-00003.gguf" for number in range(len(described))]
    for path, part in zip(paths, described, strict=True):
        path.write_bytes(encode(part).data)
    return paths


def refused(path: Path, kind: type[ModelError]) -> str:
    with pytest.raises(kind) as caught:
        gguf.check(path)
    return str(caught.value)


def test_three_parts_are_one_model(tmp_path: Path) -> None:
    paths = write(tmp_path, parts())
    found = gguf.read(paths[0])
    assert found.paths == tuple(paths)
    assert found.metadata["llama.block_count"] == 1
    assert list(found.tensors) == [tensor.name for tensor in tiny_model().tensors]
    assert [tensor.part for tensor in found.tensors.values()] == [1] * 4 + [2] * 7
    assert found.file_size == sum(path.stat().st_size for path in paths)


def test_another_part_than_the_first_is_refused(tmp_path: Path) -> None:
    paths = write(tmp_path, parts())
    assert refused(paths[1], ModelFormatError) == f"The model {paths[1]} is part 2 of 3.\nName the first: {paths[0]}"


def test_missing_parts_are_named(tmp_path: Path) -> None:
    paths = write(tmp_path, parts())
    paths[2].unlink()
    assert refused(paths[0], ModelNotFoundError).splitlines()[0] == (
        f"1 of the 3 parts of {paths[0]} are missing: {paths[2].name}."
    )


def test_a_renamed_part_is_refused(tmp_path: Path) -> None:
    paths = write(tmp_path, parts())
    renamed = paths[0].rename(tmp_path / "tiny.gguf")
    assert "its name does not end in -00001-of-00003.gguf." in refused(renamed, ModelFormatError)


@pytest.mark.parametrize(
    ("number", "change", "why"),
    [
        (1, {"split.no": uint16(2)}, "should be part 2, but says it is part 3."),
        (1, {"split.no": Value(type=4, value=1)}, "split.no must be a uint16, not uint32."),
        (0, {"split.count": Value(type=4, value=3)}, "split.count must be a uint16, not uint32."),
    ],
)
def test_parts_that_disagree_are_refused(tmp_path: Path, number: int, change: Values, why: str) -> None:
    described = parts()
    described[number] = replace(described[number], values={**described[number].values, **change})
    assert why in refused(write(tmp_path, described)[0], ModelFormatError)


def test_a_tensor_in_two_parts_is_refused(tmp_path: Path) -> None:
    described = parts()
    described[2] = replace(described[2], tensors=described[1].tensors)
    assert "'token_embd.weight'" in refused(write(tmp_path, described)[0], ModelFormatError)
