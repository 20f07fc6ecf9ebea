"""Sort the words of a call: for the CPU's part alone, for both parts, and the GPUs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tools.errors import ToolError

ARCH = "--offload-arch="
_DEPENDENCIES = {"-MD": 0, "-MMD": 0, "-MF": 1, "-MT": 1, "-MQ": 1}
"""Options that list the headers, with the words that follow each: one list is enough."""


@dataclass(kw_only=True)
class Call:
    """What clang was called with."""

    gpus: list[str] = field(default_factory=list)
    output: str = ""
    both: list[str] = field(default_factory=list)
    host: list[str] = field(default_factory=list)
    preprocess: bool = False


def read_call(words: Sequence[str]) -> Call:
    """Sort the words of a call of clang that compiles or preprocesses one HIP source.

    Raises ToolError if no GPU is named, or no file to write.
    """
    call, rest = Call(), iter(words)
    for word in rest:
        if word == "-o":
            call.output = next(rest, "")
        elif word in _DEPENDENCIES:
            call.host += [word, *(next(rest, "") for _ in range(_DEPENDENCIES[word]))]
        elif word.startswith(ARCH):
            call.gpus.append(word.removeprefix(ARCH))
        elif word == "-E":
            call.preprocess = True
        elif word != "-c":
            call.both.append(word)
    if not call.gpus:
        raise ToolError("No GPU is named that is compiled for.", fix=f"Add {ARCH}gfx1100, or another one.")
    if not (call.output or call.preprocess):
        raise ToolError("A HIP source is compiled with -c and -o FILE here.")
    return call
