"""What memory a model will take: llama.cpp measures it in a runner, without allocating it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llamapack.errors import ModelError
from llamapack.runner.child import Child
from llamapack.runner.configuration import Wanted

HOST = ""


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a model takes of one memory, in bytes.

    `device` is HOST for the machine's own. `free` is how much is free there, and None if that is not known.
    """

    device: str
    needed: int
    free: int | None = None

    @property
    def place(self) -> str:
        """The memory in words."""
        return "this machine" if self.device == HOST else self.device


def read_needs(devices: Sequence[Mapping[str, Any]] | None) -> tuple[Need, ...]:
    """Return what a runner measured. Devices that share the machine's memory take theirs of that, too."""
    found = devices or ()
    own = sum(int(each["needed"]) for each in found if each["shares_host_memory"])
    needs = [
        Need(device=each["name"], needed=int(each["needed"]), free=each["free"])
        for each in found
        if each["name"] != HOST
    ]
    return (*needs, Need(device=HOST, needed=own)) if found else ()


def host_need(needs: Iterable[Need]) -> int:
    """Return what of the machine's memory a model takes, as far as that was measured."""
    return sum(each.needed for each in needs if each.device == HOST)


def measure_needs(wanted: Wanted, stopped: Callable[[], bool] = lambda: False) -> tuple[Need, ...]:
    """Start a runner, let it measure, and end it; raises ModelError if it cannot say.

    It counts the weights, the KV cache and the working memory of the largest batch, also for a draft model and a
    projector. Those of the processor become resident when they are first written.
    """
    child = Child(wanted, ask=True)
    try:
        report = child.measure(stopped)
    finally:
        child.end()
    if not (needs := read_needs(None if report is None else report["devices"])):
        raise ModelError(
            f"llama.cpp cannot say how much memory {wanted.path} takes.",
            why=(report or {}).get("error") or child.failure or "\n".join(child.log.last),
            fix="Load it, as with `llamapack run`: that says what is wrong with the model or its options.",
        )
    return needs
