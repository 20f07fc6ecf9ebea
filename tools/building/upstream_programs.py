"""Build llama.cpp's own programs with the same libraries, for tests that compare with them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.building.build import Build, build_environment
from tools.building.wheels import core_wheel, host_build
from tools.errors import ToolError
from tools.git.repository import Git
from tools.paths import BUILD, CORE, TRACKING
from tools.util import stamps
from tools.util.cmd import Argument, run_logged
from tools.util.files import locked

log = logging.getLogger(f"llamapack.{__name__}")

BACKEND_OPS = "llamapack-backend-ops"
TO_COMPARE_WITH = ("llamapack-reference", "llama-tokenize")
PROGRAMS = (*TO_COMPARE_WITH, BACKEND_OPS)
"""llamapack-reference holds llama-completion, llama-bench, llama-mtmd-cli and llama-perplexity, llamapack-backend-ops
test-backend-ops.

Their first argument is a backend, or several with commas.
"""


def build_upstream(programs: Sequence[str] = TO_COMPARE_WITH) -> Path:
    """Return the folder with upstream's `programs`; they are built if an input has changed."""
    if unknown := sorted(set(programs) - set(PROGRAMS)):
        raise ToolError(f"Upstream's {', '.join(unknown)} cannot be built here.", fix=f"Known: {', '.join(PROGRAMS)}.")
    core_wheel()
    build = host_build()
    folder = build.folder / "reference"
    stamp = folder / f"{'-'.join(programs)}.json"
    sources = " ".join(Git.at(TRACKING).require_id(f"HEAD:{name}") for name in ("tools", "tests"))
    key = {**build.inputs(), **dict.fromkeys(programs, "built"), "their sources": sources}
    with locked(build.lock):
        if stamps.changed(stamp, key) or not all(_program(folder, name).exists() for name in programs):
            log.info(f"Building upstream's {', '.join(programs)}")
            _build(build, programs)
            stamps.write(stamp, key)
    return folder


def backend_ops() -> Path:
    """Return upstream's test-backend-ops."""
    return _program(build_upstream([BACKEND_OPS]), BACKEND_OPS)


def _build(build: Build, programs: Sequence[str]) -> None:
    environment = build_environment(build)
    cmake: list[Argument] = [environment.venv.python, "-m", "cmake"]
    what, env = "Upstream's programs could not be built", environment.variables
    log_file = BUILD / "reference.log"
    configure: list[Argument] = ["-S", CORE / "native", "-B", build.folder, f"-DLLAMAPACK_UPSTREAM_PROGRAMS={TRACKING}"]
    run_logged([*cmake, *configure], log_file=log_file, what=what, env=env)
    run_logged([*cmake, "--build", build.folder, "--target", *programs], log_file=log_file, what=what, env=env)


def _program(folder: Path, name: str) -> Path:
    return folder / (f"{name}.exe" if sys.platform == "win32" else name)
