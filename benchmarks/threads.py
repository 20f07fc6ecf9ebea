"""Compare numbers of threads when cores are scarce, in interleaved rounds; `nox -s bench -- threads` runs this.

A case is a number of callers, each with a context of its own, and what else the machine does. In each round, every
setting runs once in a new process, in a different order each time. A setting is the library that computes, ours or one
that is built with OpenMP, and the number of threads of each context. The rate of llamapack's default is divided by the
best rate of all settings in the same round, and by the rate of OpenMP with llamapack's default.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.intervals import Bar, estimate
from benchmarks.options import at_least_one
from benchmarks.processes import run
from benchmarks.reports import markdown, run_main, write_report

BEST = Bar(side="at least", limit=0.8)
OPENMP = Bar(side="at least", limit=1.0)
OURS, OTHER = "ours", "OpenMP"
QUOTA_GROUP = Path("/sys/fs/cgroup/cpu/llamapack-bench")
PERIOD_MICROSECONDS = 100_000


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What computes, and with how many threads for each context."""

    library: str
    threads: int

    def __str__(self) -> str:
        """Return it as a head of the table."""
        return f"{self.library}, {self.threads}"


@dataclass(frozen=True, kw_only=True)
class Case:
    """Callers at once, and what else the machine does."""

    name: str
    callers: int = 1
    threads: int = 0
    """The number of threads that is judged, or 0 for llamapack's default."""
    neighbour: bool = False
    """Whether another process keeps the first core busy."""
    quota: float = 0
    """The number of cores that the cgroup allows, or 0 for all."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """The settings that all rounds share."""

    model: Path
    libraries: Mapping[str, str]
    """By name; an empty path is the wheel's own library."""
    cores: int
    default: int
    """llamapack's choice of a number of threads."""
    tokens: int

    def cases(self) -> tuple[Case, ...]:
        """Return all cases that this machine allows."""
        more = [max(self.cores + 1, self.cores * 3 // 2), self.cores * 2, self.cores * 4]
        found = [
            Case(name="alone"),
            *(Case(name=f"{callers} callers", callers=callers) for callers in (2, 4, 8)),
            *(Case(name=f"{count} threads on {self.cores} cores", threads=count) for count in more),
            Case(name="busy neighbour", neighbour=True),
        ]
        if os.access(QUOTA_GROUP.parent, os.W_OK):
            found.append(Case(name="quota of 1.5 cores", quota=1.5))
        return tuple(found)

    def settings(self, case: Case) -> tuple[Setting, ...]:
        """Return what is compared in `case`; the first is judged."""
        threads = dict.fromkeys((case.threads or self.default, 1, self.cores))
        return tuple(Setting(library=library, threads=count) for library in self.libraries for count in threads)

    def rate(self, case: Case, setting: Setting) -> float:
        """Return tokens per second of all callers together."""
        words = [self.model, case.callers, setting.threads, max(8, self.tokens // case.callers)]
        words += [self.libraries[setting.library]]
        command = [sys.executable, "-m", "benchmarks.callers", *map(str, words)]
        with ExitStack() as stack:
            if case.neighbour:
                stack.enter_context(neighbour())
            if case.quota:
                stack.enter_context(quota(case.quota))
            return float(run(command).out)


@contextmanager
def neighbour() -> Iterator[None]:
    """Keep the first core that this process may use busy."""
    core = min(os.sched_getaffinity(0))
    code = f"import os; os.sched_setaffinity(0, [{core}])\nwhile True: pass"
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def quota(cores: float) -> Iterator[None]:
    """Limit this process, and what it starts, by a cgroup (version 1)."""
    before = next(
        line.split(":", 2)[2]
        for line in Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
        if "cpu" in line.split(":")[1].split(",")
    )
    QUOTA_GROUP.mkdir(exist_ok=True)
    (QUOTA_GROUP / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS), encoding="ascii")
    (QUOTA_GROUP / "cpu.cfs_quota_us").write_text(str(int(cores * PERIOD_MICROSECONDS)), encoding="ascii")
    (QUOTA_GROUP / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
    try:
        yield
    finally:
        home = QUOTA_GROUP.parent / before.strip("/")
        (home / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
        QUOTA_GROUP.rmdir()


@dataclass(frozen=True, kw_only=True)
class Series:
    """The rates of all rounds, by the name of the case and by setting."""

    rounds: dict[tuple[str, Setting], list[float]] = field(default_factory=dict)

    def of(self, case: Case, setting: Setting) -> list[float]:
        """Return the rates of all rounds."""
        return self.rounds.setdefault((case.name, setting), [])

    def ratios(self, case: Case, settings: Sequence[Setting]) -> tuple[list[float], list[float]]:
        """Divide, for each round, the rate of the first setting by the best, and by OpenMP's with as many threads."""
        rounds = list(zip(*(self.of(case, setting) for setting in settings), strict=True))
        openmp = settings.index(Setting(library=OTHER, threads=settings[0].threads))
        return [rates[0] / max(rates) for rates in rounds], [rates[0] / rates[openmp] for rates in rounds]


def measure(setup: Setup, cases: Sequence[Case], rounds: int) -> Series:
    """Run all rounds; the one before the first warms up and does not count."""
    series = Series()
    for number in range(-1, rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        for case in cases[:1] if number < 0 else cases:
            settings = list(setup.settings(case))
            random.Random(number).shuffle(settings)  # noqa: S311 - an order is not a secret
            for setting in settings:
                rate = setup.rate(case, setting)
                if number >= 0:
                    series.of(case, setting).append(rate)
    return series


def table(setup: Setup, cases: Sequence[Case], series: Series) -> str:
    """Return the Markdown table: median rates, and what is judged."""
    heads = list(dict.fromkeys(str(each) for each in setup.settings(cases[0])))
    head = ["tokens/s", *heads, "judged", "to the best", f"≥ {BEST.limit}", "to OpenMP", f"≥ {OPENMP.limit}"]
    rows = []
    for case in cases:
        settings = setup.settings(case)
        found = {str(each): f"{statistics.median(series.of(case, each)):.3g}" for each in settings}
        judged = f"{settings[0]}: {found[str(settings[0])]}"
        to_best, to_openmp = (estimate(ratios) for ratios in series.ratios(case, settings))
        cells = [found.get(name, "") for name in heads]
        rows.append(
            [case.name, *cells, judged, str(to_best), BEST.verdict(to_best), str(to_openmp), OPENMP.verdict(to_openmp)]
        )
    return markdown(head, rows)


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="nox -s bench -- threads", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--openmp", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--other", action="append", default=[], help="Another library to compare: NAME=PATH.")
    parser.add_argument("--only", action="append", help="Measure only this case; may be given several times.")
    parser.add_argument("--rounds", type=at_least_one, default=7, help="Rounds that count (default: %(default)s).")
    parser.add_argument("--tokens", type=at_least_one, default=192, help="Tokens of a case (default: %(default)s).")
    return parser.parse_args(argv)


def main() -> int:
    """Measure, print the table and write the report. A limit that is not reached is reported, but is not an error."""
    from llamapack.threads import default_threads

    options, load = parse(), os.getloadavg()
    others = dict(word.split("=", 1) for word in options.other)
    libraries, cores = {OURS: "", OTHER: options.openmp, **others}, len(os.sched_getaffinity(0))
    setup = Setup(
        model=options.model,
        libraries=libraries,
        cores=cores,
        default=default_threads().count,
        tokens=options.tokens,
    )
    cases = [case for case in setup.cases() if not options.only or case.name in options.only]
    series = measure(setup, cases, options.rounds)
    found = [
        {"case": name, "library": setting.library, "threads": setting.threads, "rates": rates}
        for (name, setting), rates in series.rounds.items()
    ]
    write_report(options.output, {"cores": cores, "rates": found}, load)
    print(f"{cores} cores, load average {load[0]:.1f} before")
    print(table(setup, cases, series))
    return 0


if __name__ == "__main__":
    run_main(main)
