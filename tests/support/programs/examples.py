"""The programs of the guide: run them, and find them in its pages."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.children import Answer, python
from tools.paths import ROOT

GUIDE = ROOT / "docs" / "guide"
QUOTE = re.compile(r"\[`(examples/\S+)`\]\(\S+\):\n\n```python\n(.*?)```", re.DOTALL)


def examples(folder: str) -> dict[str, Path]:
    """Return the programs in a folder by name."""
    return {path.name: path for path in sorted((ROOT / folder).glob("*.py"))}


def run_example(path: Path, *arguments: Path) -> Answer:
    """Run a program as Python's command line does."""
    return python("import runpy, sys; runpy.run_path(sys.argv.pop(1), run_name='__main__')", path, *arguments)


def quoted_and_written(page: str, folder: str) -> tuple[list[str], list[str]]:
    """Return the programs that a page of the guide shows, and those in the folder that it should show."""
    text = (GUIDE / page).read_text(encoding="utf-8")
    quotes = dict(QUOTE.findall(text))
    others = text.count("```python") - len(quotes)
    written = {f"{folder}/{name}": path.read_text(encoding="utf-8") for name, path in examples(folder).items()}
    return _listed(quotes) + ["other code"] * others, _listed(written)


def _listed(programs: dict[str, str]) -> list[str]:
    return [f"{name}\n{text}" for name, text in sorted(programs.items())]
