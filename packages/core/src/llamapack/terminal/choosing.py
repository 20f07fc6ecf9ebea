"""Offer a small model, if the user names none. Nothing is downloaded unless the user says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llamapack.errors import InputError, LlamapackError
from llamapack.terminal.small_models import SmallModel, fitting, recommended


def refuse(free: int) -> InputError:
    """Return the error for who cannot be asked, because nobody sits at a terminal."""
    best = recommended(free)
    fix = f"Run: llamapack chat {best.reference}" if best else "Run: llamapack chat FILE"
    return InputError(
        "There is no MODEL.",
        why="A model is downloaded only if it is named, and there is no terminal to ask at.",
        fix=f"{fix}{f' ({best.megabytes} MB, {best.license})' if best else ''}",
    )


def choose(
    free: int,
    ask: Callable[[str], str],
    tell: Callable[[str], None],
    is_here: Callable[[str], bool],
) -> str | None:
    """Offer the models that fit, and return the reference of the chosen one; None if the user wants none."""
    models = fitting(free)
    if not models:
        raise InputError(
            "None of the small models that llamapack knows fits into the free memory.",
            why=f"{free // 10**6} MB are free.",
            fix="Name a model: llamapack chat MODEL.",
        )
    table = _table(models, recommended(free), is_here)
    tell(f"No MODEL was named. These are small, and fit this machine:\n{table}\n")
    while True:
        try:
            typed = ask(f"Download and start which one? [1-{len(models)}, Enter for none] ").strip()
        except (EOFError, KeyboardInterrupt):
            return None
        if not typed:
            return None
        if typed in (numbers := [str(number + 1) for number in range(len(models))]):
            return models[numbers.index(typed)].reference
        tell(f"There is no {typed!r} among them.")


def _table(models: Sequence[SmallModel], best: SmallModel | None, is_here: Callable[[str], bool]) -> str:
    width = max(len(each.name) for each in models)
    return "\n".join(
        f"\n{number}  {each.name:{width}}  {_size(each, is_here)}, {each.license}"
        f"{' (to begin with)' if each is best else ''}\n   {each.remark}\n   {each.reference}"
        for number, each in enumerate(models, start=1)
    )


def _size(model: SmallModel, is_here: Callable[[str], bool]) -> str:
    return "already on this machine" if is_here(model.reference) else f"{model.megabytes} MB"


def is_here(reference: str) -> bool:
    """Return whether the files of a model are on this machine."""
    from llamapack.hub import resolve

    try:
        resolve(reference, offline=True, download=False)
    except LlamapackError:
        return False
    return True
