"""Models as Ollama keeps them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.hub.standing_in import sha256


def put_ollama(folder: Path, name: str, **layers: bytes) -> Path:
    """Put a model with these layers, and a template, into Ollama's `folder`; return its list of layers."""
    found = []
    (folder / "blobs").mkdir(parents=True, exist_ok=True)
    for kind, data in {**layers, "template": b"words"}.items():
        (folder / "blobs" / f"sha256-{sha256(data)}").write_bytes(data)
        media = f"application/vnd.ollama.image.{kind}"
        found.append({"mediaType": media, "digest": f"sha256:{sha256(data)}", "size": len(data)})
    manifest = folder / "manifests" / name
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps({"schemaVersion": 2, "layers": found}))
    return manifest
