"""Which files of a repository a reference means. The rules are llama.cpp's, in common/download.cpp.

Where llama.cpp takes the first of several files that differ in more than their quantization, this is an error with the
choices.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from llamapack._util.memory import total_memory
from llamapack.errors import DownloadError, ModelChoiceError, ModelNotFoundError
from llamapack.hub.listing import Listing, RepositoryFile
from llamapack.hub.references import HubReference

DEFAULT_TAGS = ("Q4_K_M", "Q8_0")
PROJECTOR = "mmproj"
DRAFTS = ("mtp-", "eagle3-", "dflash-", "dspark-")
_NO_MODELS = (PROJECTOR, "imatrix", *DRAFTS)
_SPLIT = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf", re.IGNORECASE)
_LABEL = re.compile(r"[-.]([A-Z0-9_]+)$", re.IGNORECASE)
_MOST_SHOWN = 30


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The files that a reference means: all parts of the model, its projector and its draft."""

    model: tuple[RepositoryFile, ...]
    projector: RepositoryFile | None
    draft: RepositoryFile | None


def choose(reference: HubReference, listing: Listing) -> Selection:
    """Return the files that `reference` means.

    Raises ModelNotFoundError if there are none, and ModelChoiceError if it could be several models.
    """
    files = sorted(listing.models(), key=lambda file: file.path)
    model = _named(reference, listing, files) if reference.file else _tagged(reference, listing, files)
    drafts = (_sibling(files, model.path, keyword, reference.tag) for keyword in DRAFTS)
    return Selection(
        model=_parts(files, model),
        projector=_sibling(files, model.path, PROJECTOR, None),
        draft=next((draft for draft in drafts if draft is not None), None),
    )


def first_models(listing: Listing) -> list[RepositoryFile]:
    """Return the files of models, of those that are split the first."""
    files = sorted(listing.models(), key=lambda file: file.path)
    return [file for file in files if _is_model(file.path) and _number(file.path) == 1]


def label_of(path: str) -> str:
    """Return the name of the quantization in a file's name; empty without one."""
    found = _LABEL.search(_stem(path))
    return found[1] if found else ""


def is_default(path: str) -> bool:
    """Return True if a file has the quantization that a reference without a tag means first."""
    return bool(_pattern(DEFAULT_TAGS[0]).search(path))


def shown_size(size: int) -> str:
    """Return a size as people write it."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"


def _named(reference: HubReference, listing: Listing, files: Sequence[RepositoryFile]) -> RepositoryFile:
    for file in files:
        if file.path == reference.file:
            return _first_part(files, file)
    raise _none(listing, files, f"has no file {reference.file}")


def _first_part(files: Sequence[RepositoryFile], file: RepositoryFile) -> RepositoryFile:
    found = _SPLIT.fullmatch(file.path)
    if not found or int(found[2]) == 1:
        return file
    first = f"{found[1]}-00001-of-{found[3]}.gguf".lower()
    return next((each for each in files if each.path.lower() == first), file)


def _tagged(reference: HubReference, listing: Listing, files: Sequence[RepositoryFile]) -> RepositoryFile:
    models = first_models(listing)
    for tag in [reference.tag] if reference.tag else DEFAULT_TAGS:
        fitting = [file for file in models if _pattern(tag).search(file.path)]
        exact = [file for file in fitting if re.search(rf"(^|[-._/]){re.escape(tag)}[.-]", file.path, re.IGNORECASE)]
        if found := exact or fitting:
            return _only(reference, files, found, f"{tag} fits several of its files")
    if reference.tag or not models:
        raise _none(listing, models or files, f"has no model with {reference.tag}" if reference.tag else "has no model")
    families = {_family(file.path) for file in models}
    return models[0] if len(families) == 1 else _only(reference, files, models, "it has several models")


def _only(
    reference: HubReference, files: Sequence[RepositoryFile], found: Sequence[RepositoryFile], why: str
) -> RepositoryFile:
    if len(found) == 1:
        return found[0]
    revision = "" if reference.revision == "main" else f"@{reference.revision}"
    choices = tuple(f"hf:{reference.repository}/{file.path}{revision}" for file in found)
    lines = [f"{choice} ({_shown(files, file)})" for choice, file in zip(choices, found, strict=True)]
    raise ModelChoiceError(
        f"The repository {reference.repository} has more than one model that could be meant: {why}.",
        why="\n".join(["Choices:", *_shortened(lines)]),
        fix="Name one of them.",
        choices=choices,
    )


def _none(listing: Listing, files: Sequence[RepositoryFile], what: str) -> ModelNotFoundError:
    shown = _shortened([f"{file.path} ({_shown(files, file)})" for file in files if _number(file.path) == 1])
    why = "\n".join(["It has:", *shown]) if shown else "It has no GGUF files, which llama.cpp needs."
    fix = "Name one of them." if shown else "Look for a repository with GGUF in its name."
    return ModelNotFoundError(f"The repository {listing.repository} {what}.", why=why, fix=fix)


def _shown(files: Sequence[RepositoryFile], first: RepositoryFile) -> str:
    """Return the size of a model, all parts together, and whether this machine has the memory for it."""
    found = _SPLIT.fullmatch(first.path)
    stem = found[1] if found else None
    size = sum(file.size for file in files if file is first or (stem and _stem(file.path) == stem))
    return shown_size(size) if size <= total_memory() else f"{shown_size(size)}, more than this machine's memory"


def _shortened(lines: list[str]) -> list[str]:
    return lines if len(lines) <= _MOST_SHOWN else [*lines[:_MOST_SHOWN], f"and {len(lines) - _MOST_SHOWN} more"]


def _pattern(tag: str) -> re.Pattern[str]:
    return re.compile(re.escape(tag) + "[.-]", re.IGNORECASE)


def _is_model(path: str) -> bool:
    name = path.rpartition("/")[2]
    return not any(word in name for word in _NO_MODELS)


def _number(path: str) -> int:
    found = _SPLIT.fullmatch(path)
    return int(found[2]) if found else 1


def _stem(path: str) -> str:
    found = _SPLIT.fullmatch(path)
    return found[1] if found else path.removesuffix(".gguf")


def _family(path: str) -> str:
    """Return the name of a model without its folder and its quantization."""
    return re.sub(r"[-.](UD-)?[A-Z0-9_]+$", "", _stem(path).rpartition("/")[2], flags=re.IGNORECASE).lower()


def _bits(text: str) -> int:
    found = re.search(r"\d+", text)
    return int(found[0]) if found else 0


def _label_bits(path: str) -> int:
    return _bits(label_of(path))


def _parts(files: Sequence[RepositoryFile], first: RepositoryFile) -> tuple[RepositoryFile, ...]:
    found = _SPLIT.fullmatch(first.path)
    if not found:
        return (first,)
    parts = {}
    for file in files:
        other = _SPLIT.fullmatch(file.path)
        if other and (other[1], other[3]) == (found[1], found[3]):
            parts[int(other[2])] = file
    count = int(found[3])
    if sorted(parts) != list(range(1, count + 1)):
        raise DownloadError(
            f"Of the {count} parts of {first.path} only {len(parts)} are there.", fix="Tell its author."
        )
    return tuple(parts[number] for number in range(1, count + 1))


def _sibling(files: Sequence[RepositoryFile], model: str, keyword: str, tag: str | None) -> RepositoryFile | None:
    """Return the file with `keyword` nearest to the model: the deepest folder, the same tag, the closest bits."""
    folder = model.split("/")[:-1]
    bits = _bits(tag) if tag else _label_bits(model)
    best: tuple[int, int, int] | None = None
    found = None
    for file in files:
        place = file.path.split("/")[:-1]
        if keyword not in file.path or file.path == model or folder[: len(place)] != place:
            continue
        exact = bool(tag) and f"-{tag}.".lower() in file.path.lower()
        rank = (len(place), int(exact), -abs(_label_bits(file.path) - bits))
        if best is None or rank > best:
            best, found = rank, file
    return found
