"""Models in several files: which file is which part, and whether they belong together."""

from __future__ import annotations

from pathlib import Path

from llamapack.errors import ModelFormatError, ModelNotFoundError
from llamapack.gguf.opening import damaged
from llamapack.gguf.parser import Header

_GET_ALL = "Get all parts of the model, and keep their names."


def part_paths(path: Path, header: Header) -> tuple[Path, ...]:
    """Return the files of the model whose first file is `path`: only itself, unless the metadata names more parts.

    Raises ModelFormatError if `path` is not the first part, or does not have the name of one.
    """
    count = _number(path, header, "split.count", 1)
    if count < 2:
        return (path,)
    number = _number(path, header, "split.no", 0)
    ending = _ending(number, count)
    if not path.name.endswith(ending) or path.name == ending:
        raise ModelFormatError(
            f"The model {path} is part {number + 1} of {count}, but its name does not end in {ending}.",
            fix=_GET_ALL,
        )
    prefix = path.name.removesuffix(ending)
    paths = tuple(path.with_name(prefix + _ending(each, count)) for each in range(count))
    if number:
        raise ModelFormatError(f"The model {path} is part {number + 1} of {count}.", fix=f"Name the first: {paths[0]}")
    missing = [part.name for part in paths if not part.exists()]
    if missing:
        names = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        raise ModelNotFoundError(f"{len(missing)} of the {count} parts of {path} are missing: {names}.", fix=_GET_ALL)
    return paths


def check_part(path: Path, header: Header, number: int) -> None:
    """Raise ModelFormatError unless `path` is part number `number`, counted from 0."""
    found = _number(path, header, "split.no", -1)
    if found != number:
        raise ModelFormatError(
            f"The file {path} should be part {number + 1}, but says it is part {found + 1}.", fix=_GET_ALL
        )


def _ending(number: int, count: int) -> str:
    return f"-{number + 1:05d}-of-{count:05d}.gguf"


def _number(path: Path, header: Header, key: str, default: int) -> int:
    entry = header.entries.get(key)
    if entry is None:
        return default
    if entry.type.label != "uint16" or not isinstance(entry.value, int):
        raise damaged(path, f"At byte {entry.at}: {key} must be a uint16, not {entry.type.label}.")
    return entry.value
