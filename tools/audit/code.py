"""Which instructions machine code holds, and what each asks of the processor: the part that all processors share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from tools.audit.library import Code, Library

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """Instructions of features that a processor may not have: how many, and the first of them."""

    feature: str
    count: int
    first: str


class Judge(Protocol):
    """Tells which instructions of a library a level with some of ggml's flags must not use."""

    def unavailable(self) -> str:
        """Return why it cannot judge on this machine; empty if it can."""

    def foreign(self, library: Library, flags: Sequence[str]) -> tuple[Foreign, ...]:
        """Return what the library uses beyond `flags`, all of its code looked at from the first byte to the last."""

    def foreign_from(self, start: int, library: Library, flags: Sequence[str]) -> tuple[Foreign, ...]:
        """Return what all that runs from address `start` uses beyond `flags`, as far as calls name their target."""


@dataclass(frozen=True, kw_only=True)
class Step(Generic[T]):
    """An instruction, and where it leads: `target` is the address that it names, `ends` that nothing after it runs."""

    address: int
    instruction: T
    target: int | None
    ends: bool


def walk(start: int, functions: Collection[int], steps: Callable[[int], Iterator[Step[T]]]) -> Iterator[T]:
    """Yield the instructions that run from `start`; `steps` yields those at an address and after it."""
    seen: set[int] = set()
    waiting = [start]
    while waiting:
        address = waiting.pop()
        for step in steps(address):
            # A call that does not return may be a function's last instruction: what follows is another function.
            if step.address in seen or (step.address in functions and step.address != address):
                break
            seen.add(step.address)
            yield step.instruction
            if step.target is not None:
                waiting.append(step.target)
            if step.ends:
                break


def counted(found: Iterable[tuple[str, str]]) -> tuple[Foreign, ...]:
    """Count `found`, which has a feature and a text for each instruction, in the order of addresses."""
    counts: dict[str, int] = {}
    first: dict[str, str] = {}
    for feature, text in found:
        counts[feature] = counts.get(feature, 0) + 1
        first.setdefault(feature, text)
    return tuple(Foreign(feature=name, count=counts[name], first=first[name]) for name in sorted(counts))


def part_with(address: int, library: Library) -> Code | None:
    """Return the code of `library` that has `address` in it."""
    return next((part for part in library.code if part.has(address)), None)
