"""What benchmarks print and write: Markdown tables, and reports as JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.processes import BenchmarkError


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *rows))


def write_report(path: Path, found: Mapping[str, Any], load: Sequence[float]) -> None:
    """Write what was found as JSON, with the load averages: `load` from before, and those of now."""
    path.parent.mkdir(parents=True, exist_ok=True)
    report = {"load_average": {"before": load, "after": os.getloadavg()}, **found}
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def run_main(main: Callable[[], int]) -> None:
    """Run a benchmark and exit with its status; a BenchmarkError is printed without a traceback."""
    try:
        sys.exit(main())
    except BenchmarkError as error:
        sys.exit(str(error))
