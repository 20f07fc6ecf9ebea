"""A process that downloads a model again and again, each time in a child that kills itself at some line.

It reads from standard input a reference and the number of a line of `llamapack.hub`, counted as they are executed, and
writes "killed", or "done" and how many lines there were.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import llamapack.hub
from llamapack import gguf
from llamapack.hub import resolve

_WATCHED = tuple(str(Path(str(package.__file__)).parent) for package in (llamapack.hub, gguf))
_FAILED = 3


def main() -> None:
    """Answer until there are no more lines."""
    for line in sys.stdin:
        reference, last = line.split()
        print(_attempt(reference, int(last)), flush=True)


def _attempt(reference: str, last: int) -> str:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, str(_download(reference, last)).encode())
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(_FAILED)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        lines = pipe.read()
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return "killed"
    return f"done {lines}" if status == 0 else f"failed {status}"


def _download(reference: str, last: int) -> int:
    count = 0

    def local(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        if event == "line":
            count += 1
            if count == last:
                os.kill(os.getpid(), signal.SIGKILL)
        return local

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        return local if frame.f_code.co_filename.startswith(_WATCHED) else None

    sys.settrace(trace)
    resolve(reference)
    sys.settrace(None)
    return count


if __name__ == "__main__":
    main()
