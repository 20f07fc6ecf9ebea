"""Compare llamapack with llama.cpp's own programs, in interleaved rounds; the Nox session `bench` runs this.

In each round, both sides run one after the other in new processes, and the side that begins alternates, so that other
load on the machine affects both. The value of a round is the ratio of the two, or their difference.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.intervals import FEWEST, Bar, Estimate, estimate
from benchmarks.options import at_least_one
from benchmarks.processes import BenchmarkError, Run, llama_bench, run
from benchmarks.prompt import prompt
from benchmarks.reports import markdown, run_main, write_report


@dataclass(frozen=True, kw_only=True)
class Setup:
    """The settings that all rounds share."""

    model: Path
    reference: Path
    libraries: str
    """The backends, with commas: the CPU level's library, and the plug-in's where a device is measured."""
    level: str
    layers: tuple[str, ...]
    """What tells llama.cpp's programs where the layers go."""
    n_threads: int
    n_prompt: int
    n_generated: int
    prompt_file: Path

    def ours(self, kind: str) -> Run:
        """Run one round of llamapack."""
        command = [sys.executable, "-m", "benchmarks.work", kind, self.model, self.n_threads, self.n_generated]
        return run([*map(str, command), self.prompt_file])

    def bench(self, *arguments: str | int) -> float:
        """Run llama-bench with its default settings; return tokens per second."""
        command = ("-m", self.model, "-t", self.n_threads, *self.layers, *arguments)
        return float(llama_bench(self.reference, self.libraries, *command)[0]["avg_ts"])

    def completion(self) -> Run:
        """Run llama-completion up to its first tokens, without its warm-up and its fitting of sizes."""
        command = [self.reference, self.libraries, "llama-completion", "-m", self.model, "-t", self.n_threads]
        command += self.layers
        command += ["-f", self.prompt_file, "-n", 4, "-c", 1024, "--temp", 0, "-no-cnv", "--no-display-prompt"]
        command += ["--simple-io", "--no-warmup", "-fit", "off"]
        return run([str(argument) for argument in command])


@dataclass(frozen=True, kw_only=True)
class Measure:
    """Something to compare: both sides of a round, and the limit to reach."""

    name: str
    unit: str
    bar: Bar
    ours: Callable[[], float]
    theirs: Callable[[], float]
    combined: str = "ratio"
    rounds: list[tuple[float, float]] = field(default_factory=list)

    def step(self, number: int) -> None:
        """Run one round; which side begins depends on its number."""
        if number % 2:
            theirs, ours = self.theirs(), self.ours()
        else:
            ours, theirs = self.ours(), self.theirs()
        if number >= 0:
            self.rounds.append((ours, theirs))

    def values(self) -> list[float]:
        """Return the ratio or the difference of every round."""
        return [ours / theirs if self.combined == "ratio" else ours - theirs for ours, theirs in self.rounds]


def measures(setup: Setup) -> list[Measure]:
    """Return all that is compared."""
    depth, generated = setup.n_prompt, setup.n_generated
    fast = Bar(side="at least", limit=0.98)

    def rate(kind: str) -> Callable[[], float]:
        return lambda: float(setup.ours(kind).out)

    def generation() -> float:
        return setup.bench("-p", 0, "-n", generated, "-d", depth)

    def seconds(code: str) -> Callable[[], float]:
        return lambda: run([sys.executable, "-c", code]).seconds * 1000

    return [
        Measure(name="generate", unit="tokens/s", bar=fast, ours=rate("generate"), theirs=generation),
        Measure(name="decode and sample", unit="tokens/s", bar=fast, ours=rate("objects"), theirs=generation),
        Measure(
            name="prompt",
            unit="tokens/s",
            bar=fast,
            ours=rate("prompt"),
            theirs=lambda: setup.bench("-p", depth, "-n", 0),
        ),
        Measure(
            name="load to first token",
            unit="s",
            bar=Bar(side="at most", limit=1.15),
            ours=lambda: setup.ours("first").first_output_seconds,
            theirs=lambda: setup.completion().first_output_seconds,
        ),
        Measure(
            name="peak memory",
            unit="MB",
            bar=Bar(side="at most", limit=40),
            ours=lambda: setup.ours("first").peak_bytes / 1e6,
            theirs=lambda: setup.completion().peak_bytes / 1e6,
            combined="difference",
        ),
        Measure(
            name="import",
            unit="ms",
            bar=Bar(side="at most", limit=60),
            ours=seconds("import llamapack"),
            theirs=seconds("pass"),
            combined="difference",
        ),
        Measure(
            name="help",
            unit="ms",
            bar=Bar(side="at most", limit=120),
            ours=lambda: run([sys.executable, "-m", "llamapack", "run", "--help"]).seconds * 1000,
            theirs=seconds("pass"),
            combined="difference",
        ),
    ]


def row(measure: Measure, found: Estimate) -> Sequence[str]:
    """Return a row of the table."""
    columns = list(zip(*measure.rounds, strict=True))
    ours, theirs = (estimate(column).median for column in columns)
    interval = (
        f"needs {FEWEST} rounds" if found.low is None or found.high is None else f"{found.low:.3f} … {found.high:.3f}"
    )
    return (
        *(measure.name, f"{ours:.4g} {measure.unit}", f"{theirs:.4g} {measure.unit}", measure.combined),
        *(f"{found.median:.3f}", interval, f"{measure.bar.side} {measure.bar.limit}", measure.bar.verdict(found)),
    )


HEAD = ("what", "llamapack", "llama.cpp", "compared as", "median", "95 % interval", "bar", "")


def report(setup: Setup, done: Sequence[Measure]) -> dict[str, object]:
    """Return everything that was measured, with raw values and the machine."""
    import llamapack

    return {
        "llamapack": llamapack.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpu_level": setup.level,
        "backends": [Path(library).name for library in setup.libraries.split(",")],
        "threads": setup.n_threads,
        "model": setup.model.name,
        "prompt_tokens": setup.n_prompt,
        "generated_tokens": setup.n_generated,
        "measures": [
            {
                "name": each.name,
                "unit": each.unit,
                "compared_as": each.combined,
                "bar": asdict(each.bar),
                "estimate": asdict(found := estimate(each.values())),
                "passed": each.bar.reached(found),
                "rounds": each.rounds,
            }
            for each in done
        ],
    }


def make_setup(options: argparse.Namespace, folder: Path) -> Setup:
    """Choose CPU level and threads as llamapack does, and write the prompt."""
    from llamapack import Model
    from llamapack.backends.survey import discover
    from llamapack.threads import default_threads

    with Model(options.model, vocab_only=True) as model:
        file = folder / "prompt.txt"
        file.write_text(prompt(model.vocab, options.prompt_tokens), encoding="utf-8")
        level = model.cpu.level
    plugin = [str(found.library) for found in discover().plugins if found.name == options.backend]
    if options.backend and not plugin:
        raise BenchmarkError(f"There is no plug-in {options.backend} here. Run: nox -s bench -- {options.backend}")
    return Setup(
        model=options.model,
        reference=options.reference / "llamapack-reference",
        libraries=",".join([str(level.path), *plugin]),
        level=level.name,
        layers=("-ngl", "99") if plugin else (),
        n_threads=options.threads or default_threads().count,
        n_prompt=options.prompt_tokens,
        n_generated=options.generated_tokens,
        prompt_file=file,
    )


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--reference", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--backend", default="", help="Put all layers on this plug-in's device.")
    parser.add_argument("--rounds", type=at_least_one, default=12, help="Rounds that count (default: %(default)s).")
    parser.add_argument("--only", action="append", help="Measure only this; may be given several times.")
    parser.add_argument("--threads", type=int, help="Threads of both sides (default: llamapack's own choice).")
    parser.add_argument("--prompt-tokens", type=int, default=454, help="Depth (default: %(default)s).")
    parser.add_argument("--generated-tokens", type=int, default=128, help="Length (default: %(default)s).")
    return parser.parse_args(argv)


def main() -> int:
    """Measure, print the table and write the report. A limit that is not reached is reported, but is not an error."""
    options, load = parse(), os.getloadavg()
    with tempfile.TemporaryDirectory() as folder:
        setup = make_setup(options, Path(folder))
        chosen = [each for each in measures(setup) if not options.only or each.name in options.only]
        for number in range(-1, options.rounds):  # the one before the first warms up and does not count
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
            for each in chosen:
                each.step(number)
    write_report(options.output, report(setup, chosen), load)
    print(f"CPU level {setup.level}, {setup.n_threads} threads, load average {load[0]:.1f} before")
    print(markdown(HEAD, [row(each, estimate(each.values())) for each in chosen]))
    return 0


if __name__ == "__main__":
    run_main(main)
