"""Find the CPU features that machine code needs: the part that all processors share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from tools.audit.library import Code, Library

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """Instructions that need a feature the processor may not have: their number, and the first of them."""

    feature: str
    count: int
    first: str


class Judge(Protocol):
    """Finds the instructions in a library that a CPU level with some of ggml's flags must not use."""

    def unavailable(self) -> str:
        """Return why it does not work on this machine; empty if it does."""

    def foreign(self, library: Library, flags: Sequence[str]) -> tuple[Foreign, ...]:
        """Return the instructions in all of the library's code that `flags` do not allow."""

    def foreign_from(self, start: int, library: Library, flags: Sequence[str]) -> tuple[Foreign, ...]:
        """Return the instructions that can run from address `start` and that `flags` do not allow.

        Calls are followed if the instruction contains their target.
        """


@dataclass(frozen=True, kw_only=True)
class Step(Generic[T]):
    """An instruction: `target` is the address it names; `ends` is True if execution does not go on after it."""

    address: int
    instruction: T
    target: int | None
    ends: bool


def walk(start: int, functions: Collection[int], steps: Callable[[int], Iterator[Step[T]]]) -> Iterator[T]:
    """Yield the instructions that can run from `start`; `steps` yields those at an address and after it."""
    seen: set[int] = set()
    waiting = [start]
    while waiting:
        address = waiting.pop()
        for step in steps(address):
            # A call that never returns may be the last instruction of a function; another function follows.
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
    """Return the code of `library` that contains `address`; None if there is none."""
    return next((part for part in library.code if part.has(address)), None)
