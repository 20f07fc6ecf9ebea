"""Load damaged files, one after the other, in a process that may crash.

Run as `python -m tests.support.gguf.load_cases SEED FIRST END FOLDER [MODEL]`: writes a line of JSON before and after
each case, so that the parent process knows the last one. With a MODEL, its header is damaged instead of a made file's.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import llamapack
from llamapack import gguf
from llamapack.errors import LlamapackError

from tests.support.gguf.files import encode, tiny_model
from tests.support.gguf.mutations import Case, make_case, make_header_case

CPU_SECONDS = 2.0
ADDRESSES = 2 << 30  # a limit, so that a huge allocation cannot affect the whole machine


def main(seed: int, first: int, end: int, folder: Path, model: Path | None = None) -> None:
    """Load the cases from `first` up to `end`."""
    path = folder / "case.gguf"
    path.write_bytes(encode(tiny_model()).data)
    use(path)  # first, so that libraries, level and caches are part of the baseline
    if model is not None:
        use(model)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + ADDRESSES, size + ADDRESSES))
    write = writer(seed, path, model)
    for number in range(first, end):
        case = write(number)
        say({"begins": number, "label": case.label})
        before = resource.getrusage(resource.RUSAGE_SELF)
        # SIGPROF ends the process, also in native code
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
        outcome = attempt(path)
        signal.setitimer(signal.ITIMER_PROF, 0)
        after = resource.getrusage(resource.RUSAGE_SELF)
        say({"ends": number, **outcome, "mib": (after.ru_maxrss - before.ru_maxrss) / 1024})


def writer(seed: int, path: Path, model: Path | None) -> Callable[[int], Case]:
    """Return a function that writes a case to `path`."""
    if model is None:

        def write(number: int) -> Case:
            case = make_case(seed, number)
            path.write_bytes(case.data)
            return case

        return write
    header = model.read_bytes()[: min(tensor.offset for tensor in gguf.read(model).tensors.values())]
    size = model.stat().st_size

    def write_header(number: int) -> Case:
        case = make_header_case(seed, number, header)
        with path.open("wb") as file:
            file.write(case.data)
            file.truncate(size)  # the weights are zeros, as a hole in the file
        return case

    return write_header


def attempt(path: Path) -> dict[str, str]:
    """Use the model; llamapack's own errors are a result, all others are a bug."""
    try:
        use(path)
    except LlamapackError as error:
        return {"outcome": type(error).__name__, "message": str(error)}
    return {"outcome": "loaded", "message": ""}


def use(path: Path) -> None:
    """Load the model, tokenize and run one token through it."""
    with llamapack.Model(path) as model:
        tokens = model.vocab.tokenize("hello world\n", parse_special=True)
        model.vocab.detokenize(tokens)
        if len(model.vocab) and model.n_ctx_train:
            llamapack.Context(model, n_ctx=32, n_threads=1).decode(tokens[:1] or [0])


def say(facts: dict[str, object]) -> None:
    """Write a line of JSON that is not lost if the process crashes."""
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    numbers, paths = sys.argv[1:4], sys.argv[4:]
    main(int(numbers[0]), int(numbers[1]), int(numbers[2]), Path(paths[0]), Path(paths[1]) if paths[1:] else None)
