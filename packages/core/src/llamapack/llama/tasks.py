"""What a model is for: to write, to embed or to rank; recognised from its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from llamapack import gguf
from llamapack.errors import InputError, TaskError

Task: TypeAlias = Literal["generate", "embed", "rank"]

_POOLING = {0: "none", 1: "mean", 2: "cls", 3: "last", 4: "rank"}
_DOES = {
    "generate": "writes texts",
    "embed": "turns texts into vectors",
    "rank": "says how well documents answer a query",
}
_WOULD = {
    "generate": "Use a chat or base model, such as SmolLM2-135M-Instruct or Qwen3.",
    "embed": "Use an embedding model, such as nomic-embed-text or bge-m3; or, for vectors of a model that writes, "
    'Llama(..., task="embed").',
    "rank": "Use a reranker, such as bge-reranker-v2-m3 or Qwen3-Reranker.",
}


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """What a model is for, and why; `pooling` is how its file says that the vectors of tokens become one."""

    task: Task
    reason: str
    pooling: str = "none"


def recognise(path: Path, wanted: Task | None = None) -> Recognised:
    """Say what the model at `path` is for: what its file says, or what the caller wants."""
    check_task_name(wanted)
    metadata = gguf.read(path).metadata
    architecture = str(metadata.get("general.architecture", ""))
    number = metadata.get(f"{architecture}.pooling_type", 0)
    pooling = _POOLING.get(number, str(number)) if isinstance(number, int) else "none"
    if wanted is not None:
        return Recognised(task=wanted, reason="it was asked for", pooling=pooling)
    if pooling != "none":
        reason = f"the file names {pooling} as its pooling of tokens"
        return Recognised(task="rank" if pooling == "rank" else "embed", reason=reason, pooling=pooling)
    if metadata.get(f"{architecture}.attention.causal") is False:
        return Recognised(task="embed", reason="its attention is not causal")
    return Recognised(task="generate", reason=f"the architecture {architecture!r} predicts tokens")


def check_task_name(wanted: object) -> None:
    """Raise InputError if `wanted` is neither a task nor None."""
    if wanted is not None and wanted not in _DOES:
        raise InputError(f"task must be one of {', '.join(map(repr, _DOES))}, not {wanted!r}.")


def check_task(call: str, needed: Task, found: Recognised, model: str) -> None:
    """Raise TaskError if a model cannot do what a call needs."""
    if found.task != needed:
        raise TaskError(
            f"{call} needs a model that {_DOES[needed]}; {model} {_DOES[found.task]}.",
            why=f"It was loaded for that because {found.reason}.",
            fix=_WOULD[needed],
        )
