"""How each cell was checked, when and on which commit: docs/reference/results.json.

A session writes it if it is called with `-- --record`. The working tree must have no uncommitted changes, so that the
recorded commit is what was checked. The page of the build matrix is generated from this file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from tools.errors import ToolError, shorten
from tools.matrix import Cell, Matrix
from tools.paths import ROOT
from tools.platforms.host import Method
from tools.util.atomic_files import write_text
from tools.util.cmd import run

RESULTS = ROOT / "docs" / "reference" / "results.json"
PAGE = ROOT / "docs" / "reference" / "build-matrix.md"
README = ROOT / "README.md"
OPTION = "--record"


@dataclass(frozen=True, kw_only=True)
class Result:
    """One passed check of a cell: the method, the program, the day, and the commit."""

    how: Method
    by: str
    date: str
    commit: str
    of: str = ""
    """What it was compiled for: GPU architectures, or the CPU levels that were built if that is not all of them."""

    def __str__(self) -> str:
        """Return the result as the page shows it."""
        by = f" (`{self.by}`)" if self.by else ""
        of = f" for `{self.of}`" if self.of else ""
        return f"{self.how}{by}{of}, {self.date}, `{self.commit}`"


def read_results(path: Path = RESULTS) -> dict[str, tuple[Result, ...]]:
    """Return the results of each cell by its id, the strongest first; empty if none are recorded."""
    if not path.exists():
        return {}
    held = json.loads(path.read_text(encoding="utf-8"))
    return {cell: tuple(Result(**{**row, "how": Method(row["how"])}) for row in rows) for cell, rows in held.items()}


@dataclass(frozen=True, kw_only=True)
class Recording:
    """The commit that is checked out when a recorded check begins; it must be the same when the check ends."""

    commit: str

    def result(self, how: Method, by: str = "", of: str = "") -> Result:
        """Return a result of today and of that commit; raises ToolError if HEAD or the files have changed."""
        if (now := _clean_commit()) != self.commit:
            what = f"{self.commit} was checked out when the check began, and now it is {now}."
            raise ToolError(
                what, why="It is not known which of them was checked.", fix="Do not change the tree while it runs."
            )
        return Result(how=how, by=by, of=of, date=date.today().isoformat(), commit=self.commit)


def begin(arguments: Sequence[str]) -> tuple[list[str], Recording | None]:
    """Return the session's `arguments` without `--record`, and a recording if that was among them.

    Raises ToolError if there are uncommitted changes: a result must belong to a commit.
    """
    rest = [word for word in arguments if word != OPTION]
    return rest, Recording(commit=_clean_commit()) if OPTION in arguments else None


def refuse_arguments(recording: Recording | None, arguments: Sequence[str]) -> None:
    """Raise ToolError if a check would be recorded with `arguments` for pytest, which may skip parts of it."""
    if recording and arguments:
        what = f"{OPTION} does not go together with {' '.join(arguments)}."
        raise ToolError(what, why="A part of the check might be left out.", fix="Leave out one of them.")


def record(cell: str, result: Result, path: Path = RESULTS) -> None:
    """Write that `cell` was checked; replaces an earlier result of the same kind."""
    known = read_results(path)
    others = [old for old in known.get(cell, ()) if old.how is not result.how]
    rows = sorted([*others, result], key=lambda each: list(Method).index(each.how))
    held = {name: [_written(row) for row in found] for name, found in sorted({**known, cell: tuple(rows)}.items())}
    write_text(path, json.dumps(held, indent=1) + "\n")


def known_of(cell: Cell, results: Mapping[str, Sequence[Result]]) -> tuple[Result, ...]:
    """Return the results of `cell`; for a level without results, the audit of its build, which covers all levels."""
    own = tuple(results.get(cell.id, ()))
    if own or not cell.level:
        return own
    found = results.get(cell.build.id, ())
    return tuple(
        each for each in found if each.how is Method.COMPILED and (not each.of or cell.level in each.of.split(", "))
    )


def summary(matrix: Matrix, target: str, results: Mapping[str, Sequence[Result]]) -> str:
    """Return a text: how many CPU levels of `target` were checked, and how."""
    cells = [cell for cell in matrix.checks if cell.target == target]
    best = [found[0].how if (found := known_of(cell, results)) else Method.NOT for cell in cells]
    counts = [f"{best.count(how)} {WORDS[how]}" for how in Method if how in best]
    return f"{len(cells)} levels: {', '.join(counts)}"


def reached(found: Sequence[Result], *hows: Method) -> str:
    """Return "yes", "with `PROGRAM`" such as lavapipe, or "no": whether a result is one of `hows`."""
    for result in found:
        if result.how in hows:
            return f"with `{result.by}`" if result.by else "yes"
    return "no"


def strongest(cell: Cell, results: Mapping[str, Sequence[Result]]) -> str:
    """Return the results of `cell` as text."""
    return "; ".join(map(str, known_of(cell, results))) or str(Method.NOT)


WORDS = {
    Method.NATIVE: "run",
    Method.EMULATED: "run in an emulator only",
    Method.LOADED: "compiled, audited and loaded only",
    Method.COMPILED: "compiled and audited only",
    Method.NOT: "not verified",
}


def _written(result: Result) -> dict[str, str]:
    return {name: value for name, value in asdict(result).items() if value or name != "of"}


def _clean_commit() -> str:
    own = {path.relative_to(ROOT).as_posix() for path in (RESULTS, PAGE, README)}
    lines = run(["git", "-C", ROOT, "status", "--porcelain"]).stdout.splitlines()
    if changed := [line[3:] for line in lines if line[3:] not in own]:
        raise ToolError(
            "A result is of a commit, and this tree has changes.",
            why=f"Changed: {shorten(changed)}",
            fix=f"Commit them, or leave out {OPTION}.",
        )
    return run(["git", "-C", ROOT, "rev-parse", "--short=12", "HEAD"]).stdout.strip()
