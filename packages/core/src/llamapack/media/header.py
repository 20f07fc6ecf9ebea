"""Check the header of a projector for what llama.cpp does not check, and what would end the process then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from llamapack import gguf
from llamapack.errors import ModelFormatError
from llamapack.model.projector_file import ARCHITECTURE, is_projector, read_projector

_NUMBERS = ("patch_size", "image_size", "attention.head_count", "block_count", "embedding_length", "num_mel_bins")
_ATTENTION = ("attn_q", "attn_k", "attn_v", "attn_qkv")
_PATCHES = ("v.patch_embd.weight", "v.position_embd.weight")
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "mlp": (*_PATCHES, "mm.0.weight", "mm.0.bias"),
    "gemma3": _PATCHES,
    "idefics3": _PATCHES,
    "ultravox": ("a.position_embd.weight",),
}
"""What the graphs of these families use without asking whether it is there."""


def check_header(path: Path, header: gguf.Gguf) -> None:
    """Raise ModelFormatError if the file is no projector, or has what llama.cpp would crash of."""
    if not is_projector(header):
        architecture = header.metadata.get("general.architecture")
        raise ModelFormatError(
            f"{path} is not a projector: its architecture is {architecture!r}, not {ARCHITECTURE!r}.",
            fix="Give the file that belongs to the model and is called mmproj.",
        )
    for problem in _problems(header):
        raise ModelFormatError(
            f"The projector {path} cannot be loaded.",
            why=problem,
            fix="Get the file again and compare its checksum.",
        )


def families(header: gguf.Gguf) -> tuple[str, ...]:
    """Return the types of a projector: one, or one for images and one for audio."""
    return tuple(dict.fromkeys(part.type for part in read_projector(header).parts))


def _problems(header: gguf.Gguf) -> Iterator[str]:
    for side in ("vision", "audio"):
        for name in _NUMBERS:
            number = header.metadata.get(f"clip.{side}.{name}", 1)
            if not isinstance(number, int) or not 0 < number < 1 << 20:
                yield f"Its clip.{side}.{name} is {number}."
    names = frozenset(header.tensors)
    for family in families(header):
        for name in _NEEDED.get(family, ()):
            if name not in names:
                yield f"The tensor {name} is missing, which the type {family} needs."
    if "mm.2.bias" in names and "mm.2.weight" not in names:
        yield "The tensor mm.2.weight is missing, and mm.2.bias is there."
    yield from _attention(header, names)


def _attention(header: gguf.Gguf, names: frozenset[str]) -> Iterator[str]:
    """Yield the matrices of attention that some blocks have and others have not."""
    for side, prefix in (("vision", "v"), ("audio", "a")):
        count = header.metadata.get(f"clip.{side}.block_count", 0)
        blocks = range(count if isinstance(count, int) and count < 1 << 12 else 0)
        for name in _ATTENTION:
            missing = [block for block in blocks if f"{prefix}.blk.{block}.{name}.weight" not in names]
            if missing and len(missing) < len(blocks):
                yield f"The tensor {prefix}.blk.{missing[0]}.{name}.weight is missing, and other blocks have it."
