"""Run llama.cpp's test of a plug-in's operations on this machine's device, or on software that acts as one."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import nox

from tools.errors import ToolError
from tools.matrix import Cell, host_target, load_matrix
from tools.paths import BUILD, ROOT
from tools.platforms.host import host_features
from tools.toolkits.toolkit import Kit
from tools.util import stamps
from tools.util.atomic_files import write_text
from tools.util.files import staged_folder
from tools.verification import backend_ops, results
from tools.verification.devices import FIND_DEVICE

PAGE = ROOT / "docs" / "reference" / "backend-ops.md"
DEVICES = {"vulkan": "Vulkan0"}
"""ggml's name of the first device, for each backend whose operations are tested."""


class Wheels(Protocol):
    """What builds the wheels of this machine."""

    def core_wheel(self) -> Path:
        """Return the core's."""

    def host_wheel(self, backend: str, *, kit: Callable[[], Kit] | None = None) -> Path:
        """Return a plug-in's, compiled with `kit` or its own."""


def check_operations(session: nox.Session, wheels: Wheels, build_program: Callable[[], Path]) -> None:
    """Test the operations of the plug-in in the first argument: all, or those that are named after it.

    `build_program` builds test-backend-ops.

    `--record` writes the page from all results so far; an operation without one is named there as not run.
    """
    arguments, recording = results.begin(session.posargs)
    if not arguments or arguments[0] not in DEVICES:
        raise ToolError("A backend must be named.", fix=f"Run: nox -s backend-ops -- {', or '.join(DEVICES)}")
    backend, *named = arguments
    device = FIND_DEVICE[backend](named)
    if device.missing:
        session.skip(f"nothing can be tested: {device.missing}")
    named = [word for word in named if word not in device.options]
    parts = (wheels.core_wheel(), wheels.host_wheel(backend, kit=device.kit))
    program = _program(build_program(), backend, parts, device.variables)
    known = backend_ops.operations(program)
    inputs = {wheel.name: stamps.file_digest(wheel) for wheel in parts} | {"device": device.by or "of this machine"}
    folder = BUILD / f"backend-ops-{backend}"
    outcomes = backend_ops.run(program, named or known, folder, inputs)
    unlike = [one.operation for one in outcomes if one.failed or one.end]
    session.log(
        f"{len(outcomes)} of {len(known)} operations have a result. Failed or ended: {', '.join(unlike) or '-'}"
    )
    if recording:
        by = device.by or "this machine's device"
        commit = recording.result(device.how, device.by).commit
        write_text(PAGE, backend_ops.page(outcomes, known, backend=backend, device=by, commit=commit))
        session.log(f"Written: {PAGE.relative_to(ROOT)}")


def _program(
    program: Path, backend: str, parts: tuple[Path, Path], variables: Mapping[str, str]
) -> backend_ops.Program:
    """Return upstream's test program with the libraries of the wheels in `parts`, the core's and the plug-in's."""
    key = "-".join(stamps.file_digest(part)[:8] for part in parts)
    folder = BUILD / "backend-ops-wheels" / key
    if not folder.is_dir():
        with staged_folder(folder) as staged:
            for part in parts:
                with zipfile.ZipFile(part) as archive:
                    archive.extractall(staged)
    core, plugin = folder / "llamapack" / "lib", folder / f"llamapack_{backend}" / "lib" / f"libggml-{backend}.so"
    libraries = f"{plugin},{core / f'libggml-cpu-{_level()}.so'}"
    return backend_ops.Program(
        command=(str(program), libraries),
        variables={**variables, "LD_LIBRARY_PATH": str(core)},
        device=DEVICES[backend],
    )


def _level() -> str:
    """Return the highest CPU level that this machine runs, to compare with."""
    matrix, has = load_matrix(), host_features() or frozenset()
    levels = matrix.levels_of(Cell(backend="cpu", target=host_target()).target)
    return [level.name for level in levels if {word for flag in level.flags for word in matrix.flags[flag]} <= has][-1]
