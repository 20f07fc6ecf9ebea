"""Find a model, and load it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from llamapack.errors import TaskError
from llamapack.model.finding import find_model

if TYPE_CHECKING:
    from llamapack.llama import Llama

Step = Callable[[int, int, str], None]
Bar: TypeAlias = Callable[[str], AbstractContextManager[Step]]

CONTEXT = 8192
"""Tokens of context, if the user names none and the model was trained with as many."""


class Opener:
    """Opens models by their references, each with the same options."""

    def __init__(self, options: Mapping[str, Any], bar: Bar, *, template: Path | None, projector: Path | None) -> None:
        """Take options of Llama; `bar` shows a progress bar during a block."""
        self._options = {name: value for name, value in options.items() if value is not None}
        self._bar = bar
        self._template = template
        self._projector = projector

    def open(self, reference: str) -> Llama:
        """Load a model that can chat; it is downloaded if need be.

        Raises TaskError for one that cannot, and what Llama raises.
        """
        from llamapack.llama import Llama

        files = find_model(reference)
        context = check(files.path, self._template)
        options = {"ctx_size": min(context, CONTEXT), **self._options}
        if self._template is not None:
            options["chat_template_file"] = str(self._template)
        with self._bar(f"Loading {files.path.name}") as step:
            return Llama(
                files.path,
                projector=self._projector or files.projector,
                on_overflow="drop-oldest",
                parallel=1,
                progress=lambda part: step(round(part * 100), 100, ""),
                **options,
            )


def check(path: Path, template: Path | None) -> int:
    """Return how many tokens a model was trained with; raises TaskError if it cannot chat."""
    from llamapack import gguf
    from llamapack.llama.tasks import check_task, recognise

    check_task("chat", "generate", recognise(path), path.name)
    metadata = gguf.read(path).metadata
    if template is None and not metadata.get("tokenizer.chat_template"):
        raise TaskError(
            f"{path.name} has no chat template.",
            why="It seems to be a base model: it continues texts, and was not trained to answer.",
            fix=f'Continue a text with it: llamapack run --raw --model {path} "TEXT"\n'
            "Or give the template that it was trained with: llamapack chat MODEL --chat-template FILE",
        )
    trained = metadata.get(f"{metadata.get('general.architecture')}.context_length")
    return trained if isinstance(trained, int) and trained > 0 else CONTEXT
