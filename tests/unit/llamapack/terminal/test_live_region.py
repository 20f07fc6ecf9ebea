"""Lines that change, on an emulated terminal: what is kept stays, and nothing else does."""

from __future__ import annotations

import io
import random

import pytest
from llamapack.terminal.live_region import LiveRegion
from llamapack.terminal.markdown import Block, Blocks
from rich.console import Console
from rich.text import Text

pyte = pytest.importorskip("pyte", reason="this environment has no emulated terminal")


class Window:
    """A console on an emulated terminal."""

    def __init__(self, columns: int, rows: int) -> None:
        self.screen = pyte.HistoryScreen(columns, rows, history=10_000, ratio=0.5)
        self.stream = pyte.Stream(self.screen)
        self.file = io.StringIO()
        self.console = Console(file=self.file, force_terminal=True, width=columns, height=rows, color_system="standard")
        self.region = LiveRegion(self.console)

    def lines(self) -> list[str]:
        """What is above the window and in it."""
        self.stream.feed(self.file.getvalue().replace("\n", "\r\n"))
        self.file.seek(0)
        self.file.truncate()
        columns = range(self.screen.columns)
        above = ["".join(line[column].data for column in columns) for line in self.screen.history.top]
        return [line.rstrip() for line in "\n".join((*above, *self.screen.display)).rstrip().split("\n")]


def text(lines: list[str]) -> Text:
    return Text("\n".join(lines))


@pytest.mark.parametrize("seed", range(20))
def test_what_is_kept_stays_and_what_is_shown_is_the_end(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    window = Window(20, 8)
    kept: list[str] = []
    for _ in range(60):
        lines = [chance.choice(["a", "bb", "ccc", "x" * 20]) for _ in range(chance.randint(1, 12))]
        if chance.random() < 0.3:
            window.region.keep(text(lines))
            kept += lines
            assert window.lines() == kept
        else:
            window.region.show(text(lines))
            assert window.lines() == [*kept, *lines[-6:]]


def test_only_lines_that_differ_are_written_again() -> None:
    window = Window(40, 10)
    window.region.show(text(["first", "second"]))
    window.lines()
    window.region.show(text(["first", "second and more"]))
    assert "first" not in window.file.getvalue()
    assert window.lines() == ["first", "second and more"]
    window.region.keep(text(["first", "second and more"]))
    assert window.file.getvalue() == "\n"


def test_what_is_shown_at_the_end_is_removed() -> None:
    window = Window(40, 10)
    window.region.keep(text(["kept"]))
    with window.region.active():
        window.region.show(text(["for a moment", "only"]))
    assert window.lines() == ["kept"]
    assert not window.screen.cursor.hidden


TEXT = """# Title

A *short* paragraph
with two lines, `code`, <b>tags</b> and vector<int>.

1. one
2. two
   - inner

   still two

> quoted
> more

| a | b |
|---|---|
| 1 | 2 |

```python
def f():

    return "# not a title"
```

Setext
------

***

The end."""


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 1000])
def test_blocks_are_complete_whatever_the_pieces_are(size: int) -> None:
    blocks = Blocks()
    done: list[str] = []
    for at in range(0, len(TEXT), size):
        blocks.add(TEXT[at : at + size])
        if block := blocks.take():
            done.append(block)
    assert "".join(done) + blocks.rest == TEXT
    whole = Window(60, 200)
    whole.region.keep(Block(TEXT))
    parts = Window(60, 200)
    for number, part in enumerate([*done, blocks.rest]):
        parts.region.keep(Block(part), apart=number > 0)
    filled = [line for line in whole.lines() if line]
    assert [line for line in parts.lines() if line] == filled
    assert "with two lines, code, <b>tags</b> and vector<int>." in filled


def test_a_number_that_may_become_a_list_is_not_taken_for_a_block() -> None:
    blocks = Blocks()
    blocks.add("1. one\n\n2")
    assert blocks.take() == ""
    blocks.add(". two\n\nEnd.\n")
    assert blocks.take() == "1. one\n\n2. two\n\n"
