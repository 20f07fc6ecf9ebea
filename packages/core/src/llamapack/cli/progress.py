"""Progress bars for long work, on standard error if that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Step = Callable[[int, int, str], None]


@contextmanager
def progress_bar(title: str) -> Iterator[Step]:
    """Show a progress bar until the block ends; call the result with the part done, the total, and a label."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _done, _total, _word: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from llamapack.cli.inspect import printable

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[word]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(printable(title), total=None, word="")
        yield lambda done, total, word: bar.update(task, completed=done, total=total, word=word)
