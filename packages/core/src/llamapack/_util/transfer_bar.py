"""Progress bars of downloads, on standard error if that is a terminal or a notebook."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, int, int], None]


@contextmanager
def transfer_bar() -> Iterator[Progress]:
    """Yield what takes the name of a file, its bytes that are here, and all; it shows a bar for each file."""
    if sys.stderr is not None and sys.stderr.isatty():
        with _bars() as progress:
            yield progress
    elif "ipykernel" in sys.modules:
        yield _Line()
    else:
        yield lambda name, done, total: None


@contextmanager
def _bars() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    bars = Bars(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
    tasks = {}
    begun = False

    def progress(name: str, done: int, total: int) -> None:
        nonlocal begun
        if not begun:
            bars.start()
            begun = True
        if name not in tasks:
            tasks[name] = bars.add_task(name.rpartition("/")[2], total=total)
        bars.update(tasks[name], completed=done, total=total)

    try:
        yield progress
    finally:
        if begun:
            bars.stop()


class _Line:
    """A line of text that is written again at every percent."""

    def __init__(self) -> None:
        self._shown = ""

    def __call__(self, name: str, done: int, total: int) -> None:
        text = f"{name.rpartition('/')[2]}: {100 * done // max(total, 1)} % of {total / 1e6:,.0f} MB"
        if text != self._shown:
            end = "\n" if done == total else ""
            print(f"\r{text}", end=end, file=sys.stderr, flush=True)
        self._shown = text
