"""Models by name: what a name stands for, on this machine or on a hub.

    files = llamapack.hub.resolve("hf:ggml-org/Qwen3-0.6B-GGUF:Q8_0")
    files.path, files.projector

resolving   Find the files that a reference stands for, and download those that are missing.
references  The forms of a reference: a path, a name on a hub, an address, a name of the user's list.
files       What a reference stands for: files on this machine.
progress    How a download tells how far it is.
"""

from __future__ import annotations

from llamapack.hub.files import ModelFiles
from llamapack.hub.progress import Progress
from llamapack.hub.references import (
    AliasReference,
    HubReference,
    OllamaReference,
    PathReference,
    Reference,
    UrlReference,
    parse,
)
from llamapack.hub.resolving import resolve

__all__ = [
    "AliasReference",
    "HubReference",
    "ModelFiles",
    "OllamaReference",
    "PathReference",
    "Progress",
    "Reference",
    "UrlReference",
    "parse",
    "resolve",
]
