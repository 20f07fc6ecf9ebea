"""Models by name: what a name stands for, on this machine or on a hub.

    files = llamapack.hub.resolve("hf:ggml-org/Qwen3-0.6B-GGUF:Q8_0")
    files.path, files.projector

resolving     Find the files that a reference stands for, and download those that are missing.
references    The forms of a reference: a path, a name on a hub, an address, a name of the user's list.
files         What a reference stands for: files on this machine.
names         The user's list: short names for other references.
ollama        Models that Ollama has on this machine.
addresses     Files of any server, by address and checksum.
repositories  Files of the hub's repositories: those in the cache first, and the others downloaded into it.
listing       The files of a repository at one commit.
choosing      Which files of a repository a reference means, by llama.cpp's rules.
asking        Ask the hub for the files of a repository.
cache         The cache that is shared with Hugging Face's programs and with llama.cpp.
describing    What a model is, by its header.
header_copies Copies of models with nothing but their headers.
machine       Whether this machine has memory for a model at all.
previewing    Read the header of a model before it is downloaded.
transfer      Download files from servers: resumed, checked, moved into their places when they are whole.
locks         Locks between processes.
settings      What the user's environment says.
kept          What is kept on this machine: listing models, and removing them.
progress      How a download tells how far it is.
"""

from __future__ import annotations

from llamapack.hub.describing import Description, describe
from llamapack.hub.files import ModelFiles
from llamapack.hub.kept import KeptModel, Removed, kept_models, remove_model
from llamapack.hub.names import aliases, aliases_file, remove_alias, set_alias
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
    "Description",
    "HubReference",
    "KeptModel",
    "ModelFiles",
    "OllamaReference",
    "PathReference",
    "Progress",
    "Reference",
    "Removed",
    "UrlReference",
    "aliases",
    "aliases_file",
    "describe",
    "kept_models",
    "parse",
    "remove_alias",
    "remove_model",
    "resolve",
    "set_alias",
]
