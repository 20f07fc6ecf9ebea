"""Everything that is built and checked here: a session prepares an environment and runs one thing.

The two to begin with are `nox -s run -- "Why is the sky blue?"` and `nox -s test`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import nox

if sys.version_info < (3, 11):
    raise SystemExit(f"Nox must run on Python 3.11 or newer here; this is {sys.version.split()[0]}: {sys.executable}")

# `nox`, unlike `python -m nox`, does not look for modules beside the noxfile.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from tools import matrix
from tools.building import (
    compiler_variants,
    native_server,
    other_abi,
    peers,
    reproducible,
    upstream_programs,
    wheels,
)
from tools.building.build import LEVELS_VARIABLE
from tools.compilers.toolchains import find_toolchain
from tools.matrix import Cell, host_target
from tools.matrix.ci_rows import workflow_output
from tools.paths import BUILD, DIST, ROOT, Checkout
from tools.platforms import browsers
from tools.platforms.distributions import SUITES
from tools.platforms.emulators import ensure_emulator
from tools.platforms.host import Method, this_host
from tools.sessions import backend_ops, cpu_levels, given_files, measuring, other_targets, plugins, server_tests
from tools.sessions.common import (
    CLEAN,
    WHOLE,
    cells,
    prepare,
    reporting_tool_errors,
    run_pytest,
    scratch_in_memory,
    skip_unless_here,
    start,
    try_to_install_disassembler,
    workers,
)
from tools.sessions.releasing import build_with_cibuildwheel, make_files
from tools.vendoring import check, ensure
from tools.verification import demo_model, plan, results

PERSONS_OWN = start()
MEASURING = measuring.Measuring(
    environment=plugins.bench_environment,
    core_wheel=wheels.core_wheel,
    reference=upstream_programs.build_upstream,
    server=native_server.native_server,
    peers=peers.peers,
    levels=compiler_variants.build_all,
    openmp=compiler_variants.openmp_level,
)

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["test"]
nox.options.reuse_venv = "yes"


@contextmanager
def with_source(session: nox.Session) -> Iterator[None]:
    """Have llama.cpp's source in place for what is built from it, and report a ToolError without a traceback."""
    with reporting_tool_errors(session):
        ensure.ensure_source()
        yield


@nox.session
def run(session: nox.Session) -> None:
    """Answer a prompt with a small model, from nothing: nox -s run -- "Why is the sky blue?"

    Gets the source, builds and installs the core wheel, fetches the model, and streams the answer. What did not change
    is not made again. Options of `llamapack run` may stand before the prompt, also `--model` with a file or a name such
    as hf:org/repo.
    """
    told = session.posargs or ["Why is the sky blue?"]
    named = any(word in ("-m", "--model") or word.startswith("--model=") for word in told)
    with with_source(session):
        prepare(session, "core", wheel=wheels.core_wheel())
        model = [] if named else ["--model", str(demo_model.demo_model())]
    session.run("llamapack", "run", *model, *told, env={**PERSONS_OWN, **CLEAN}, stderr=None)


@nox.session(venv_backend="none")
def test(session: nox.Session) -> None:
    """Run all that this host can check: lint, types, the vendored source, unit, wheels, their levels and devices."""
    with with_source(session):
        names = ("lint", "types", "vendor-check", "unit", "integration", "packaging", "audit", "emulation")
    for name in (*names, "test-vulkan"):
        session.notify(name, [])
    session.notify("distributions(trixie)", [cpu_levels.OWN_WHEEL])


@nox.session(venv_backend="none")
def quick(session: nox.Session) -> None:
    """Run lint, types and most unit tests, for while you work; what stands after `--` goes to the unit tests.

    The slow ones, in which vendoring calls git, are left out: `nox -s unit` runs all, `nox -s unit -- -m slow` these.
    """
    session.log("Left out are the slow unit tests, those of vendoring: nox -s unit -- -m slow")
    session.notify("lint", [])
    session.notify("types", [])
    session.notify("unit", ["-m", "not slow", *session.posargs])


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and workflows; with `-- --fix`, fix what can be fixed automatically."""
    with reporting_tool_errors(session):
        prepare(session, "lint")
    fix = "--fix" in session.posargs
    session.run("ruff", "check", *(["--fix"] if fix else []))
    session.run("ruff", "format", *([] if fix else ["--check"]))
    session.run("actionlint")
    session.run("zizmor", "--offline", "--quiet", ".github/workflows")


@nox.session
def types(session: nox.Session) -> None:
    """Check all types with mypy, strictly, and with pyright what users write: examples, and calls with their types."""
    with reporting_tool_errors(session):
        prepare(session, "types", "tasks", "sbom")
    session.run("mypy", *session.posargs)
    # Named, because pyright prefers a pyrightconfig.json of a folder above; and it would ask for newer versions.
    session.run("pyright", "--project", "pyproject.toml", env={"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"})


@nox.session
def unit(session: nox.Session) -> None:
    """Test the tools and the package's Python, without native code: nox -s unit -- -k matrix, for some of it."""
    with reporting_tool_errors(session):
        wanted = ("core", "chat", "hub", "serve", "nox", "bindgen", "rehearse", "release", "sbom", "tasks", "test")
        prepare(session, *wanted)
    session.run("python", "-m", "pytest", "tests/unit", *workers(), *session.posargs, env=scratch_in_memory())


@nox.session
def integration(session: nox.Session) -> None:
    """Test the installed wheel with a real model, against llama.cpp's own programs."""
    with with_source(session):
        prepare(session, "core", "test", "chat", "serve", "clients", wheel=wheels.core_wheel())
        variables = given_files.to_integration(upstream_programs.build_upstream())
        ensure_emulator("wine")
    run_pytest(session, str(ROOT / "tests" / "integration"), *workers(), *session.posargs, env=variables)


@nox.session(name="test-browser")
def test_browser(session: nox.Session) -> None:
    """Use the web page of `llamapack serve` in Chromium, without a window; its screenshots are in build/browser."""
    with with_source(session):
        if missing := browsers.missing():
            session.skip(missing)
        prepare(session, "core", "test", "serve", "browser", wheel=wheels.core_wheel())
        variables = {"LLAMAPACK_TEST_MODEL": str(demo_model.demo_model())}
    variables["LLAMAPACK_TEST_SCREENSHOTS"] = str(BUILD / "browser")
    run_pytest(session, str(ROOT / "tests" / "browser"), *session.posargs, env=variables)


@nox.session(name="test-isolated")
def test_isolated(session: nox.Session) -> None:
    """Run all tests of Llama again, with each model in a process of its own: `integration` does so with a sample."""
    with with_source(session):
        prepare(session, "core", "test", wheel=wheels.core_wheel())
        variables = given_files.to_integration(upstream_programs.build_upstream()) | {"LLAMAPACK_TEST_ISOLATED": "1"}
    run_pytest(session, str(ROOT / "tests" / "integration" / "llama"), *workers(), *session.posargs, env=variables)


@nox.session(name="test-clients")
def test_clients(session: nox.Session) -> None:
    """Test the server with litellm, LangChain, `llm` and schemathesis, and chat templates with transformers."""
    with with_source(session):
        prepare(session, "more-clients", wheel=wheels.core_wheel())
        variables = given_files.models()
    run_pytest(session, str(ROOT / "tests" / "clients"), *session.posargs, env=variables)


@nox.session(name="test-upstream-server")
def test_upstream_server(session: nox.Session) -> None:
    """Run llama.cpp's own tests of its server against llama-server, the runner, and `llamapack serve`.

    `-- --record` writes the page docs/reference/server-tests.md.
    """
    with with_source(session):
        server_tests.check_server(session, native_server.native_server, wheels.core_wheel)


@nox.session
def packaging(session: nox.Session) -> None:
    """Look into the finished wheels, and run the core's in a clean environment of every Python on this machine."""
    with with_source(session):
        prepare(session, "test", "packaging", "sbom")
        try_to_install_disassembler("linux-aarch64")  # small libraries for it are audited
        variables = given_files.to_packaging(wheels.core_wheel(), wheels.plugin_wheels(), other_abi.rebuilt_core())
    run_pytest(session, str(ROOT / "tests" / "wheels"), *workers(), *session.posargs, env=variables)


@nox.session
def audit(session: nox.Session) -> None:
    """Judge every library of the wheel by the rules of tools/audit; `-- WHEEL` or `-- BUILD` judges another one."""
    with with_source(session):
        arguments, recording = results.begin(session.posargs)
        word, *others = arguments or [Cell(backend="cpu", target=host_target()).id]
        results.refuse_arguments(recording, [word] if word.endswith(".whl") else others)
        prepare(session, "audit")
        cell, wheel = cpu_levels.to_audit(session, word)
    whole = [WHOLE] if recording else []
    session.run("python", "-m", "tools.audit", str(wheel), *whole, env=CLEAN)
    if recording and cell:
        with reporting_tool_errors(session):
            levels = os.environ.get(LEVELS_VARIABLE, "").replace(",", ", ")
            of = levels if cell.backend == "cpu" else wheels.compiled_for(wheel)
            results.record(cell.id, recording.result(Method.COMPILED, of=of))


@nox.session(tags=["gen"])
def gen(session: nox.Session) -> None:
    """Write the derived files that are stale: bindings, ABI table, export lists, build matrix, the README's table."""
    with with_source(session):
        prepare(session, "bindgen")
    session.run("python", "-m", "tools.generated")


@nox.session(name="vendor-check", venv_backend="none")
def vendor_check(session: nox.Session) -> None:
    """Rebuild llama.cpp from pin and patches; fail if the packages would build from anything else."""
    with with_source(session):
        if problems := check.check(Checkout()):
            session.error("\n".join(problems))


@nox.session(name="vendor-states")
def vendor_states(session: nox.Session) -> None:
    """Try vendoring in 50,000 random states, other ones each time: nothing may be lost, no manifest may be wrong."""
    with reporting_tool_errors(session):
        prepare(session, "core", "nox", "bindgen", "tasks", "test")
    variables = {"LLAMAPACK_VENDOR_STEPS": "50000", **scratch_in_memory()}
    states = "tests/unit/tools/vendoring/test_states.py"
    session.run("python", "-m", "pytest", states, *workers(), *session.posargs, env=variables)


@nox.session(name="plan-rows", venv_backend="none")
def plan_rows(session: nox.Session) -> None:
    """Print the rows of the workflow's jobs, from matrix.toml; with `-- FILE`, append them to FILE for later jobs."""
    rows = workflow_output(matrix.load_matrix())
    with Path(session.posargs[0]).open("a", encoding="utf-8") if session.posargs else nullcontext(sys.stdout) as file:
        file.write(rows)


@nox.session(name="plan", venv_backend="none")
def plan_(session: nox.Session) -> None:
    """Print how this machine would check each cell, what is missing for more, and what changes a build."""
    with reporting_tool_errors(session):
        print(plan.text(matrix.load_matrix(), this_host(), find_toolchain().description))


@nox.session(venv_backend="none")
@nox.parametrize("cell", cells("builds"))
def wheel(session: nox.Session, cell: Cell) -> None:
    """Build one wheel into dist/, with zig for another target; one that this machine cannot build is skipped."""
    with with_source(session):
        skip_unless_here(session, cell)
        path = wheels.wheel_for(cell.backend, cell.target)
    session.log(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1e6:.1f} MB")


@nox.session(name="cibuildwheel")
def cibuildwheel_(session: nox.Session) -> None:
    """Build this machine's core wheel with cibuildwheel, on Linux in a container, and judge its libraries."""
    with with_source(session):
        build_with_cibuildwheel(session)


@nox.session(name="release", venv_backend="none")
def release_(session: nox.Session) -> None:
    """Make files of a release in dist/, and judge their libraries: `-- BUILD`, or `-- sdists`."""
    with with_source(session):
        make_files(session)


@nox.session(name="reproducible", venv_backend="none")
def reproducible_(session: nox.Session) -> None:
    """Build the core wheel again in another folder and compare the bytes; `-- --recompile` leaves the cache out."""
    with with_source(session):
        digest = reproducible.require_reproducible(recompile="--recompile" in session.posargs)
    session.log(f"Both wheels are {digest}")


@nox.session(name="test-cpu", venv_backend="none")
@nox.parametrize("cell", cells("checks"))
def test_cpu(session: nox.Session, cell: Cell) -> None:
    """Check one CPU level: run, emulated, or audited if nothing here runs it; `-- --record` records the result."""
    with with_source(session):
        cpu_levels.check_level(session, cell)


@nox.session(venv_backend="none")
def emulation(session: nox.Session) -> None:
    """Run the wheel on older processors, which qemu-user emulates: two levels, and with less state than they have."""
    with with_source(session):
        if host_target() != "linux-x86_64":
            session.skip(f"qemu-user emulates x86-64 processors on Linux; this machine is {host_target()}")
        ensure_emulator("qemu-x86_64")
        parts = cpu_levels.Artifacts(wheel=wheels.core_wheel(), model=demo_model.demo_model())
        cpu_levels.emulate(session, ("sse42", "haswell"), parts, session.posargs)


@nox.session(name="distributions", venv_backend="none")
@nox.parametrize("suite", [nox.param(name, id=name) for name in SUITES])
def other_distributions(session: nox.Session, suite: str) -> None:
    """Run the manylinux wheel in another Debian release; with `-- --own-wheel`, the one for this machine."""
    with with_source(session):
        cpu_levels.check_distribution(session, suite)


@nox.session
def doctor(session: nox.Session) -> None:
    """Examine this machine with the core wheel and the plug-in wheels in dist/; `-- --json` prints JSON."""
    with with_source(session):
        prepare(session, "core", wheel=wheels.core_wheel())
        for plugin in sorted((DIST).glob("llamapack_*.whl")):
            session.install("--no-deps", "--no-index", "--force-reinstall", str(plugin))
    # 4 is degraded: the machine's matter, and not this session's failure
    session.run("llamapack", "doctor", *session.posargs, env={**PERSONS_OWN, **CLEAN}, success_codes=[0, 4])


@nox.session(name="test-vulkan", venv_backend="none")
def test_vulkan(session: nox.Session) -> None:
    """Run the Vulkan plug-in in a clean environment, on lavapipe: a Vulkan device on the CPU, so every machine has it.

    With `-- --device` it runs on this machine's own Vulkan devices instead; `-- --record` records the result,
    `-- --wheels DIR` takes finished wheels, and all packages, from DIR. `-- --target windows-x86_64`, or another
    target, checks the wheel for that one as far as this machine can run it.
    """
    with with_source(session):
        if not other_targets.checked(session, "vulkan"):
            plugins.check_plugin(session, "vulkan")


@nox.session(name="test-cuda", venv_backend="none")
def test_cuda(session: nox.Session) -> None:
    """Build the CUDA plug-in for this machine's GPU, inspect it, and run it in a clean environment.

    Without a GPU it is compiled for one architecture, inspected and loaded, and the rest is skipped with the reason.
    `-- --record` records the result, `-- --wheels DIR` takes finished wheels, and all packages, from DIR.
    `-- --target windows-x86_64`, or another target, checks the wheel for that one without a GPU.
    """
    with with_source(session):
        if not other_targets.checked(session, "cuda"):
            plugins.check_plugin(session, "cuda")


@nox.session(name="test-rocm", venv_backend="none")
def test_rocm(session: nox.Session) -> None:
    """Run the ROCm plug-in on an AMD GPU; without one, compile, audit and load it, and skip the rest.

    `-- --record` records the result; `-- --target windows-x86_64` checks the wheel for that target.
    """
    with with_source(session):
        if not other_targets.checked(session, "rocm"):
            plugins.check_rocm(session)


@nox.session(name="test-metal", venv_backend="none")
def test_metal(session: nox.Session) -> None:
    """Run the Metal plug-in on a Mac; elsewhere build it without Apple's SDK, audit it, and compare it with Apple's."""
    with with_source(session):
        if not other_targets.checked(session, "metal"):
            plugins.check_metal(session)


@nox.session(name="backend-ops", venv_backend="none")
def backend_ops_(session: nox.Session) -> None:
    """Run upstream's test of all operations, each in its own process: `-- vulkan`; `--record` writes the page."""
    with with_source(session):
        backend_ops.check_operations(session, wheels, upstream_programs.backend_ops)


@nox.session
def bench(session: nox.Session) -> None:
    """Compare speed and memory with llama.cpp's own programs; `-- --help` shows the options, such as --rounds.

    `-- cuda`, or another plug-in's name before the options, measures with all layers on its device. `-- threads`
    compares numbers of threads when cores are scarce, `-- engine` Llama with llama-server and peers, and `-- serve` the
    server with others; `-- prompt-cache` measures what its `--prompt-cache` saves.
    """
    with with_source(session):
        MEASURING.comparison(session)


@nox.session(name="bench-compilers")
def bench_compilers(session: nox.Session) -> None:
    """Compare compilers, LTO and OpenMP on three CPU levels; `-- --help` shows the options, such as --rounds."""
    with with_source(session):
        MEASURING.compilers(session)


@nox.session
def soak(session: nox.Session) -> None:
    """Watch the memory over 1,000 load/close cycles, 100,000 tokens and 10,000 requests; `-- --help` for fewer."""
    with with_source(session):
        MEASURING.watching(session, "soak", "core")


@nox.session(name="soak-server")
def soak_server(session: nox.Session) -> None:
    """Let 8 and 64 clients ask the server for ten minutes, and leave many requests; `-- --help` for less."""
    with with_source(session):
        MEASURING.watching(session, "serving.load", "core", "serve")


@nox.session
def answers(session: nox.Session) -> None:
    """Judge answers of a real model in 60 types and 300 schemas, with 3 seeds, and read those of all chat templates."""
    with with_source(session):
        prepare(session, "core", "test", wheel=wheels.core_wheel())
        variables = {"LLAMAPACK_TEST_MODEL": str(demo_model.demo_model()), "LLAMAPACK_TEST_EXTENT": "3"}
    tests = [str(ROOT / "tests" / "integration" / "llama" / f"test_{name}.py") for name in ("forms", "templates")]
    run_pytest(session, *tests, *workers(), *session.posargs, env=variables)


@nox.session
def docs(session: nox.Session) -> None:
    """Make the API reference from the docstrings, into build/docs; what pdoc warns of is an error."""
    with reporting_tool_errors(session):
        prepare(session, "core", "docs")
    variables = {**CLEAN, "PYTHONPATH": str(ROOT / "packages" / "core" / "src")}
    session.run("python", str(ROOT / "docs" / "make_api.py"), str(BUILD / "docs"), env=variables)
