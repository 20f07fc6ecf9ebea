"""Which of llama.cpp's tests do not pass, with the reason for each: expected.toml. All others must pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.util.toml_table import Table, read_toml
from tools.verification.server_tests.reports import LEFT_OUT, PROGRAMS, Ended, Report

FILE = Path(__file__).with_name("expected.toml")
FAILS, EITHER, NOT_RUN = "fails", "fails or passes", "is not run"
OUTCOMES = (FAILS, EITHER, NOT_RUN)


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """Tests that need not pass, with one reason for all.

    `tests` are names of files, of functions, or of cases. `outcome` is one of OUTCOMES.
    """

    why: str
    outcome: str
    programs: tuple[str, ...]
    tests: tuple[str, ...]


def load_exemptions(path: Path = FILE) -> Sequence[Exemption]:
    """Return the exemptions in the order of the file."""
    return [_exemption(table) for table in read_toml(path).only("exempt").tables("exempt")]


def _exemption(table: Table) -> Exemption:
    table.only("why", "outcome", "programs", "tests")
    return Exemption(
        why=table.text("why"),
        outcome=table.choice("outcome", "outcome", OUTCOMES),
        programs=table.choices("programs", "program", PROGRAMS),
        tests=table.texts("tests"),
    )


def names_of(test: str) -> tuple[str, ...]:
    """Return the names that an exemption may call a test by: its file, its function, and itself."""
    return test.partition("::")[0], test.partition("#")[0], test


def left_out(exemptions: Sequence[Exemption], program: str) -> list[str]:
    """Return the names of what is not run with a program."""
    chosen = [each for each in exemptions if each.outcome == NOT_RUN and program in each.programs]
    return [name for each in chosen for name in each.tests]


def exemption_of(exemptions: Sequence[Exemption], program: str, test: str) -> Exemption | None:
    """Return why a test need not pass; of several reasons, the first in the file."""
    names = names_of(test)
    mine = (each for each in exemptions if program in each.programs)
    return next((each for each in mine if not set(names).isdisjoint(each.tests)), None)


def differences(exemptions: Sequence[Exemption], reports: Mapping[str, Report], *, whole: bool = True) -> Iterator[str]:
    """Say what ended otherwise than the file says, a line for each test.

    If the runs are `whole`, say as well which names in the file mean no test.
    """
    base = reports[PROGRAMS[0]]
    for program, report in reports.items():
        for ended in report.values():
            exemption = exemption_of(exemptions, program, ended.name)
            if problem := _problem(ended, exemption, base.get(ended.name, ended)):
                yield f"{program}: {ended.name} {problem}"
        yield from (f"{program}: {name} was not run" for name in base if name not in report)
    known = {name for report in reports.values() for test in report for name in names_of(test)}
    names = [name for each in exemptions for name in each.tests if whole]
    yield from (f"expected.toml: {name} is no test" for name in names if name not in known)


def _problem(ended: Ended, exemption: Exemption | None, base: Ended) -> str:
    how = f"{ended.outcome} (line {ended.line}: {ended.why})" if ended.outcome == "failed" else ended.outcome
    if exemption is None:
        return "" if ended.outcome == "passed" else how
    if exemption.outcome == NOT_RUN:
        return "" if ended.outcome == LEFT_OUT else how
    if ended.outcome == "failed":
        # at another place than llama-server it fails for another reason
        same = base.outcome != "failed" or base.line == ended.line
        return "" if same else f"failed at line {ended.line}, and with {PROGRAMS[0]} at line {base.line}: {ended.why}"
    return "" if exemption.outcome == EITHER and ended.outcome == "passed" else f"{how}, though it should fail"
