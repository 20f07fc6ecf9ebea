"""Models that Ollama has on this machine, in its own folders: they are read there, and not copied."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llamapack.errors import ModelFormatError, ModelNotFoundError
from llamapack.hub.files import ModelFiles
from llamapack.hub.references import OllamaReference

_FOLDERS = ("~/.ollama/models", "/usr/share/ollama/.ollama/models", "/var/lib/ollama/.ollama/models", "/var/lib/ollama")
_KIND = "application/vnd.ollama.image."
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_MOST_SHOWN = 20


def find(text: str, reference: OllamaReference) -> ModelFiles:
    """Return the files of a model of Ollama's; raises ModelNotFoundError if it has none, or not all of it."""
    for folder in folders():
        manifest = folder / "manifests" / reference.host / reference.namespace / reference.name / reference.tag
        if manifest.is_file():
            return _files(text, folder, manifest)
    known = sorted({str(each).removeprefix("ollama:") for folder in folders() for each in references(folder)})
    shown = ", ".join(known[:_MOST_SHOWN]) + (", ..." if len(known) > _MOST_SHOWN else "")
    raise ModelNotFoundError(
        f"Ollama has no model {reference.name}:{reference.tag} on this machine.",
        why=f"It has: {shown}." if known else f"Looked for in: {', '.join(map(str, folders()))}.",
        fix=f"Run: ollama pull {reference.name}:{reference.tag}",
    )


def folders() -> list[Path]:
    """Return the folders that Ollama may keep models in: OLLAMA_MODELS, or else its defaults."""
    if named := os.environ.get("OLLAMA_MODELS"):
        return [Path(os.path.expanduser(named))]  # noqa: PTH111  # Path's raises for ~nobody
    return [Path(os.path.expanduser(folder)) for folder in _FOLDERS]  # noqa: PTH111


def references(folder: Path) -> Iterator[OllamaReference]:
    """Yield the names of the models in a folder of Ollama's."""
    root = folder / "manifests"
    for manifest in sorted(root.glob("*/*/*/*")):
        host, namespace, name, tag = manifest.relative_to(root).parts
        yield OllamaReference(name=name, tag=tag, host=host, namespace=namespace)


def _files(text: str, folder: Path, manifest: Path) -> ModelFiles:
    try:
        layers = json.loads(manifest.read_text(encoding="utf-8"))["layers"]
        found = {
            kind: [_blob(folder, layer) for layer in layers if layer["mediaType"] == _KIND + kind] for kind in _KINDS
        }
    except ModelNotFoundError:  # which is an OSError, too
        raise
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelFormatError(
            f"Ollama's list of the files of {text!r} cannot be read: {manifest}.",
            why=repr(error),
            fix="Run ollama pull again.",
        ) from error
    models, projectors = found["model"], found["projector"]
    if len(models) != 1:
        raise ModelFormatError(
            f"{text!r} has {len(models)} model files; one is needed.", fix="Use another model, or its .gguf file."
        )
    return ModelFiles(
        reference=text, path=models[0], parts=(models[0],), projector=projectors[0] if projectors else None
    )


_KINDS = ("model", "projector")


def _blob(folder: Path, layer: Any) -> Path:
    digest = _DIGEST.fullmatch(layer["digest"])
    if not digest:
        raise ValueError(f"{layer['digest']!r} is no digest")
    path = folder / "blobs" / f"sha256-{digest[1]}"
    if not path.is_file() or path.stat().st_size != layer["size"]:
        raise ModelNotFoundError(f"Ollama has not all of the file {path}.", fix="Run ollama pull again.")
    return path
