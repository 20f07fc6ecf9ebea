"""What a projector's file says: for which models, what it takes, and how many tokens that becomes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from llamapack import gguf

ARCHITECTURE = "clip"
"""What llama.cpp's converter names all projectors, whatever they take."""

# The tensor whose rows are as wide as the text model, and which of its dimensions that is (llama.cpp's clip.cpp).
_SECOND, _SECOND_AUDIO = ("mm.2.weight", 1), ("mm.a.mlp.2.weight", 1)
_WIDTHS = {
    **dict.fromkeys(
        ("mlp", "phi4", "pixtral", "lightonocr", "dots_ocr", "lfm2", "kimivl", "kimik25", "paddleocr", "yasa2"), _SECOND
    ),
    **dict.fromkeys(("qwen2vl_merger", "qwen2.5vl_merger", "exaone4_5", "youtuvl"), ("mm.2.bias", 0)),
    **dict.fromkeys(("ultravox", "voxtral", "qwen3a"), _SECOND_AUDIO),
    "janus_pro": ("mm.1.bias", 0),
    "qwen2a": ("mm.a.fc.weight", 1),
    "gemma3": ("mm.input_projection.weight", 0),
    "gemma4v": ("mm.input_projection.weight", 1),
    "idefics3": ("mm.model.fc.weight", 1),
    "llama4": ("mm.model.fc.weight", 1),
    "internvl": ("mm.model.mlp.3.weight", 1),
    "glm4v": ("mm.down.weight", 1),
    "resampler": ("resampler.proj.weight", 0),
}
# One token for each patch, for each square of patches, or a fixed number: where images are made the same size.
_ALL_PATCHES = ("mlp", "janus_pro", "phi4")
_SQUARES = ("gemma3", "idefics3", "internvl", "llama4")


@dataclass(frozen=True, kw_only=True)
class Part:
    """One of the encoders in a projector: `kind` is "vision" or "audio", `type` llama.cpp's name of what it is.

    `width` is the embedding width of the models that it is for. `image_size` and `patch_size` are in pixels.
    `tokens` is how many an image becomes, at least: some families cut large images into several. All of them are
    None where the file does not say it.
    """

    kind: str
    type: str
    width: int | None
    image_size: int | None = None
    patch_size: int | None = None
    tokens: int | None = None


@dataclass(frozen=True, kw_only=True)
class ProjectorFile:
    """A projector's file: its name in it, and what it takes."""

    path: Path
    name: str
    parts: tuple[Part, ...]


def is_projector(file: gguf.Gguf) -> bool:
    """Return whether a file is a projector."""
    return file.metadata.get("general.architecture") == ARCHITECTURE


def read_projector(file: gguf.Gguf) -> ProjectorFile:
    """Return what a projector's file says."""
    named = str(file.metadata.get("general.name", ""))
    kinds = [kind for kind in ("vision", "audio") if file.metadata.get(f"clip.has_{kind}_encoder") is True]
    return ProjectorFile(path=file.paths[0], name=named, parts=tuple(_part(file, kind) for kind in kinds))


def misfit(file: gguf.Gguf, model: gguf.Gguf) -> str:
    """Say why a projector is not for the model in another file; empty if nothing speaks against it."""
    if not is_projector(file):
        return f"It is no projector: its architecture is {file.metadata.get('general.architecture')!r}."
    parts = read_projector(file).parts
    if not parts:
        return "It takes neither images nor audio."
    width = width_of(model)
    for part in parts:
        if part.width is not None and width is not None and part.width != width:
            return f"It makes embeddings of width {part.width}, but those of the model have {width}."
    return ""


def width_of(model: gguf.Gguf) -> int | None:
    """Return the embedding width that a model takes; None if its file does not say it, or it takes several layers."""
    architecture = model.metadata.get("general.architecture")
    width = model.metadata.get(f"{architecture}.embedding_length")
    several = model.metadata.get(f"{architecture}.n_deepstack_layers")
    return width if isinstance(width, int) and not several else None


def _part(file: gguf.Gguf, kind: str) -> Part:
    metadata = file.metadata
    type_ = str(metadata.get("clip.projector_type") or metadata.get(f"clip.{kind}.projector_type") or "")
    if type_ == "qwen2.5o":  # of the two that it has, each says which
        type_ = "qwen2.5vl_merger" if kind == "vision" else "qwen2a"
    width = _width(file, type_)
    if kind == "audio":
        return Part(kind=kind, type=type_, width=width)
    image, patch = (_number(metadata.get(f"clip.vision.{key}")) for key in ("image_size", "patch_size"))
    tokens = None
    if image and patch:
        tokens = _tokens(type_, (image // patch) ** 2, _number(metadata.get("clip.vision.projector.scale_factor")))
    return Part(kind=kind, type=type_, width=width, image_size=image, patch_size=patch, tokens=tokens)


def _width(file: gguf.Gguf, type_: str) -> int | None:
    name, dimension = _WIDTHS.get(type_, ("", 0))
    tensor = file.tensors.get(name)
    if tensor is None or len(tensor.shape) <= dimension:
        return None
    return tensor.shape[dimension]


def _tokens(type_: str, patches: int, scale: int | None) -> int | None:
    if type_ in _ALL_PATCHES:
        return patches
    if type_ in _SQUARES and (scale or type_ == "gemma3"):
        return patches // (scale or 4) ** 2
    return None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
