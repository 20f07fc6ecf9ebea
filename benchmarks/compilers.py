"""Compare compilers on CPU levels, in interleaved rounds; the Nox session `bench-compilers` builds them and runs this.

In each round, llama.cpp's llama-bench loads every module once, and reads a prompt and generates with each format, in a
different order each time. A variant's rate is divided by that of the first variant in the same round.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.intervals import estimate
from benchmarks.options import at_least_one
from benchmarks.processes import llama_bench
from benchmarks.reports import markdown, run_main, write_report

FORMATS = ("F16", "Q8_0", "Q4_0", "Q4_K_M")
KINDS = ("prompt", "generation")


@dataclass(frozen=True, kw_only=True)
class Setup:
    """The settings that all rounds share."""

    reference: Path
    models: Mapping[str, Path]
    """By format."""
    modules: Mapping[str, Mapping[str, Path]]
    """By variant, then by level; all have the same levels."""
    n_threads: int
    n_prompt: int
    n_generated: int

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels that every variant has."""
        return tuple(next(iter(self.modules.values())))

    def rates(self, variant: str, level: str) -> dict[tuple[str, str], float]:
        """Return tokens per second, by format and kind, from one process."""
        models = [word for path in self.models.values() for word in ("-m", path)]
        sizes = ("-t", self.n_threads, "-p", self.n_prompt, "-n", self.n_generated)
        formats = {str(path): name for name, path in self.models.items()}
        return {
            (formats[row["model_filename"]], KINDS[bool(row["n_gen"])]): float(row["avg_ts"])
            for row in llama_bench(self.reference, self.modules[variant][level], *models, *sizes)
        }


@dataclass(frozen=True, kw_only=True)
class Series:
    """The rates of all rounds, by level, variant, format and kind."""

    rounds: dict[tuple[str, str, str, str], list[float]] = field(default_factory=dict)

    def add(self, level: str, variant: str, rates: Mapping[tuple[str, str], float]) -> None:
        """Add the rates of one process."""
        for (format, kind), rate in rates.items():
            self.rounds.setdefault((level, variant, format, kind), []).append(rate)

    def ratios(self, level: str, variant: str, first: str, format: str, kind: str) -> list[float]:
        """Return, for each round, the rate of `variant` divided by that of `first`."""
        ours, theirs = (self.rounds[level, name, format, kind] for name in (variant, first))
        return [one / other for one, other in zip(ours, theirs, strict=True)]

    def together(self, level: str, variant: str, first: str, kinds: Sequence[str]) -> list[float]:
        """Return, for each round, the geometric mean of the ratios over all formats and `kinds`."""
        columns = [self.ratios(level, variant, first, format, kind) for format in FORMATS for kind in kinds]
        return [statistics.geometric_mean(values) for values in zip(*columns, strict=True)]


def order(setup: Setup, number: int) -> list[tuple[str, str]]:
    """Return every level and variant once, in an order that depends on the round, but is the same in every run."""
    pairs = [(level, variant) for level in setup.levels for variant in setup.modules]
    random.Random(number).shuffle(pairs)  # noqa: S311 - an order is not a secret
    return pairs


def measure(setup: Setup, rounds: int) -> Series:
    """Run all rounds."""
    series, (first, *_) = Series(), setup.modules
    for level in setup.levels:  # warms up: files are read into memory, and the processor leaves its power-saving state
        setup.rates(first, level)
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        for level, variant in order(setup, number):
            series.add(level, variant, setup.rates(variant, level))
    return series


def table(setup: Setup, series: Series, level: str) -> str:
    """Return the Markdown table of one level: ratios to the first variant, and for that one the rates."""
    first, *_ = setup.modules
    head = ["", *(f"{format} {kind}" for kind in KINDS for format in FORMATS)]
    head += [*(f"all, {kind}" for kind in KINDS), "all"]
    rows = []
    for variant in setup.modules:
        cells = [_cell(setup, series, level, variant, format, kind) for kind in KINDS for format in FORMATS]
        pooled = [estimate(series.together(level, variant, first, kinds)) for kinds in (*((k,) for k in KINDS), KINDS)]
        rows.append([variant, *cells, *("1" if variant == first else str(each) for each in pooled)])
    return markdown(head, rows)


def _cell(setup: Setup, series: Series, level: str, variant: str, format: str, kind: str) -> str:
    first, *_ = setup.modules
    if variant == first:
        return f"{statistics.median(series.rounds[level, variant, format, kind]):.4g} tokens/s"
    return str(estimate(series.ratios(level, variant, first, format, kind)))


def report(setup: Setup, series: Series) -> dict[str, object]:
    """Return everything that was measured, with raw values and the machine."""
    return {
        "processor": processor(),
        "threads": setup.n_threads,
        "prompt_tokens": setup.n_prompt,
        "generated_tokens": setup.n_generated,
        "rates": [
            {"level": level, "variant": variant, "format": format, "kind": kind, "rounds": rates}
            for (level, variant, format, kind), rates in series.rounds.items()
        ],
    }


def processor() -> str:
    """Return the name of the processor, on Linux."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def make_models(source: Path, folder: Path) -> dict[str, Path]:
    """Write `source` in every format into `folder`, keeping files that exist; return them by format.

    `source` is quantized already. It is converted to F16, and the other formats are made from that.
    """
    from llamapack.quantization import quantize

    folder.mkdir(parents=True, exist_ok=True)
    models = {name: folder / f"{source.name.split('.')[0]}.{name}.gguf" for name in FORMATS}
    for name, path in models.items():
        if not path.exists():
            print(f"writing {path.name}", file=sys.stderr, flush=True)
            quantize(source if name == "F16" else models["F16"], path, name, allow_requantize=name == "F16")
    return models


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="nox -s bench-compilers --", description=__doc__)
    for name in ("--model", "--reference", "--modules", "--output"):
        parser.add_argument(name, type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=at_least_one, default=6, help="Rounds that count (default: %(default)s).")
    parser.add_argument("--threads", type=at_least_one, help="Threads (default: llamapack's own choice).")
    parser.add_argument("--prompt-tokens", type=at_least_one, default=128, help="Prompt (default: %(default)s).")
    parser.add_argument("--generated-tokens", type=at_least_one, default=48, help="Length (default: %(default)s).")
    return parser.parse_args(argv)


def main() -> int:
    """Measure, print a table for each level, and write the report."""
    from llamapack.threads import default_threads

    options, load = parse(), os.getloadavg()
    found = json.loads(options.modules.read_text(encoding="utf-8"))
    setup = Setup(
        reference=options.reference / "llamapack-reference",
        models=make_models(options.model, options.output.parent / "models"),
        modules={name: {level: Path(path) for level, path in levels.items()} for name, levels in found.items()},
        n_threads=options.threads or default_threads().count,
        n_prompt=options.prompt_tokens,
        n_generated=options.generated_tokens,
    )
    series = measure(setup, options.rounds)
    write_report(options.output, report(setup, series), load)
    print(f"{processor()}, {setup.n_threads} threads, load average {load[0]:.1f} before")
    for level in setup.levels:
        print(f"\n### {level}\n\n{table(setup, series, level)}")
    return 0


if __name__ == "__main__":
    run_main(main)
