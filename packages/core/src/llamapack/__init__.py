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
    from llamapack import chat as chat
    from llamapack import context as context
    from llamapack import engine as engine
    from llamapack import errors as errors
    from llamapack import evaluation as evaluation
    from llamapack import fitting as fitting
    from llamapack import generation as generation
    from llamapack import gguf as gguf
    from llamapack import grammar as grammar
    from llamapack import hub as hub
    from llamapack import imatrix as imatrix
    from llamapack import llama as llama
    from llamapack import media as media
    from llamapack import model as model
    from llamapack import quantization as quantization
    from llamapack import sampling as sampling
    from llamapack import threads as threads
    from llamapack.backends.loading import devices as devices
    from llamapack.chat import ChatAnswer as ChatAnswer
    from llamapack.chat import ChatPrompt as ChatPrompt
    from llamapack.chat import ChatTemplate as ChatTemplate
    from llamapack.context import Context as Context
    from llamapack.context.batch import Batch as Batch
    from llamapack.context.state import SavedState as SavedState
    from llamapack.diagnostics.system_info import system_info as system_info
    from llamapack.errors import BackendWarning as BackendWarning
    from llamapack.errors import LlamapackError as LlamapackError
    from llamapack.errors import PromptWarning as PromptWarning
    from llamapack.errors import SchemaWarning as SchemaWarning
    from llamapack.errors import ThreadsWarning as ThreadsWarning
    from llamapack.evaluation import perplexity as perplexity
    from llamapack.generation import Generation as Generation
    from llamapack.generation import generate as generate
    from llamapack.generation.embeddings import embed as embed
    from llamapack.generation.logprobs import logprobs as logprobs
    from llamapack.llama import Llama as Llama
    from llamapack.model import Model as Model
    from llamapack.model.lora import ControlVector as ControlVector
    from llamapack.model.lora import LoraAdapter as LoraAdapter
    from llamapack.model.vocab import Vocab as Vocab
    from llamapack.quantization import quantize as quantize
    from llamapack.runner.program import runner_path as runner_path
    from llamapack.sampling import Sampler as Sampler

    __version__: str

_HOME = {
    "BackendWarning": "errors",
    "Batch": "context.batch",
    "ChatAnswer": "chat",
    "ChatPrompt": "chat",
    "ChatTemplate": "chat",
    "Context": "context",
    "ControlVector": "model.lora",
    "Generation": "generation",
    "Llama": "llama",
    "LlamapackError": "errors",
    "LoraAdapter": "model.lora",
    "Model": "model",
    "PromptWarning": "errors",
    "Sampler": "sampling",
    "SavedState": "context.state",
    "SchemaWarning": "errors",
    "ThreadsWarning": "errors",
    "Vocab": "model.vocab",
    "devices": "backends.loading",
    "embed": "generation.embeddings",
    "generate": "generation",
    "logprobs": "generation.logprobs",
    "perplexity": "evaluation",
    "quantize": "quantization",
    "runner_path": "runner.program",
    "system_info": "diagnostics.system_info",
}

# What is documented beside the names in __all__. Those without a dot work without importing them first, as in
# `llamapack.gguf.read`. All other modules are private, and may change with any release.
PUBLIC_MODULES = (
    "backends.contract",
    "backends.foreign",
    "backends.verdicts",
    "chat",
    "context",
    "engine",
    "errors",
    "evaluation",
    "fitting",
    "generation",
    "gguf",
    "grammar",
    "hub",
    "imatrix",
    "llama",
    "media",
    "model",
    "quantization",
    "sampling",
    "threads",
)

__all__ = [
    "BackendWarning",
    "Batch",
    "ChatAnswer",
    "ChatPrompt",
    "ChatTemplate",
    "Context",
    "ControlVector",
    "Generation",
    "Llama",
    "LlamapackError",
    "LoraAdapter",
    "Model",
    "PromptWarning",
    "Sampler",
    "SavedState",
    "SchemaWarning",
    "ThreadsWarning",
    "Vocab",
    "devices",
    "embed",
    "generate",
    "logprobs",
    "perplexity",
    "quantize",
    "runner_path",
    "system_info",
]


def __getattr__(name: str) -> Any:
    """Fetch a public name from the module it lives in."""
    if name == "__version__":
        from importlib.metadata import version

        return version("llamapack")
    if name in _HOME:
        return getattr(import_module(f"llamapack.{_HOME[name]}"), name)
    if any(name == module.partition(".")[0] for module in PUBLIC_MODULES):
        return import_module(f"llamapack.{name}")
    raise AttributeError(f"module 'llamapack' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "PUBLIC_MODULES", "__version__"]
