"""Load a model into an engine: options that follow from the task, and a folder for the states of chats."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from llamapack import gguf
from llamapack.engine import Engine
from llamapack.engine.options import check_options
from llamapack.errors import InputError
from llamapack.llama.plans.options import OnOverflow
from llamapack.llama.projectors import Chosen, choose_projector
from llamapack.llama.tasks import Recognised, Task, check_task_name, recognise
from llamapack.model.finding import FoundModel, find_model

if TYPE_CHECKING:
    from llamapack.runner import Runner

Given: TypeAlias = "str | os.PathLike[str] | bool | None"

MOST_AT_ONCE = 2048
"""Tokens that an embedding model processes at once by default, if its context is not shorter: it needs a whole text."""

_INSTEAD = {
    "context_shift": 'on_overflow="shift"',
    "slot_save_path": "chat.save(path, state=True)",
    "mmproj": 'projector="FILE"',
}
"""Options of Engine that would contradict what Llama does by itself."""

_ENGINES_OWN = ("backends", "devices", "require_gpu", "cpu_level", "progress")
"""Arguments of Engine that are no options of llama.cpp's server."""

_DRAFT = "spec_draft_model"
"""The option that may be a name, too."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """How the engine of a model is made: all of its options, and what they follow from."""

    path: Path
    options: Mapping[str, Any]
    recognised: Recognised
    projector: Chosen


def set_up(
    model: str | os.PathLike[str] | FoundModel,
    options: Mapping[str, Any],
    *,
    task: Task | None = None,
    on_overflow: OnOverflow = "error",
    states: Path | None = None,
    projector: Given = None,
    offline: bool | None = None,
) -> Setup:
    """Add to `options` what a model and its task need; `states` is the folder for states of chats.

    `model` is a path, a name as `llamapack.hub.resolve` takes it, with `offline`, or what was found for one.
    `projector` is a path, False for none, and None for the one that came with the model or is beside it.
    """
    for name, instead in _INSTEAD.items():
        if name in options:
            raise InputError(f"Llama does not take the option {name!r}.", fix=f"Use {instead}.")

    def check() -> None:
        check_task_name(task)
        check_options({name: value for name, value in options.items() if name not in (*_ENGINES_OWN, _DRAFT)})

    if isinstance(model, FoundModel):
        check()
        files = model
    else:
        files = find_model(model, offline=offline, projector=projector is None, check=check)
    path = files.path
    found = recognise(path, task)
    wanted = dict(options)
    if isinstance(draft := wanted.get(_DRAFT), str):
        wanted[_DRAFT] = find_model(draft, offline=offline, projector=False).path
    if found.task == "embed":
        wanted["embedding"] = True
        if found.pooling == "none":
            wanted.setdefault("pooling", "mean")
    if found.task == "rank":
        wanted["rerank"] = True
    if found.task != "generate" and "ubatch_size" not in wanted:
        wanted["ubatch_size"] = wanted["batch_size"] = _at_once(path, wanted.get("batch_size"))
    if on_overflow == "shift":
        wanted["context_shift"] = True
    if found.task == "generate" and states is not None:
        wanted["slot_save_path"] = states
    chosen = _projector(files, found, projector, wanted)
    if chosen.path is not None:
        wanted["mmproj"] = chosen.path
    return Setup(path=path, options=wanted, recognised=found, projector=chosen)


def open_engine(setup: Setup, *, isolate: bool = False) -> Engine | Runner:
    """Load the model; with `isolate`, the engine is in a process of its own."""
    if isolate:
        from llamapack.runner import Runner  # with what starts processes, which others need not import

        return Runner(setup.path, **setup.options)
    return Engine(setup.path, **setup.options)


def _projector(files: FoundModel, found: Recognised, projector: Given, wanted: Mapping[str, Any]) -> Chosen:
    if found.task == "generate":
        shifts = wanted.get("context_shift", False)
        return choose_projector(files.path, projector, shifts=shifts, came_with=files.projector)
    if projector:
        raise InputError(f"A model that is to {found.task} takes no projector.", why=f"It is because {found.reason}.")
    return Chosen(path=None, reason=f"the task is {found.task}")


def _at_once(path: Path, wanted: int | None) -> int:
    if wanted is not None:
        return wanted
    metadata = gguf.read(path).metadata
    trained = metadata.get(f"{metadata.get('general.architecture')}.context_length")
    return min(trained, MOST_AT_ONCE) if isinstance(trained, int) else MOST_AT_ONCE


class StateFolder:
    """A new folder for states of chats. It is removed by `remove`, or when this is dropped, or at exit."""

    def __init__(self) -> None:
        """Make the folder."""
        self.path = Path(tempfile.mkdtemp(prefix="llamapack-states-"))
        self.remove = weakref.finalize(self, _remove, self.path, os.getpid())


def _remove(path: Path, process: int) -> None:
    if os.getpid() == process:  # not in a fork: the folder is the parent's
        shutil.rmtree(path, ignore_errors=True)
