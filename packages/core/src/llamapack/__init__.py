"""llama.cpp for Python: a GGUF model on the best hardware there is, with a reason for every choice.

    import llamapack

    with llamapack.Model("model.gguf") as model:
        for piece in llamapack.generate(model, "Why is the sky blue?", chat=True):
            print(piece, end="", flush=True)

Importing does no work: names are fetched, and libraries opened, when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llamapack.chat import ChatPrompt as ChatPrompt
    from llamapack.chat import ChatTemplate as ChatTemplate
    from llamapack.context import Context as Context
    from llamapack.errors import LlamapackError as LlamapackError
    from llamapack.generation import Generation as Generation
    from llamapack.generation import generate as generate
    from llamapack.model import Model as Model
    from llamapack.sampling import Sampler as Sampler
    from llamapack.vocab import Vocab as Vocab

    __version__: str

_HOME = {
    "ChatPrompt": "chat",
    "ChatTemplate": "chat",
    "Context": "context",
    "Generation": "generation",
    "LlamapackError": "errors",
    "Model": "model",
    "Sampler": "sampling",
    "Vocab": "vocab",
    "generate": "generation",
}

__all__ = [
    "ChatPrompt",
    "ChatTemplate",
    "Context",
    "Generation",
    "LlamapackError",
    "Model",
    "Sampler",
    "Vocab",
    "generate",
]


def __getattr__(name: str) -> Any:
    """Fetch a public name from the module it lives in."""
    if name == "__version__":
        from importlib.metadata import version

        return version("llamapack")
    if name in _HOME:
        return getattr(import_module(f"llamapack.{_HOME[name]}"), name)
    raise AttributeError(f"module 'llamapack' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]
