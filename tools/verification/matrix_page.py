"""The page docs/reference/build-matrix.md, written from the matrix."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from tools.matrix import Cell, Matrix
from tools.platforms.host import Method, Way, ways
from tools.verification.results import Result, reached, strongest, summary

Results: TypeAlias = Mapping[str, Sequence[Result]]

RUN = (Method.NATIVE, Method.EMULATED)

_HEAD = """\
<!-- Generated from matrix.toml and results.json by tools/verification/matrix_page.py by `nox -t gen`: do not edit. -->

# The build matrix

Everything that this project builds and tests, and how each build and CPU level can be tested:

- *native*: run on a machine of that target;
- *emulated*: run by the named program, on another target or in place of hardware that the machine lacks;
- *compiled, audited and loaded*: a plug-in that llamapack loads on a machine without such a device, and reports as
  having none;
- *compiled and audited*: built, and its libraries checked without running them.

That something can be tested does not mean that it was. The last column says how it was last tested, when, and on which
commit; *not verified* means never. `nox -s plan` says what your machine could test.
"""

_NOTE = """
`nox -s test-cpu` tests each level in every way that the machine can, and skips the others with the reason. With
`-- --record` it writes the results down.
"""


def page(matrix: Matrix, results: Results) -> str:
    """Return the whole page; `results` are the recorded results of each cell, by its id."""
    sections = [
        _section("Backends", _backends(matrix)),
        _section("Builds", _checks(matrix, matrix.builds, results)),
        _section("CPU levels", _checks(matrix, matrix.checks, results)) + _NOTE,
        _section("What a CPU level needs", _levels(matrix)),
        _section("GPU architectures", _gpu(matrix)),
        _section("Targets", _targets(matrix)),
        _section("Toolchains", _toolchains(matrix)),
    ]
    return "\n".join([_HEAD, *sections])


def results_table(matrix: Matrix, results: Results) -> str:
    """Return the table of what was compiled, audited, loaded and run, for each build."""
    return _table(_results_rows(matrix, results))


def _results_rows(matrix: Matrix, results: Results) -> Iterator[Sequence[str]]:
    yield ["wheel", "system", "code for", "compiled and audited", "loaded", "run"]
    for cell in matrix.builds:
        found = results.get(cell.id, ())
        code = next((result.of for result in found if result.of), "")
        run = reached(found, *RUN)
        loaded = "yes" if run != "no" else reached(found, Method.LOADED)
        built = "yes" if found else "no"
        if cell.backend == "cpu":
            levels = [check.id for check in matrix.checks if check.target == cell.target]
            built = built if found or results.keys().isdisjoint(levels) else "levels that were proven"
            code = code or f"{len(levels)} CPU level{'s' if levels[1:] else ''}"
            run = summary(matrix, cell.target, results).partition(": ")[2]
            loaded = "yes" if any(reached(results.get(name, ()), *RUN) != "no" for name in levels) else "no"
        yield [f"`{matrix.backend(cell.backend).wheel}`", cell.target, code, built, loaded, run]


def _section(title: str, rows: Iterable[Sequence[str]]) -> str:
    return f"## {title}\n\n" + _table(rows)


def _table(rows: Iterable[Sequence[str]]) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _backends(matrix: Matrix) -> Iterator[Sequence[str]]:
    yield ["backend", "wheel", *matrix.targets]
    for backend in matrix.backends.values():
        marks = ["yes" if target in backend.targets else "" for target in matrix.targets]
        yield [backend.name, f"`{backend.wheel}`", *marks]


def _checks(matrix: Matrix, cells: Iterable[Cell], results: Results) -> Iterator[Sequence[str]]:
    yield ["id", "native", "emulated", "compiled, audited and loaded", "compiled and audited", "last result"]
    for cell in cells:
        by_how = [_hosts(matrix, cell, how) for how in (Method.NATIVE, Method.EMULATED, Method.LOADED, Method.COMPILED)]
        yield [f"`{cell.id}`", *by_how, _last(matrix, cell, results)]


def _hosts(matrix: Matrix, cell: Cell, how: Method) -> str:
    found = [(host, way) for host in matrix.targets for way in ways(matrix, cell, host) if way.how is how]
    return "; ".join(_words(host, way, matrix, cell) for host, way in found)


def _words(host: str, way: Way, matrix: Matrix, cell: Cell) -> str:
    needs = ", ".join(filter(None, [way.device, "such a processor" if cell.level and way.flags else ""]))
    text = host + (f", `{way.by}`" if way.by else "")
    return f"{text} with {needs}" if needs else text


def _last(matrix: Matrix, cell: Cell, results: Results) -> str:
    own = strongest(cell, results)
    if cell.level or cell.backend != "cpu":
        return own
    return f"{own}; {summary(matrix, cell.target, results)}" if cell.id in results else own


def _levels(matrix: Matrix) -> Iterator[Sequence[str]]:
    yield ["level", "targets", "flags of ggml", "model of qemu-user"]
    for group, levels in matrix.levels.items():
        targets = ", ".join(target.name for target in matrix.targets.values() if target.levels == group)
        for level in levels:
            yield [f"`{level.name}`", targets, " ".join(level.flags) or "none", level.qemu]


def _gpu(matrix: Matrix) -> Iterator[Sequence[str]]:
    yield ["backend", "architecture", "kind", "reason"]
    for backend, archs in matrix.gpu.items():
        for arch in archs:
            yield [backend, f"`{arch.arch}`", arch.kind, arch.reason]


def _targets(matrix: Matrix) -> Iterator[Sequence[str]]:
    yield ["target", "wheel tag", "zig target", "workflow runner"]
    for target in matrix.targets.values():
        names = (matrix.wheel_tag(target.name), matrix.zig_target(target.name), target.runner)
        yield [target.name, *(f"`{name}`" for name in names)]


def _toolchains(matrix: Matrix) -> Iterator[Sequence[str]]:
    yield ["what", "version", "reason"]
    for tool in matrix.toolchains.values():
        yield [tool.name, tool.version + (" or newer" if tool.use == "floor" else ""), tool.reason]
    yield ["Python of the wheels", ", ".join(matrix.wheel_pythons), "one wheel per platform serves all of them"]
    yield ["Python of the tools", ", ".join(matrix.tools_pythons), "tomllib is in the standard library since 3.11"]
