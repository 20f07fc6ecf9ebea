"""Which quantization of a repository on the hub is the best that fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llamapack.errors import InputError, ModelMemoryError
from llamapack.fitting.plans import Fit, fit
from llamapack.hub.header_copies import choices_of
from llamapack.hub.machine import check_fits


@dataclass(frozen=True, kw_only=True)
class TooLarge:
    """A model that is larger than all memory of this machine and its GPUs; `size` is in bytes."""

    model: str
    size: int


@dataclass(frozen=True, kw_only=True)
class RepositoryFit:
    """The models of a repository, the largest first, as far as they were measured.

    The last that was measured is the first that fits with all of its context: the smaller ones, which are in `smaller`,
    fit, too.
    """

    model: str
    too_large: tuple[TooLarge, ...]
    fits: tuple[Fit, ...]
    smaller: tuple[str, ...]

    @property
    def best(self) -> Fit | None:
        """The largest model with all of its context, or else that with the longest context; None if none fits."""
        fitting = [found for found in self.fits if found.best is not None]
        return max(fitting, key=_whole_and_long, default=None)


def fit_repository(repository: str, **options: Any) -> RepositoryFit:
    """Find the largest model of `repository`, such as "hf:org/repo", that fits with all of its context.

    Only headers are downloaded. `options` are those of `fit`. Raises InputError for the name of a single model, and
    what `fit` raises.
    """
    choices = choices_of(repository, offline=options.get("offline"))
    if choices is None:
        raise InputError(
            f"{repository} is not a repository that can be asked for its models.",
            fix="Name one, as hf:org/repo, and do so with a network; or use fit().",
        )
    return fit_choices(repository, choices, **options)


def fit_choices(repository: str, choices: Sequence[tuple[str, int]], **options: Any) -> RepositoryFit:
    """Do the same for these models of `repository`, with their sizes in bytes."""
    too_large, measured = [], list[Fit]()
    left = sorted(choices, key=lambda choice: -choice[1])
    while left and not (measured and measured[-1].is_whole):
        model, size = left.pop(0)
        try:
            check_fits(model, size)
        except ModelMemoryError:
            too_large.append(TooLarge(model=model, size=size))
        else:
            measured.append(fit(model, **options))
    return RepositoryFit(
        model=repository, too_large=tuple(too_large), fits=tuple(measured), smaller=tuple(model for model, _ in left)
    )


def _whole_and_long(found: Fit) -> tuple[bool, int, int]:
    plan = found.best
    assert plan is not None
    return found.is_whole, plan.context, found.size
